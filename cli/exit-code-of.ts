import { constants } from "node:os"

/** What a shell says of a process that has ended: its exit code, or 128 and the number of the signal that ended it. */
export function exitCodeOf({ exitCode, signalCode }: Bun.Subprocess): number {
  return (
    exitCode ?? 128 + (typeof signalCode === "string" ? constants.signals[signalCode] : (signalCode ?? 0))
  )
}
