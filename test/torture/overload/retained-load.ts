import { FloodClient, publish, subscribe } from "./flood-client.ts"
import { flood, type Findings } from "./flood-side.ts"
import { allRetained, keepRetained, mostRetained, retainedTakers } from "./retained.ts"

const short = { messageExpiryInterval: 1 }

/** Everybody wants everything; then as many more are retained, and go: some by their time, some by an empty payload. */
await flood(async ({ port, effort }, findings) => {
  const count = mostRetained[effort]
  const takers = retainedTakers[effort]
  const clients = await FloodClient.crowd(takers, port, (index) => ({ clientId: `taker-${index}` }))
  const startedAt = performance.now()
  for (const client of clients) client.send(subscribe([allRetained]))
  await Promise.all(clients.map((client) => takesAll(client, count, findings)))
  findings.figure("retained messages", count)
  findings.figure("subscribers at once", takers)
  findings.figure("retained messages delivered", takers * count)
  findings.figure("delivered within (ms)", performance.now() - startedAt)

  // Who asks for what there is not has each of them looked at, again and again.
  const seeker = await FloodClient.connect(port, { clientId: "seeker" })
  const asked = effort === "long" ? 5_000 : 500
  for (let index = 0; index < asked; index++) seeker.send(subscribe(["kept/+/nothing"]))
  await seeker.until("suback", asked)
  await seeker.ping()
  await Promise.all(clients.map((client) => client.cut()))

  const publisher = await FloodClient.connect(port, { clientId: "publisher" })
  const listener = await FloodClient.connect(port, { clientId: "listener" })
  for (const prefix of ["fleeting", "cleared"]) {
    await keepRetained(publisher, count, prefix, prefix === "fleeting" ? short : {})
  }
  for (let index = 0; index < count; index++) {
    publisher.send(publish(`cleared/${index}/state`, "", { retain: true }))
    if (index % 500 === 499) await publisher.flowing()
  }
  await publisher.ping()
  listener.send(subscribe(["cleared/#"]))
  await listener.until("suback", 1)
  await listener.ping()
  findings.is("retained messages left of those that were cleared", listener.count("publish"), 0)
  findings.figure("retained messages gone", 2 * count)
  await Promise.all([seeker.cut(), publisher.cut(), listener.cut()])
})

async function takesAll(client: FloodClient, count: number, findings: Findings): Promise<void> {
  await client.until("publish", count)
  await client.ping()
  findings.is(`retained messages that came to ${client.clientId}`, client.count("publish"), count)
}
