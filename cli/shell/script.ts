import type { BrokerPlan } from "../broker-options.ts"
import { type ByteOutput, standardOutput } from "../byte-output.ts"
import { harmless } from "../harmless.ts"
import { type ConnectionState, KeptConnection } from "../kept-connection.ts"
import { linesOf } from "../lines.ts"
import { ExitCode } from "../manner.ts"
import { CommandError, complain, paint } from "../output.ts"
import { parseCommand } from "./command.ts"
import type { Layout } from "./message-text.ts"
import { Refused, type ShellOutput, ShellSession } from "./session.ts"

/** Nothing is cut where no terminal ends a line. */
const columnsOfPipe = 10_000

/** How a script ended, and what is to be said of it. */
interface Ending {
  readonly exitCode: number
  readonly complaint?: string
}

/**
 * Runs the lines of a stream, one after the other, up to the first that fails.
 *
 * @returns the exit code
 * @throws NoConnection when the connection does not come to stand
 */
export async function runScript(plan: BrokerPlan, input: AsyncIterable<Uint8Array>): Promise<number> {
  const stdout = standardOutput()
  const broken = Promise.withResolvers<Ending>()
  const session = new ShellSession(
    { format: "plain", messages: "shown", qos: 0 },
    plainOutput(stdout, (why) => broken.resolve({ exitCode: ExitCode.connectionLost, complaint: why })),
  )
  const connection = new KeptConnection(plan, session)
  session.use(connection)
  const online = () => (connection.state.at === "online" ? connection.state.client : undefined)
  stdout.onFull = () => online()?.pause()
  stdout.onDrained = () => online()?.resume()
  stdout.onBroken = ({ code, message }) =>
    // Whoever read it has seen enough, and nothing went wrong.
    broken.resolve(
      code === "EPIPE"
        ? { exitCode: 0 }
        : { exitCode: 1, complaint: `cannot write to standard output: ${message}` },
    )
  await connection.open()
  const { exitCode, complaint } = await Promise.race([runLines(session, input), broken.promise])
  await connection.close()
  await stdout.drained()
  if (complaint !== undefined) complain(harmless(complaint))
  return exitCode
}

function plainOutput(stdout: ByteOutput, lost: (why: string) => void): ShellOutput {
  const layout: Layout = {
    columns: process.stdout.columns ?? columnsOfPipe,
    payloadLines: Number.POSITIVE_INFINITY,
    paint,
  }
  const print = (lines: readonly string[]) => stdout.text(lines.map((line) => `${line}\n`).join(""))
  return {
    layout: () => layout,
    lines: print,
    note: () => {},
    message: (_bytes, lines) => print(lines()),
    connection: (state: ConnectionState) => {
      // Nobody knows what of the script has been done by then: it does not go on with another connection.
      if (state.at === "waiting") lost(state.why)
    },
  }
}

async function runLines(session: ShellSession, input: AsyncIterable<Uint8Array>): Promise<Ending> {
  const decoder = new TextDecoder()
  let number = 0
  for await (const bytes of linesOf(input)) {
    number += 1
    try {
      const command = parseCommand(decoder.decode(bytes).replace(/\r$/, ""))
      if (command !== undefined && !(await session.run(command))) return { exitCode: 0 }
    } catch (error) {
      if (!(error instanceof CommandError) && !(error instanceof Refused)) throw error
      const exitCode = error instanceof Refused ? error.exitCode : 1
      return { exitCode, complaint: `line ${number}: ${error.message}` }
    }
  }
  return { exitCode: 0 }
}
