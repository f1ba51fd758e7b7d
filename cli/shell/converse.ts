import { createInterface } from "node:readline"
import type { BrokerPlan } from "../broker-options.ts"
import { harmless } from "../harmless.ts"
import { KeptConnection } from "../kept-connection.ts"
import { CommandError, paint } from "../output.ts"
import { parseCommand } from "./command.ts"
import { completionOf } from "./completion.ts"
import { historyFile, mostHistoryLines, readHistory, remember } from "./history.ts"
import { PromptedOutput } from "./prompted-output.ts"
import { Refused, ShellSession } from "./session.ts"

/** Who leaves waits no longer for what is still to be done. */
const longestFarewellMs = 1_000

/**
 * Talks with a person at a terminal, who may leave at any time.
 *
 * @throws NoConnection when the first connection does not come to stand
 */
export async function converse(plan: BrokerPlan): Promise<void> {
  const file = historyFile()
  const left = Promise.withResolvers<void>()
  const readline = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: true,
    // The latest first.
    history: file === undefined ? [] : readHistory(file).toReversed(),
    historySize: mostHistoryLines,
    removeHistoryDuplicates: true,
    completer: (line: string) => {
      const [candidates, typed] = completionOf(line, {
        topics: () => session.seen.names(),
        subscriptions: () => session.subscriptions.keys(),
      })
      return [[...candidates], typed]
    },
  })
  const output = new PromptedOutput(readline, process.stdout, plan.name)
  const session = new ShellSession({ format: "human", messages: "shown", qos: 0 }, output)
  const connection = new KeptConnection(plan, session)
  session.use(connection)

  readline.on("close", () => {
    output.end()
    left.resolve()
  })
  readline.on("SIGINT", () => {
    // As in a shell it throws away what was typed; with nothing there it leaves.
    if (readline.line === "") return left.resolve()
    readline.write(null, { ctrl: true, name: "e" })
    readline.write(null, { ctrl: true, name: "u" })
  })
  // Back from Ctrl-Z, readline has paused itself.
  readline.on("SIGCONT", () => readline.resume())
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.once(signal, () => left.resolve())

  try {
    const opened = connection.open().then(() => true)
    if (!(await Promise.race([opened, left.promise]))) return
    output.lines([paint.dim(`connected to ${harmless(plan.name)}; help lists the words, Ctrl-D leaves`)])
    output.prompt()
    let before = Promise.resolve()
    readline.on("line", (line) => {
      if (file !== undefined) remember(file, line)
      output.entered()
      before = before.then(async () => {
        if (!(await answer(line, session, output))) left.resolve()
      })
      // The next line may be typed while this one is being done.
      if (line.trim() !== "quit") output.prompt()
    })
    await left.promise
    await Promise.race([before, Bun.sleep(longestFarewellMs)])
  } finally {
    readline.close()
    await connection.close()
  }
}

/** @returns whether there is to be another line */
async function answer(line: string, session: ShellSession, output: PromptedOutput): Promise<boolean> {
  try {
    const command = parseCommand(line)
    return command === undefined || (await session.run(command))
  } catch (error) {
    if (!(error instanceof CommandError) && !(error instanceof Refused)) throw error
    output.lines([paint.red(harmless(error.message))])
    return true
  }
}
