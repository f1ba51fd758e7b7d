import { constants } from "node:os"
import type { ClientRun } from "./client-run.ts"
import { CommandError } from "./output.ts"
import { counted } from "./quantities.ts"
import type { Publisher } from "./publisher.ts"

/**
 * Connects and publishes until the work is done, its input is found to be wrong, or somebody ends us: then what is on
 * its way is still answered. A second signal waits for nothing.
 *
 * @param heedsSignals false: a signal ends the process as if we did not know of it
 * @param work asks before each message whether it is over; a CommandError is about its input
 * @returns the exit code that tells of the signal; undefined when none came
 */
export async function publishUntilInterrupted(
  run: ClientRun,
  publisher: Publisher,
  heedsSignals: boolean,
  work: (isOver: () => boolean) => Promise<void>,
): Promise<number | undefined> {
  const interrupted = Promise.withResolvers<void>()
  let exitCode: number | undefined
  let isWorking = false
  for (const signal of heedsSignals ? (["SIGINT", "SIGTERM"] as const) : []) {
    process.on(signal, () => {
      if (exitCode !== undefined) process.exit(exitCode)
      exitCode = 128 + constants.signals[signal]
      interrupted.resolve()
      if (!isWorking) void run.sayGoodbye()
    })
  }
  await run.finish(async () => {
    isWorking = true
    const wholeWork = work(() => exitCode !== undefined).catch((error: unknown) => {
      if (!(error instanceof CommandError)) throw error
      const before = publisher.count === 0 ? "nothing" : counted(publisher.count, "message")
      run.fail({ sentence: `${error.message}; ${before} published before`, exitCode: 1 })
    })
    await Promise.race([wholeWork, interrupted.promise])
    await publisher.answered()
  })
  return exitCode
}
