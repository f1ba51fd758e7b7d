import { describe, expect, test } from "bun:test"
import { acknowledgementLength, encodePacket, writeAcknowledgement } from "../../src/protocol/encoder.ts"
import type { Packet, ProtocolVersion } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { examples, packetId } from "../support/packet-catalogue.ts"
import { bytesOf } from "../support/wire-notation.ts"

const hexOf = (packet: Packet, version: ProtocolVersion) => encodePacket(packet, version).toHex()

describe("a packet is written in its shortest form", () => {
  for (const { name, version, packet, bytes, longForm } of examples) {
    if (longForm) continue
    test(name, () => {
      expect(hexOf(packet, version)).toBe(bytesOf(bytes).toHex())
    })
  }

  test("in an array of its own and of its own length", () => {
    const bytes = encodePacket({ type: "pingreq" }, 4)
    expect(bytes.buffer.byteLength).toBe(2)
  })
})

describe("what MQTT 3.1 and 3.1.1 cannot say is left out", () => {
  const properties = { reasonString: "no", userProperties: [["a", "b"]] } as const

  test("reason codes of CONNACK become return codes [3.1.1: 3.2.2.3]", () => {
    const reasonCode = ReasonCode.banned
    expect(hexOf({ type: "connack", sessionPresent: false, reasonCode, properties }, 4)).toBe("20020005")
  })

  test("MQTT 3.1 is told of no session [3.1: 3.2]", () => {
    const reasonCode = ReasonCode.success
    expect(hexOf({ type: "connack", sessionPresent: true, reasonCode, properties }, 3)).toBe("20020000")
  })

  test("each refusal of a SUBACK becomes 0x80 [3.1.1: 3.9.3]", () => {
    const reasonCodes = [ReasonCode.topicFilterInvalid, ReasonCode.grantedQos2, ReasonCode.quotaExceeded]
    expect(hexOf({ type: "suback", packetId: packetId(1), reasonCodes, properties }, 4)).toBe(
      "90050001800280",
    )
  })

  test("acknowledgements and UNSUBACK say their packet identifier alone", () => {
    const reasonCode = ReasonCode.notAuthorized
    const id = packetId(258)
    expect(hexOf({ type: "puback", packetId: id, reasonCode, properties }, 3)).toBe("40020102")
    expect(hexOf({ type: "unsuback", packetId: id, reasonCodes: [reasonCode], properties }, 4)).toBe(
      "b0020102",
    )
  })

  test("DISCONNECT has no body", () => {
    expect(hexOf({ type: "disconnect", reasonCode: ReasonCode.serverBusy, properties }, 4)).toBe("e000")
  })

  test("a subscription asks for its QoS alone", () => {
    const request = {
      filter: "a",
      qos: 1,
      noLocal: true,
      retainAsPublished: true,
      retainHandling: 2,
    } as const
    const packet = { type: "subscribe", packetId: packetId(1), requests: [request], properties: {} } as const
    expect(hexOf(packet, 4)).toBe("8206000100016101")
  })
})

test("a property set to undefined is not written", () => {
  const packet = { type: "puback", packetId: packetId(1), reasonCode: ReasonCode.success } as const
  const properties: object = { reasonString: undefined }
  expect(hexOf({ ...packet, properties }, 5)).toBe("40020001")
})

describe("1.5.5 the remaining length takes as few bytes as it can", () => {
  const publish = (payloadBytes: number) => {
    const packet = {
      type: "publish",
      qos: 0,
      dup: false,
      retain: false,
      topic: "a",
      packetId: undefined,
      payload: new Uint8Array(payloadBytes),
      properties: {},
    } as const
    const bytes = encodePacket(packet, 4)
    return { header: bytes.subarray(0, bytes.length - payloadBytes - 3).toHex(), length: bytes.length }
  }

  test.each([
    [127, "307f"],
    [128, "308001"],
    [16_383, "30ff7f"],
    [16_384, "30808001"],
    [2_097_151, "30ffff7f"],
    [2_097_152, "3080808001"],
  ])("%i", (remainingLength, header) => {
    expect(publish(remainingLength - 3)).toEqual({ header, length: header.length / 2 + remainingLength })
  })
})

describe("a packet that cannot be written is a bug of ours", () => {
  test("a text beyond 65,535 bytes", () => {
    const packet = {
      type: "unsubscribe",
      packetId: packetId(1),
      filters: ["é".repeat(32_768)],
      properties: {},
    } as const
    expect(() => encodePacket(packet, 4)).toThrow("65,535")
  })

  test("AUTH before MQTT 5.0", () => {
    expect(() => encodePacket({ type: "auth", reasonCode: ReasonCode.success, properties: {} }, 4)).toThrow(
      "AUTH",
    )
  })
})

describe("the acknowledgement that is written in place", () => {
  test.each(["puback", "pubrec", "pubrel", "pubcomp"] as const)("%s is what the encoder writes", (type) => {
    const id = packetId(0xabcd)
    const bytes = new Uint8Array(acknowledgementLength + 2)
    writeAcknowledgement(bytes, 1, type, id)
    const packet = { type, packetId: id, reasonCode: ReasonCode.success, properties: {} }
    expect(bytes.toHex()).toBe(`00${hexOf(packet, 5)}00`)
    expect(bytes.toHex()).toBe(`00${hexOf(packet, 4)}00`)
  })
})
