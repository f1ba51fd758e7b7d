import type { Effort } from "../torture.ts"
import { FloodClient, onePacketId, publish, subscribe } from "./flood-client.ts"
import { flood, type Findings } from "./flood-side.ts"
import { subscriptionsPerClient, wildcardClients } from "./wildcards.ts"

const levels = 128
/** Two ways at each of so many levels: all the filters begin as the topic does, whichever way one goes. */
const forkingLevels = 16
const stem = "a/".repeat(levels - 1)

/** No two filters of one client are the same, and all match `a/a/…/x` alone. */
function lookalike(number: number): string {
  const ways = Array.from({ length: forkingLevels }, (_, level) =>
    ((number >> level) & 1) === 1 ? "a/" : "+/",
  )
  return `${ways.join("")}${"+/a/".repeat((levels - forkingLevels - 2) / 2)}+/x`
}

/** `b/+/+/…` and `b/+/+/…/#` of every length. */
function overlapping(): string[] {
  return Array.from({ length: levels - 2 }, (_, index) => `b/${"+/".repeat(index)}`).flatMap((beginning) => [
    `${beginning}+`,
    `${beginning}#`,
  ])
}

await flood(async ({ port, effort }, findings) => {
  const messages = effort === "long" ? 500 : 50
  const count = wildcardClients[effort]
  const clients = await FloodClient.crowd(count, port, (index) => ({ clientId: `lookalike-${index}` }))
  for (const [index, client] of clients.entries()) {
    const filters = Array.from({ length: subscriptionsPerClient }, (_, number) =>
      lookalike(index * subscriptionsPerClient + number),
    )
    client.send(subscribe(filters))
  }
  await Promise.all(clients.map((client) => client.until("suback", 1)))
  findings.figure("lookalike filters", count * subscriptionsPerClient)

  const publisher = await FloodClient.connect(port, { clientId: "publisher" })
  /** @returns milliseconds for each message; those of one kind are sent at once */
  async function timed(topicOf: (number: number) => string): Promise<number> {
    const startedAt = performance.now()
    for (let number = 0; number < messages; number++) publisher.send(publish(topicOf(number), "payload"))
    await publisher.ping()
    return (performance.now() - startedAt) / messages
  }
  findings.figure("a message that matches none (ms)", await timed((number) => `${stem}${number}`))
  await Promise.all(clients.map((client) => client.ping()))
  findings.is("messages that matched nothing and came", clients.reduce(arrived, 0), 0)

  // What all of them match comes once to each, however many of its filters match.
  publisher.send(publish(`${stem}x`, "payload", { qos: 1, packetId: onePacketId }))
  await publisher.until("puback", 1)
  await Promise.all(clients.map((client) => client.until("publish", 1)))
  await Promise.all(clients.map((client) => client.ping()))
  findings.is("messages that matched all and came once to each", clients.reduce(arrived, 0), count)

  const overlaps = overlapping()
  const all = await FloodClient.crowd(10, port, (index) => ({ clientId: `overlapping-${index}` }))
  for (const client of all) client.send(subscribe(overlaps))
  await Promise.all(all.map((client) => client.until("suback", 1)))
  const matched = await timed((number) => `b/${"c/".repeat(levels - 2)}${number}`)
  findings.figure("overlapping filters of each of ten", overlaps.length)
  findings.figure("a message that matches half of them (ms)", matched)
  await Promise.all(all.map((client) => client.until("publish", messages)))
  await Promise.all(all.map((client) => client.ping()))
  findings.is("messages that came by overlapping filters", all.reduce(arrived, 0), 10 * messages)
  await Promise.all([...clients, ...all].map((client) => client.cut()))
  await manyRoutes(port, publisher, effort, findings)
  await publisher.cut()
})

/** Everybody is interested in everything: what is remembered of each topic must not fill the memory. */
async function manyRoutes(
  port: number,
  publisher: FloodClient,
  effort: Effort,
  findings: Findings,
): Promise<void> {
  const [subscribers, topics] = effort === "long" ? [500, 16_000] : [50, 1_000]
  const everybody = await FloodClient.crowd(subscribers, port, (index) => ({ clientId: `curious-${index}` }))
  for (const client of everybody) client.send(subscribe(["route/#"]))
  await Promise.all(everybody.map((client) => client.until("suback", 1)))
  for (let number = 0; number < topics; number++) {
    publisher.send(publish(`route/${number}`, ""))
    if (number % 200 < 199) continue
    await Promise.all(everybody.map((client) => client.until("publish", number - 200)))
  }
  await publisher.ping()
  await Promise.all(everybody.map((client) => client.until("publish", topics)))
  findings.figure("routes of many deliveries", topics)
  findings.figure("messages delivered by them", everybody.reduce(arrived, 0))
  await Promise.all(everybody.map((client) => client.cut()))
}

function arrived(sum: number, client: FloodClient): number {
  return sum + client.count("publish")
}
