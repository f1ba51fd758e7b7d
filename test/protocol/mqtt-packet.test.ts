import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { decodePacket } from "../../src/protocol/decoder.ts"
import { encodePacket } from "../../src/protocol/encoder.ts"
import type { Packet, ProtocolVersion } from "../../src/protocol/packet.ts"
import { asOracle, oracleReads, oracleWrites, withinOracle } from "../support/mqtt-packet-oracle.ts"
import { packetOfType, packetTypesOf } from "../support/packet-arbitraries.ts"
import { examples } from "../support/packet-catalogue.ts"
import { bytesOf } from "../support/wire-notation.ts"

function decode(bytes: Uint8Array, version: ProtocolVersion): Packet {
  let bodyStart = 1
  while ((bytes[bodyStart] ?? 0) >= 0x80) bodyStart += 1
  return decodePacket(bytes[0] ?? 0, bytes, bodyStart + 1, bytes.length, version)
}

/** Buffers as plain arrays and objects without prototype as objects, so that contents alone are compared. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.toHex()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}

describe("an independent codec, mqtt-packet, agrees", () => {
  for (const version of [3, 4, 5] as const) {
    for (const type of packetTypesOf(version)) {
      const packets = packetOfType(type, version)
        .map((packet) => withinOracle(packet, version))
        .filter((packet) => packet !== undefined)

      test(`it reads what we write: ${type.toUpperCase()} in version ${version}`, () => {
        fc.assert(
          fc.property(packets, (packet) => {
            const read = oracleReads(encodePacket(packet, version), version)
            const meant = asOracle(packet, version)
            expect(plain(read)).toMatchObject(plain(meant) as object)
            expect(plain(read["properties"])).toEqual(plain(meant["properties"]))
          }),
        )
      })

      test(`we read what it writes: ${type.toUpperCase()} in version ${version}`, () => {
        fc.assert(
          fc.property(packets, (packet) => {
            expect(decode(oracleWrites(packet, version), version)).toEqual(packet)
          }),
        )
      })
    }
  }

  for (const { name, version, packet, bytes } of examples) {
    if (withinOracle(packet, version) === undefined) continue
    // A flag that only MQTT 3.1 knows.
    if (version === 3 && bytes.startsWith("8a")) continue
    test(`it reads the bytes of the catalogue: ${name}`, () => {
      const read = oracleReads(bytesOf(bytes), version)
      expect(plain(read)).toMatchObject(plain(asOracle(packet, version)) as object)
    })
  }
})
