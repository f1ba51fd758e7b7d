import { unreachable } from "../../../src/foundation/assert.ts"
import type { Packet } from "../../../src/protocol/packet.ts"

/** What a broker says to a client, in a few words: `suback 1 00 8f`. Reason codes in hexadecimal. */
export function answerText(packet: Packet): string {
  switch (packet.type) {
    case "connack":
    case "disconnect":
    case "auth":
      return `${packet.type} ${hex(packet.reasonCode)}`
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return `${packet.type} ${packet.packetId} ${hex(packet.reasonCode)}`
    case "suback":
    case "unsuback":
      return [packet.type, packet.packetId, ...packet.reasonCodes.map(hex)].join(" ")
    case "publish":
      return `publish ${packet.topic} at ${packet.qos}`
    case "pingresp":
      return packet.type
    case "connect":
    case "subscribe":
    case "unsubscribe":
    case "pingreq":
      return `${packet.type} from a server`
    default:
      return unreachable(packet)
  }
}

export function hex(code: number): string {
  return code.toString(16).padStart(2, "0")
}
