import { describe, expect, test } from "bun:test"
import { encodePacket } from "../../src/protocol/encoder.ts"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import { decodePacket } from "../../src/protocol/decoder.ts"
import type { Packet, ProtocolVersion } from "../../src/protocol/packet.ts"
import { ProtocolError } from "../../src/protocol/protocol-error.ts"
import { describeReasonCode, ReasonCode } from "../../src/protocol/reason-code.ts"
import { malformedInputs } from "../support/malformed-packets.ts"
import { examples } from "../support/packet-catalogue.ts"
import { bytesOf } from "../support/wire-notation.ts"

/** The way of the broker: through the frame reader, so that lengths are judged too. */
function decode(bytes: Uint8Array, version: ProtocolVersion): Packet {
  const frames = new FrameReader(0x1000_0000)
  frames.append(bytes)
  if (!frames.next()) throw new Error("the bytes are no whole frame")
  return decodePacket(frames.firstByte, frames.bytes, frames.bodyStart, frames.bodyEnd, version)
}

function outcomeOf(decoding: () => Packet): Packet | ReasonCode {
  try {
    return decoding()
  } catch (error) {
    if (error instanceof ProtocolError) return error.reasonCode
    throw error
  }
}

describe("a well-formed packet is read for what it says", () => {
  for (const { name, version, packet, bytes } of examples) {
    test(name, () => {
      expect(decode(bytesOf(bytes), version)).toEqual(packet)
    })
  }
})

describe("a malformed packet is refused with the reason code of the specification", () => {
  for (const { name, version, bytes, reasonCode, statement } of malformedInputs) {
    test(`${name}: ${describeReasonCode(reasonCode)} [${statement}]`, () => {
      expect(outcomeOf(() => decode(bytesOf(bytes), version))).toBe(reasonCode)
    })
  }
})

describe("a packet that ends too early is refused, whatever lies behind it", () => {
  for (const { name, version, bytes, packet, longForm } of examples) {
    if (longForm) continue
    test(`${name}, at every offset`, () => {
      const whole = bytesOf(bytes)
      const firstByte = whole[0] ?? 0
      for (let end = 2; end < whole.length; end++) {
        const result = outcomeOf(() => decodePacket(firstByte, whole, 2, end, version))
        // Some packets may end earlier; then they say less, and no more than was there.
        if (typeof result === "object") {
          expect(result.type).toBe(packet.type)
          expect(encodePacket(result, version).subarray(2).toHex()).toBe(whole.subarray(2, end).toHex())
        } else expect([ReasonCode.malformedPacket, ReasonCode.protocolError]).toContain(result)
      }
    })
  }
})

describe("3.1 CONNECT as MQTT 3.1 has it", () => {
  const connect = (flags: string, payload: string) => {
    const body = bytesOf(`0006'MQIsdp' 03 ${flags} 0000 ${payload}`)
    return decodePacket(0x10, body, 0, body.length, 4)
  }

  test("the will bits of a client without a will are disregarded", () => {
    expect(connect("3a", "0001'c'")).toMatchObject({ will: undefined, clientId: "c" })
  })

  test("the reserved flag is not used", () => {
    expect(connect("03", "0001'c'")).toMatchObject({ cleanStart: true })
  })

  test("a user name that is announced may be missing, for the length takes precedence", () => {
    expect(connect("82", "0001'c'")).toMatchObject({ username: undefined, password: undefined })
  })

  test("so may a password", () => {
    expect(connect("c2", "0001'c' 0001'u'")).toMatchObject({ username: "u", password: undefined })
  })
})

describe("what the decoder leaves to the broker", () => {
  const read = (firstByte: number, body: string, version: ProtocolVersion) => {
    const bytes = bytesOf(body)
    return decodePacket(firstByte, bytes, 0, bytes.length, version)
  }

  test("a filter that is no valid topic filter passes, to be refused on its own", () => {
    expect(read(0x82, "0001 0003'#/a' 00 0001'b' 00", 4)).toMatchObject({
      requests: [{ filter: "#/a" }, { filter: "b" }],
    })
  })

  test("how many levels a topic may have is not for the wire to say", () => {
    const bytes = bytesOf(`01f4'${"/".repeat(500)}'`)
    expect(decodePacket(0x30, bytes, 0, bytes.length, 4)).toMatchObject({ topic: "/".repeat(500) })
  })

  test("an empty client identifier passes in all versions", () => {
    expect(read(0x10, "0006'MQIsdp' 03 00 0000 0000", 3)).toMatchObject({ clientId: "" })
    expect(read(0x10, "0004'MQTT' 04 00 0000 0000", 4)).toMatchObject({ clientId: "" })
  })

  test("the subscription options that MQTT 3.1 does not use are not looked at [3.1: 3.8]", () => {
    expect(read(0x82, "0001 0001'a' fd", 3)).toMatchObject({
      requests: [{ filter: "a", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
    })
  })
})

test("a packet keeps no view of the bytes it was read from", () => {
  const bytes = Buffer.from(bytesOf("32 0b 0001'a' 0001 'payload'"))
  const packet = decodePacket(0x32, bytes, 2, bytes.length, 4)
  bytes.fill(0)
  expect(packet).toMatchObject({ topic: "a", payload: bytesOf("'payload'") })
})

test("a body is read between its offsets, whatever lies around it", () => {
  const bytes = bytesOf("ffff 0001'a' 'x' ffff")
  expect(decodePacket(0x30, bytes, 2, 6, 4)).toMatchObject({ topic: "a", payload: bytesOf("'x'") })
})
