import type { WatchedBroker } from "../../failure/watched-broker.ts"
import { patiently } from "../patience.ts"
import type { Trial } from "../torture.ts"

/**
 * Stops a broker. It must end with 0, and have said nothing that is a bug: no error, and nothing that is no JSON, as what
 * the runtime has to say is.
 *
 * @throws Error when it does not end
 */
export async function endWell(broker: WatchedBroker, trial: Trial): Promise<void> {
  const code = await patiently(broker.stop(), "the end of the broker")
  if (code !== 0) trial.wrong(`the broker ended with ${code}`)
  const bugs = broker.lines.filter(({ level }) => level === "error" || level === "none")
  trial.bounded("bugs in the log", bugs.length, 0)
  for (const line of bugs) trial.wrong(`the broker said: ${JSON.stringify(line)}`)
}
