import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import { FloodClient, publish, subscribe, unsubscribe } from "./flood-client.ts"
import { flood } from "./flood-side.ts"
import { mostSubscriptions } from "./subscriptions.ts"

const perPacket = 1_000

await flood(async ({ port, effort }, findings) => {
  const count = mostSubscriptions[effort]
  const filters = Array.from({ length: count }, (_, index) => filterOf(index))
  const matched = Math.min(20_000, count)
  const rounds = effort === "long" ? 5 : 1
  for (let round = 0; round < rounds; round++) {
    const client = await FloodClient.connect(port, { clientId: "insatiable" })
    for (let first = 0; first < count; first += perPacket) {
      client.send(subscribe(filters.slice(first, first + perPacket)))
    }
    await client.until("suback", count / perPacket)
    findings.count("subscriptions made", count)

    client.send(subscribe(["one/too/many", filterOf(0)]))
    await client.until("suback", count / perPacket + 1)
    const [beyond, again] = client.last("suback")?.reasonCodes ?? []
    findings.is("the answer to one subscription too many", beyond, ReasonCode.quotaExceeded)
    findings.is("the answer to one that there was already", again, ReasonCode.grantedQos0)

    const publisher = await FloodClient.connect(port, { clientId: "publisher" })
    for (let index = 0; index < matched; index++) {
      publisher.send(publish(topicOf(index), "payload"))
      if (index % 500 === 499)
        await Promise.all([publisher.flowing(), client.until("publish", index - 5_000)])
    }
    await publisher.ping()
    await client.until("publish", matched)
    await client.ping()
    findings.is("messages that came for as many that matched", client.count("publish"), matched)
    findings.count("messages matched", matched)

    if (round % 2 === 1) {
      for (let first = 0; first < count; first += perPacket) {
        client.send(unsubscribe(filters.slice(first, first + perPacket)))
      }
      await client.until("unsuback", count / perPacket)
    }
    await client.cut()
    await publisher.cut()
  }
})

/** Every third one has no wildcard. */
function filterOf(index: number): string {
  return index % 3 === 0 ? topicOf(index) : `many/${index}/+`
}

function topicOf(index: number): string {
  return `many/${index}/state`
}
