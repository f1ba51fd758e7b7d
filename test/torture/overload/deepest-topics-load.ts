import { FloodClient, onePacketId, publish, subscribe } from "./flood-client.ts"
import { flood } from "./flood-side.ts"

const levels = 32_768

/**
 * What is told apart at the last of 32,768 levels, and what parts from it at each of three thousand: a walk that called
 * itself for each level would fill the stack. The limit of levels must be at its maximum.
 */
await flood(async ({ port, effort }, findings) => {
  const nested = effort === "long" ? 3_000 : 500
  const many = await FloodClient.connect(port, { clientId: "many" })
  const anything = "+/".repeat(levels - 1)
  const deep = [`${anything}+`, `${anything}x`, `${"+/".repeat(levels - 2)}#`]
  const stairs = Array.from({ length: nested }, (_, index) => `${"+/".repeat(10 * index)}x`)
  let subacks = 0
  for (const filter of [...deep, ...stairs.filter((each) => each.length < 65_535)]) {
    many.send(subscribe([filter]))
    subacks += 1
    if (subacks % 50 === 0) await many.until("suback", subacks)
  }
  await many.until("suback", subacks)
  findings.figure("nested filters", subacks)

  const publisher = await FloodClient.connect(port, { clientId: "publisher" })
  const stem = "a/".repeat(levels - 1)
  let expected = 0
  for (const last of ["x", "y", "x", "z"]) {
    publisher.send(publish(stem + last, "deep", { qos: 1, packetId: onePacketId, retain: true }))
    expected += 1
    await publisher.until("puback", expected)
  }
  await many.until("publish", expected)
  findings.is("messages that came by filters of 32,768 levels", many.count("publish"), expected)

  const late = await FloodClient.connect(port, { clientId: "late" })
  late.send(subscribe([`${anything}+`]))
  await late.until("publish", 3)
  findings.is("retained messages of 32,768 levels", late.count("publish"), 3)
  for (const last of ["x", "y", "z"]) await clear(publisher, stem + last)
  for (const client of [many, publisher, late]) {
    findings.is(`${client.clientId} is connected still`, client.isOpen, true)
    await client.cut()
  }
})

async function clear(publisher: FloodClient, topic: string): Promise<void> {
  publisher.send(publish(topic, "", { retain: true }))
  await publisher.ping()
}
