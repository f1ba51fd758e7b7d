import { expect, test } from "bun:test"
import { startBroker } from "bantam-mqtt"
import { connectAsync } from "mqtt"

/** What is under test: it says whether the door is open, to whoever comes later as well. */
async function reportDoor(url: string, state: "open" | "closed"): Promise<void> {
  const client = await connectAsync(url)
  await client.publishAsync("home/door", state, { qos: 1, retain: true })
  await client.endAsync()
}

test("who comes later learns that the door is open", async () => {
  await using broker = await startBroker()
  await reportDoor(broker.url, "open")
  const wall = await connectAsync(broker.url)
  const came = new Promise<string>((resolve) => {
    wall.on("message", (_topic, payload) => resolve(payload.toString()))
  })
  await wall.subscribeAsync("home/#")
  expect(await came).toBe("open")
  await wall.endAsync()
})
