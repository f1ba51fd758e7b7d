// node --test, beside a broker: bantam run -- node --test
import assert from "node:assert/strict"
import test from "node:test"
import mqtt from "mqtt"

const url = process.env.MQTT_URL ?? "mqtt://localhost:1883"

test("who comes later learns that the door is open", async () => {
  const sensor = await mqtt.connectAsync(url)
  await sensor.publishAsync("home/door", "open", { qos: 1, retain: true })
  await sensor.endAsync()

  const wall = await mqtt.connectAsync(url)
  const came = new Promise((resolve) => {
    wall.on("message", (_topic, payload) => resolve(payload.toString()))
  })
  await wall.subscribeAsync("home/#")
  assert.equal(await came, "open")
  await wall.endAsync()
})
