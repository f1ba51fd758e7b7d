import { systemClock } from "../../src/foundation/clock.ts"
import { silentLog } from "../support/silent-log.ts"
import { openStore } from "../../src/storage/open-store.ts"
import { outcome, packetId, queued, sessionRecord } from "./samples.ts"

// Run by kill.test.ts: enqueues without end, and says after each commit up to where it is promised.
const [directory = ""] = process.argv.slice(2)
const { store } = await openStore({ kind: "sqlite", directory, durability: "full" }, systemClock, silentLog)
const { journal } = store.create(sessionRecord())
for (let sequence = 1; ;) {
  journal.identifierKept(packetId((sequence % 65_535) + 1))
  const last = sequence + 50
  let ticket = journal.enqueued(queued(sequence++))
  while (sequence < last) ticket = journal.enqueued(queued(sequence++))
  if ((await outcome(ticket)) !== "committed") throw new Error("the store refused a message")
  console.log(sequence - 1)
}
