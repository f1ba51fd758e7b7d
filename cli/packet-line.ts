import type { Packet } from "../src/protocol/packet.ts"

/** One line for a packet that goes or comes, much as mosquitto_pub and mosquitto_sub print it behind -d. */
export function packetLine(clientId: string, direction: "sending" | "received", packet: Packet): string {
  const who = clientId === "" ? "(no id)" : clientId
  return `Client ${who} ${direction} ${packet.type.toUpperCase()}${details(packet)}\n`
}

function details(packet: Packet): string {
  switch (packet.type) {
    case "connack":
      return ` (${packet.reasonCode})`
    case "publish": {
      const { dup, qos, retain, packetId = 0, topic, payload } = packet
      return ` (d${Number(dup)}, q${qos}, r${Number(retain)}, m${packetId}, '${topic}', ... (${payload.length} bytes))`
    }
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return ` (Mid: ${packet.packetId}, RC:${packet.reasonCode})`
    case "subscribe": {
      const requests = packet.requests.map(({ filter, qos }) => `, Topic: ${filter}, QoS: ${qos}`)
      return ` (Mid: ${packet.packetId}${requests.join("")})`
    }
    case "unsubscribe":
      return ` (Mid: ${packet.packetId}, Topic: ${packet.filters.join(", Topic: ")})`
    case "suback":
    case "unsuback":
      return ` (Mid: ${packet.packetId}): ${packet.reasonCodes.join(", ")}`
    case "disconnect":
      return ` (${packet.reasonCode})`
    case "connect":
    case "auth":
    case "pingreq":
    case "pingresp":
      return ""
  }
}
