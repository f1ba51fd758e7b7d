import type { BrokerPlan } from "../broker-options.ts"
import { standardOutput } from "../byte-output.ts"
import { harmless } from "../harmless.ts"
import { type ConnectionState, KeptConnection } from "../kept-connection.ts"
import { linesOf } from "../lines.ts"
import { CommandError, complain, paint } from "../output.ts"
import { parseCommand } from "./command.ts"
import type { Layout } from "./message-text.ts"
import { Refused, type ShellOutput, ShellSession } from "./session.ts"

/** Nothing is cut where no terminal ends a line. */
const columnsOfPipe = 10_000

/**
 * Runs the lines of a stream, one after the other, up to the first that fails.
 *
 * @returns the exit code
 * @throws NoConnection when the connection does not come to stand
 */
export async function runScript(plan: BrokerPlan, input: AsyncIterable<Uint8Array>): Promise<number> {
  const stdout = standardOutput()
  const lost = Promise.withResolvers<string>()
  const layout: Layout = {
    columns: process.stdout.columns ?? columnsOfPipe,
    payloadLines: Number.POSITIVE_INFINITY,
    paint,
  }
  const print = (lines: readonly string[]) => stdout.text(lines.map((line) => `${line}\n`).join(""))
  const output: ShellOutput = {
    layout: () => layout,
    lines: print,
    note: () => {},
    message: (_bytes, lines) => print(lines()),
    connection: (state: ConnectionState) => {
      // Nobody knows what of the script has been done by then: it does not go on with another connection.
      if (state.at === "waiting") lost.resolve(state.why)
    },
  }
  const session = new ShellSession({ format: "plain", messages: "shown", qos: 0 }, output)
  const connection = new KeptConnection(plan, session)
  session.use(connection)
  stdout.onBroken = () => lost.resolve("nobody reads what is printed")
  await connection.open()
  const broken = lost.promise.then((why) => {
    complain(harmless(why))
    return 7
  })
  const exitCode = await Promise.race([runLines(session, input), broken])
  await connection.close()
  await stdout.drained()
  return exitCode
}

async function runLines(session: ShellSession, input: AsyncIterable<Uint8Array>): Promise<number> {
  const decoder = new TextDecoder()
  let number = 0
  for await (const bytes of linesOf(input)) {
    number += 1
    try {
      const command = parseCommand(decoder.decode(bytes).replace(/\r$/, ""))
      if (command !== undefined && !(await session.run(command))) return 0
    } catch (error) {
      if (!(error instanceof CommandError) && !(error instanceof Refused)) throw error
      complain(`line ${number}: ${harmless(error.message)}`)
      return error instanceof Refused ? error.exitCode : 1
    }
  }
  return 0
}
