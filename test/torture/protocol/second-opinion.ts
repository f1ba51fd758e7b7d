import type { Packet, ProtocolVersion } from "../../../src/protocol/packet.ts"
import { oracleReads, withinOracle } from "../../support/mqtt-packet-oracle.ts"
import type { ReadFrame } from "./decoders.ts"
import { variable } from "./grammar.ts"

/**
 * What we take, mqtt-packet takes as well, where it can say it at all. It reads MQTT 3.1 by the rules of 3.1.1, so
 * that it is not asked about that; and what it takes and we do not is its own affair, for it takes a great deal.
 *
 * @returns whether it was asked
 * @throws Error when it does not take it
 */
export function alsoTaken({ firstByte, body }: ReadFrame, packet: Packet, version: ProtocolVersion): boolean {
  const spoken = packet.type === "connect" ? packet.version : version
  if (spoken === 3 || withinOracle(packet, version) === undefined) return false
  const bytes = Buffer.concat([Uint8Array.of(firstByte), variable(body.length), body])
  try {
    oracleReads(bytes, spoken)
    return true
  } catch (cause) {
    throw new Error(`mqtt-packet refuses a ${packet.type} that we take: ${String(cause)}`, { cause })
  }
}
