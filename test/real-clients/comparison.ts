import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Client, connectClient } from "../../src/client/client.ts"
import type { PublishRequest } from "../../src/client/sender.ts"
import type { Packet } from "../../src/protocol/packet.ts"
import { type BrokerProcess, executable, portOf, startBroker } from "../../scripts/executable.ts"
import { ClientPrograms, type ClientProgram } from "./client-programs.ts"
import { type Overheard, overhear } from "./overheard.ts"

/** One command line that both programs are given. In its words `T` at the beginning is a topic of its own. */
export interface Call {
  readonly program: ClientProgram
  readonly words: readonly string[]
  readonly stdin?: string
  /** What stands in the options file of the program. */
  readonly options?: string
  /** Retained before. */
  readonly retained?: readonly PublishRequest[]
  /** Published when the subscription stands. */
  readonly live?: readonly PublishRequest[]
  /** In the output, what no two runs have in common. */
  readonly mask?: RegExp
  /** What our own name makes of it, where that is not the same output and exit code. */
  readonly own?: Seen
  /** Takes no `-h` and `-p`: the words say where to connect, with PORT for the port. */
  readonly elsewhere?: true
}

/** Some of what is seen of a program. */
export interface Seen {
  readonly exitCode: number
  readonly out?: string | RegExp
  readonly error?: string | RegExp
  /** The packets that reached the broker, by type. */
  readonly sent?: string
}

/** What one program made of a call. */
export interface Outcome {
  readonly exitCode: number | null
  readonly out: string
  readonly error: string
  /** What reached the broker, connection by connection. */
  readonly packets: readonly (readonly Packet[])[]
}

export interface Comparison {
  readonly theirs: Outcome
  readonly ours: Outcome
}

/** Our executable by Mosquitto's names, theirs, and a broker that serves both. */
export class Comparer {
  readonly #programs: ClientPrograms
  readonly #broker: BrokerProcess
  readonly #publisher: Client
  #calls = 0

  private constructor(programs: ClientPrograms, broker: BrokerProcess, publisher: Client) {
    this.#programs = programs
    this.#broker = broker
    this.#publisher = publisher
  }

  /** @param theirs the folder of Mosquitto's clients */
  static async start(theirs: string): Promise<Comparer> {
    const broker = await startBroker(await executable(), { words: ["--ephemeral", "--port", "0"] })
    const target = { scheme: "tcp", host: "127.0.0.1", port: portOf(broker, "tcp") } as const
    const publisher = await connectClient(target, { version: 5, clientId: "publisher" })
    return new Comparer(await ClientPrograms.link(theirs), broker, publisher)
  }

  async stop(): Promise<void> {
    await this.#publisher.disconnect()
    await this.#broker.stop()
    this.#programs.remove()
  }

  /** A file that the words of a call can name. */
  file(name: string, content: string): string {
    writeFileSync(join(this.#programs.folder, name), content)
    return join(this.#programs.folder, name)
  }

  /** Both programs, one after the other, so that neither sees the other's messages. */
  async compare(call: Call): Promise<Comparison> {
    const topic = `T${++this.#calls}`
    const theirs = await this.#run(this.#programs.theirs(call.program), call, topic)
    return { theirs, ours: await this.#run(this.#programs.linked(call.program), call, topic) }
  }

  /** The same call under our own name. */
  own(call: Call): Promise<Outcome> {
    return this.#run(this.#programs.own(call.program), call, `T${++this.#calls}`)
  }

  async #publish(topic: string, messages: readonly PublishRequest[], retain: boolean): Promise<void> {
    for (const message of messages) {
      await this.#publisher.publish({ qos: 1, retain, ...message, topic: inOwnTopic(message.topic, topic) })
    }
  }

  async #run(program: readonly string[], call: Call, topic: string): Promise<Outcome> {
    // What one program removed, the other one finds again.
    await this.#publish(topic, call.retained ?? [], true)
    const port = portOf(this.#broker, "tcp")
    const door = await overhear(port, () => void this.#publish(topic, call.live ?? [], false))
    const { stdin, mask } = call
    const cmd = [...program, ...wordsOf(call, topic, door)]
    const said = await this.#programs.run(cmd, { stdin, configHome: this.#configHome(call, topic) })
    const plain = said.out.replaceAll(topic, "T").replaceAll(/auto-[0-9a-f-]{36}/g, "auto")
    return {
      exitCode: said.exitCode,
      error: said.error.replaceAll(topic, "T"),
      out: mask === undefined ? plain : plain.replace(mask, "*"),
      packets: masked(await door.heard()),
    }
  }

  #configHome({ options, program }: Call, topic: string): string {
    const home = join(this.#programs.folder, topic)
    if (options === undefined) return home
    const text = options.replaceAll(/(?<= )(?:T|mine)$/gm, (word) => inOwnTopic(word, topic))
    mkdirSync(join(home, "bantam"), { recursive: true })
    for (const name of [`mosquitto_${program}`, `bantam/${program}`]) writeFileSync(join(home, name), text)
    return home
  }
}

function wordsOf({ words, elsewhere }: Call, topic: string, door: Overheard): readonly string[] {
  const own = words.map((word) =>
    inOwnTopic(word, topic).replace("/T/", `/${topic}/`).replace("PORT", `${door.port}`),
  )
  return elsewhere === true ? own : ["-h", "127.0.0.1", "-p", String(door.port), ...own]
}

/** `T` and `T/...` become a topic that no other call has, `mine` such a client identifier. */
function inOwnTopic(word: string, topic: string): string {
  return word
    .replace(/^(?:\$share\/g\/)?T(?=$|\/)/, (found) => found.replace("T", topic))
    .replace(/^mine$/, `mine-${topic}`)
}

/** Identifiers made by chance or of a process id, and the topics of a call. */
function masked(connections: readonly (readonly Packet[])[]): readonly (readonly Packet[])[] {
  return connections.map((packets) =>
    packets.map((packet): Packet => {
      switch (packet.type) {
        case "connect":
          return {
            ...packet,
            clientId: packet.clientId
              .replace(/^mosq-[A-Za-z0-9]{18}$/, "mosq-")
              .replace(/^(pid-)\d+$|^(mine)-.*$/, "$1$2"),
          }
        case "publish":
          return { ...packet, topic: plainTopic(packet.topic), payload: Buffer.from(packet.payload) }
        case "subscribe":
          return {
            ...packet,
            requests: packet.requests.map((each) => ({ ...each, filter: plainTopic(each.filter) })),
          }
        case "unsubscribe":
          return { ...packet, filters: packet.filters.map(plainTopic) }
        default:
          return packet
      }
    }),
  )
}

function plainTopic(topic: string): string {
  return topic.replace(/^T\d+(?=$|\/)/, "T")
}

/** Works on all, a few at a time, and keeps their order. */
export async function each<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const rest = items.entries()
  const worker = async () => {
    for (const [index, item] of rest) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}
