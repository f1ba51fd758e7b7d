import { Command, InvalidArgumentError } from "commander"
import type { PublishRequest } from "../src/client/sender.ts"
import { isError } from "../src/protocol/reason-code.ts"
import { parseTopicName, wireTopicLimits } from "../src/protocol/topic.ts"
import { standardOutput } from "./byte-output.ts"
import { ClientRun } from "./client-run.ts"
import { type ConnectionOptions, planConnection, withConnectionOptions } from "./connection-options.ts"
import { linesOf } from "./lines.ts"
import type { Manner } from "./manner.ts"
import { wholeNumber } from "./options.ts"
import { CommandError } from "./output.ts"
import { type PayloadOptions, payloadOf, withPayloadOptions } from "./payload-options.ts"

interface PubOptions extends ConnectionOptions, PayloadOptions {
  readonly topic?: string
  readonly stdinLine?: true
  readonly retain?: true
  readonly repeat: number
  readonly repeatDelay: number
}

/** bantam pub: what mosquitto_pub does, but a publish that the server refuses is not a success. */
export function pubCommand(): Command {
  const command = new Command("pub").description("publish messages")
  return withPayloadOptions(withConnectionOptions(command))
    .option("-t, --topic <topic>", "topic to publish to")
    .option("-l, --stdin-line", "one message for each line of standard input")
    .option("-r, --retain", "the server keeps the message for later subscribers")
    .option("--repeat <count>", "publish so many times", wholeNumber(1, 0xffff_ffff), 1)
    .option("--repeat-delay <seconds>", "wait so long in between, fractions too", delaySeconds, 0)
    .addHelpText("after", examples)
    .action(pub)
}

const examples = `
Examples:
  bantam pub -t lamp/1 -m on -q 1 -r
  tail -f app.log | bantam pub -t log -l

Exit codes:
  0 the server has everything, 1 wrong command line, 7 connection lost, 14 server not reached,
  from 128 the server's reason code, of the CONNACK or of the first publish that it refused`

async function pub(options: PubOptions): Promise<void> {
  const topic = publishTopicOf(options.topic)
  const plan = planConnection(options)
  const read = payloadOf(options, plan.manner.name, options.stdinLine)
  if (read === undefined && options.stdinLine === undefined) {
    throw new CommandError("say what to publish with one of -m, -f, -l, -s and -n")
  }
  const output = standardOutput()
  const run = new ClientRun(plan, options, output)
  const publisher = new Publisher(run, plan.manner, {
    topic,
    qos: options.qos,
    retain: options.retain === true,
    properties: plan.properties.publish,
  })
  const payload = await read?.()
  await run.finish(async () => {
    if (payload === undefined) {
      for await (const line of linesOf(Bun.stdin.stream())) await publisher.publish(line)
    } else {
      for (let count = 1; count <= options.repeat; count++) {
        await publisher.publish(payload)
        if (count < options.repeat && options.repeatDelay > 0) await Bun.sleep(options.repeatDelay * 1000)
      }
    }
    await publisher.answered()
  })
  await output.drained()
}

/** Publishes as fast as the server takes it, and remembers what is not answered yet. */
class Publisher {
  readonly #run: ClientRun
  readonly #manner: Manner
  readonly #shared: Omit<PublishRequest, "payload">
  /** No more than the client has in flight. */
  readonly #unanswered = new Set<Promise<void>>()
  #count = 0

  constructor(run: ClientRun, manner: Manner, shared: Omit<PublishRequest, "payload">) {
    this.#run = run
    this.#manner = manner
    this.#shared = shared
  }

  async publish(payload: Uint8Array): Promise<void> {
    const { client } = this.#run
    if (!client.writable) await client.whenWritable()
    const answer = this.#publish(payload).finally(() => this.#unanswered.delete(answer))
    this.#unanswered.add(answer)
  }

  async answered(): Promise<void> {
    await Promise.all(this.#unanswered)
  }

  async #publish(payload: Uint8Array): Promise<void> {
    const count = ++this.#count
    const answer = await this.#run.client.publish({ ...this.#shared, payload })
    if (isError(answer.reasonCode)) {
      this.#run.fail(this.#manner.publishRefused(this.#shared.topic, answer, count))
    }
  }
}

/** @throws CommandError */
export function publishTopicOf(topic: string | undefined): string {
  if (topic === undefined) throw new CommandError("no topic: add -t TOPIC")
  if (parseTopicName(topic, wireTopicLimits) === undefined) {
    throw new CommandError(`-t ${topic}: a topic to publish to is not empty and holds neither + nor #`)
  }
  return topic
}

function delaySeconds(text: string): number {
  const seconds = Number(text)
  // A timer beyond 2^31-1 ms would fire at once.
  if (text !== "" && seconds >= 0 && seconds <= 2_000_000) return seconds
  throw new InvalidArgumentError("It must be a number of seconds from 0 to 2000000.")
}
