import type { Torture } from "../torture.ts"
import { crashRun } from "./crash-run.ts"

export const crashAtWork: Torture = {
  name: "crash at work",
  promise: "kill -9 under load loses nothing that was acknowledged, and doubles nothing at QoS 2",
  async run(trial) {
    const { executable: path, seed, effort } = trial
    const rounds = effort === "long" ? 200 : 3
    const totals = await crashRun({ path, rounds, seed, report: (line) => trial.tell(line) })
    const { rounds: _, kills, published, delivered, ...mustBeNone } = totals
    trial.figure("kills", kills)
    trial.figure("messages published", published)
    trial.figure("messages delivered", delivered)
    for (const [name, count] of Object.entries(mustBeNone)) trial.bounded(name, count, 0)
    // Six listeners hear each message.
    if (delivered < published * 6) trial.wrong(`${published} published, and only ${delivered} delivered`)
  },
}
