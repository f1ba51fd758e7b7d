import { Client } from "../src/client/client.ts"
import { type ClientEnd, ConnectionEnded, describeEnd } from "../src/client/client-end.ts"
import type { ClientOptions } from "../src/client/client-options.ts"
import type { ProtocolVersion } from "../src/protocol/packet.ts"
import { connectReturnCode, isError } from "../src/protocol/reason-code.ts"
import { connect, type ConnectTarget } from "../src/transport/connect.ts"
import type { ByteOutput } from "./byte-output.ts"
import type { ConnectionPlan } from "./connection-options.ts"
import { complain } from "./output.ts"
import { packetLine } from "./packet-line.ts"

/** Exit codes of Mosquitto's clients, besides 0, 1 for a wrong command line, and the server's own reason codes. */
export const ExitCode = {
  protocolError: 2,
  connectionLost: 7,
  tls: 8,
  unreachable: 14,
  noAnswer: 19,
  timedOut: 27,
} as const

export interface RunOptions {
  readonly debug?: true
  readonly quiet?: true
}

/** One run of a client command: what went wrong on the way, and what the process exits with. */
export class ClientRun {
  readonly client: Client
  readonly #plan: ConnectionPlan
  readonly #quiet: boolean

  constructor(
    plan: ConnectionPlan,
    { debug, quiet }: RunOptions,
    output: ByteOutput,
    own: Pick<ClientOptions, "acknowledge" | "onMessage"> = {},
  ) {
    this.#plan = plan
    this.#quiet = quiet === true
    this.client = new Client({
      ...plan.client,
      ...own,
      ...(debug === true
        ? {
            onPacket: (direction, packet) => output.text(packetLine(this.client.clientId, direction, packet)),
          }
        : {}),
    })
  }

  /** Connects, lets `work` be done, says goodbye. */
  async finish(work: () => Promise<void>): Promise<void> {
    const { client } = this
    const { target } = this.#plan
    const socket = await connect(target, client.socketOwner).catch((error: unknown) => {
      this.fail(error instanceof Error ? error.message : String(error), unreachableCode(error, target))
    })
    if (socket === undefined) return
    try {
      await client.start(socket)
      // Work that waits for standard input would not notice that nobody is there any more.
      await Promise.race([work(), client.ended.then(throwUnlessOver)])
      await this.sayGoodbye()
    } catch (error) {
      if (!(error instanceof ConnectionEnded)) throw error
      if (error.end.why === "failed") throw error.cause
      if (error.end.why === "disconnected") return
      this.fail(describeEnd(error.end), exitCodeOf(error.end, this.#plan.client.version))
    }
  }

  /** Ends the run: `finish` comes back once all that was sent is with the server. Nothing more is read. */
  sayGoodbye(): Promise<ClientEnd> {
    return this.client.disconnect(undefined, this.#plan.properties.disconnect)
  }

  /** Says what went wrong. The first failure settles the exit code. */
  fail(sentence: string, exitCode: number): void {
    this.warn(sentence)
    process.exitCode ||= exitCode
  }

  /** One line on standard error, unless --quiet. */
  warn(sentence: string): void {
    if (!this.#quiet) complain(sentence.replace(/\.$/, ""))
  }
}

function throwUnlessOver(end: ClientEnd): void {
  if (end.why !== "disconnected") throw new ConnectionEnded(end)
}

function exitCodeOf(end: ClientEnd, version: ProtocolVersion): number {
  switch (end.why) {
    case "refused":
      return version === 5 ? end.reasonCode : connectReturnCode(end.reasonCode)
    case "server-disconnect":
      return isError(end.reasonCode) ? end.reasonCode : ExitCode.connectionLost
    case "protocol-error":
      return ExitCode.protocolError
    case "timeout":
      return ExitCode.noAnswer
    case "lost":
      return ExitCode.connectionLost
    case "failed":
      return 1
    case "disconnected":
      return 0
  }
}

/** The system's own codes look like ECONNREFUSED; on a TLS connection anything else is about a certificate. */
function unreachableCode(error: unknown, target: ConnectTarget): number {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  const isTls = target.scheme === "tls" || target.scheme === "wss"
  return isTls && (code === "EPROTO" || !/^E[A-Z]+$/.test(code)) ? ExitCode.tls : ExitCode.unreachable
}
