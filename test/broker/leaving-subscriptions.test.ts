import { expect, test } from "bun:test"
import { publish } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

test("A share group whose only member that is left is full refuses, though a large session leaves it in slices", async () => {
  const broker = await TestBroker.start({ limits: { queuedMessages: 1, whenFull: "reject" } })
  const absent = await broker.connected("absent", { properties: { sessionExpiryInterval: 1000 } })
  absent.subscribes("$share/group/topic")
  absent.cuts()
  const leaving = await broker.connected("leaving")
  leaving.subscribes("$share/group/topic")
  for (let number = 0; number < 40; number++) leaving.subscribes(`more/${number}`)
  const publisher = await broker.connected("publisher")
  leaving.cuts()
  for (const packetId of [1, 2, 3]) publisher.sends(publish({ topic: "topic", qos: 1, packetId }))
  await broker.settle()
  expect(publisher.receives()).toMatchObject([{ reasonCode: 0 }, { reasonCode: 0x97 }, { reasonCode: 0x97 }])
})
