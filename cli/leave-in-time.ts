import { systemClock } from "../src/foundation/clock.ts"
import { ReasonCode } from "../src/protocol/reason-code.ts"
import type { ClientRun } from "./client-run.ts"
import type { ConnectionPlan } from "./connection-options.ts"
import { wholeNumber } from "./options.ts"

/** Reads the value of -W. */
export const wholeSeconds = wholeNumber(1, 0xffff_ffff)

/**
 * Says goodbye when somebody ends us, and when the time is up, which is a failure. A second signal does not wait for the
 * server to hear it.
 *
 * @param seconds any time unless told
 * @param leaving called each time, with what the signal is to be to who works for us
 * @returns to call when the run is over
 */
export function leaveInTime(
  run: ClientRun,
  { manner, client }: ConnectionPlan,
  seconds: number | undefined,
  leaving: (signal: "SIGTERM" | "SIGKILL") => void = () => {},
) {
  // Mosquitto has the server publish our will when it is ended from outside.
  const withWill = manner.name === "mosquitto" && client.version === 5
  let isLeaving = false
  const leave = () => {
    leaving(isLeaving ? "SIGKILL" : "SIGTERM")
    if (isLeaving) return run.client.terminate()
    isLeaving = true
    void run.sayGoodbye(withWill ? ReasonCode.disconnectWithWill : ReasonCode.normalDisconnection)
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, leave)
  if (seconds === undefined) return () => {}
  const timer = systemClock.at(systemClock.now() + seconds * 1000, () => {
    run.fail(manner.timedOut)
    leave()
  })
  return () => timer.cancel()
}
