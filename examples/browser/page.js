// From node_modules (npm install mqtt). Without npm, from a CDN: https://unpkg.com/mqtt@5.16.0/dist/mqtt.esm.js
import mqtt from "./node_modules/mqtt/dist/mqtt.esm.js"

const url = new URLSearchParams(location.search).get("broker") ?? "ws://localhost:8083/mqtt"
const client = mqtt.connect(url, { protocolVersion: 5 })
const state = document.querySelector("#state")
const messages = document.querySelector("#messages")

function show(text) {
  state.textContent = text
  state.dataset.state = text
}

client.on("connect", async () => {
  await client.subscribeAsync("#", { qos: 1 })
  show("connected")
})
client.on("close", () => show("disconnected"))
client.on("error", (error) => show(error.message))

client.on("message", (topic, payload) => {
  const line = document.createElement("li")
  // As text, never as HTML: it comes from whoever may publish.
  line.textContent = `${topic}: ${new TextDecoder().decode(payload)}`
  messages.prepend(line)
  while (messages.childElementCount > 100) messages.lastElementChild.remove()
})

document.querySelector("#form").addEventListener("submit", (event) => {
  event.preventDefault()
  const { topic, payload } = Object.fromEntries(new FormData(event.target))
  client.publish(topic, payload, { qos: 1 })
})
