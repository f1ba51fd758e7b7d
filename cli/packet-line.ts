import type { Packet } from "../src/protocol/packet.ts"

/**
 * What is printed behind -d for a packet that goes or comes, as mosquitto_pub and mosquitto_sub have it; a line, or one
 * for each filter of a SUBSCRIBE or UNSUBSCRIBE.
 */
export function packetLine(clientId: string, direction: "sending" | "received", packet: Packet): string {
  const { assignedClientIdentifier: who = clientId } = packet.type === "connack" ? packet.properties : {}
  const begin = `Client ${who === "" ? "(null)" : who} ${direction} ${packet.type.toUpperCase()}`
  const lines = details(packet, direction).map((detail) => `${begin}${detail}\n`)
  if (packet.type !== "suback") return lines.join("")
  return `${lines.join("")}Subscribed (mid: ${packet.packetId}): ${packet.reasonCodes.join(", ")}\n`
}

function details(packet: Packet, direction: "sending" | "received"): readonly string[] {
  switch (packet.type) {
    case "connack":
      return [` (${packet.reasonCode})`]
    case "publish": {
      const { dup, qos, retain, packetId = 0, topic, payload } = packet
      const flags = `d${Number(dup)}, q${qos}, r${Number(retain)}, m${packetId}`
      return [` (${flags}, '${topic}', ... (${payload.length} bytes))`]
    }
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return [direction === "sending" ? sentAnswer(packet) : receivedAnswer(packet)]
    case "subscribe":
      return packet.requests.map((request) => {
        const { filter, qos, noLocal, retainAsPublished, retainHandling } = request
        const options = (retainHandling << 4) | (Number(retainAsPublished) << 3) | (Number(noLocal) << 2)
        return ` (Mid: ${packet.packetId}, Topic: ${filter}, QoS: ${qos}, Options: 0x${options.toString(16).padStart(2, "0")})`
      })
    case "unsubscribe":
      return packet.filters.map((filter) => ` (Mid: ${packet.packetId}, Topic: ${filter})`)
    case "suback":
    case "unsuback":
    case "disconnect":
    case "connect":
    case "auth":
    case "pingreq":
    case "pingresp":
      return [""]
  }
}

type Answer = Packet & { readonly type: "puback" | "pubrec" | "pubrel" | "pubcomp" }

function sentAnswer({ type, packetId, reasonCode }: Answer): string {
  return type === "puback" || type === "pubrec" ? ` (m${packetId}, rc${reasonCode})` : ` (m${packetId})`
}

function receivedAnswer({ type, packetId, reasonCode }: Answer): string {
  return type === "puback" || type === "pubcomp"
    ? ` (Mid: ${packetId}, RC:${reasonCode})`
    : ` (Mid: ${packetId})`
}
