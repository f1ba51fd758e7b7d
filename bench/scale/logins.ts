import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { hashPassword } from "../../src/security/authentication/password.ts"
import { newUser } from "../../src/security/user.ts"
import { openAccounts } from "../../src/storage/open-store.ts"
import { password } from "../access.ts"
import type { LoadClient } from "../../src/client/load-client.ts"
import { connectLoadClient } from "../load-client.ts"
import { runDelayMs } from "../process-usage.ts"
import type { Figure, Figures, Progress } from "./figures.ts"
import { start } from "./running.ts"
import { SteadyLoad } from "./steady.ts"

const users = 1_000
const storm = 500
const messagesPerSecond = 2_000
const restMs = 2_000

/**
 * What logins and changes of accounts delay, while 1,000 users are connected and a steady load goes on: from the moment a
 * message was due until it was delivered. Verifying a password keeps both cores of a small machine busy, so what counts is
 * how much longer than that the broker's own thread was away.
 */
export async function measureLogins(progress: Progress): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), "bantam-logins-"))
  const accounts = openAccounts(join(directory, "store"), "full")
  progress("logins: adding users")
  const passwordHash = await hashPassword(password)
  // A user that was made at another time is another one, and whoever is here as the old one is sent away.
  const createdMs = Date.now()
  const save = (names: readonly string[]) =>
    accounts.change(
      "bench",
      names.map((name) => {
        const user = newUser(name, passwordHash, createdMs)
        return { change: { change: "save-user", user }, said: undefined } as const
      }),
    )
  await save(namesOf("user", users))
  await save(namesOf("storm", storm))
  const broker = await start(join(directory, "store"), ["security.default_access=allow"])
  const load = await SteadyLoad.start({ port: broker.port, pairs: 10, topicsPerPair: 1, messagesPerSecond })
  const figures: Figure[] = []
  const phase = async (what: string, happen: () => Promise<unknown>) => {
    progress(`logins: ${what}`)
    await load.report()
    const waitedMs = runDelayMs(broker.pid)
    const startedMs = performance.now()
    await happen()
    const tookMs = performance.now() - startedMs
    const { latency, sentLate } = await load.report()
    figures.push({
      "what happens": what,
      "took, ms": Math.round(tookMs),
      "p50, ms": rounded(latency.p50),
      "p99, ms": rounded(latency.p99),
      "longest, ms": rounded(latency.maximum),
      "load itself late by, ms": rounded(sentLate),
      "broker waited for a core, ms": Math.round(runDelayMs(broker.pid) - waitedMs),
    })
  }
  try {
    await phase("nothing", () => Bun.sleep(restMs))
    let clients: LoadClient[] = []
    await phase(
      `${users} users log in`,
      async () => (clients = await logIn(broker.port, namesOf("user", users))),
    )
    let stormers: LoadClient[] = []
    const stormNames = namesOf("storm", storm)
    await phase(`${storm} more log in at once`, async () => {
      stormers = await logIn(broker.port, stormNames)
    })
    await Promise.all(stormers.map((client) => client.disconnect()))
    await phase("the same come back at once", async () => {
      stormers = await logIn(broker.port, stormNames)
    })
    await phase("a user is added, and logs in", async () => {
      await save(["added"])
      const [added] = await logIn(broker.port, ["added"])
      await added?.disconnect()
    })
    await phase("a user is changed, ten times", async () => {
      for (let time = 0; time < 10; time++) await save(["user-0"])
      await Bun.sleep(restMs)
    })
    await Promise.all([...clients, ...stormers].map((client) => client.disconnect()))
    return figures
  } finally {
    await load.stop()
    await broker.stop()
    accounts.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

function namesOf(kind: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${kind}-${index}`)
}

/** All at once: none waits for another's CONNACK. */
function logIn(port: number, names: readonly string[]): Promise<LoadClient[]> {
  const doors = { tcpPort: port }
  return Promise.all(names.map((username) => connectLoadClient(doors, { clientId: username, username })))
}

function rounded(microseconds: number): number {
  return Math.round(microseconds / 10) / 100
}
