import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { type MalformedInput, malformedInputs } from "../support/malformed-packets.ts"
import { allVersions, named, payloads, pingreq, publish } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"
import { bytesOf } from "../support/wire-notation.ts"

const fromClients = malformedInputs.filter(({ from }) => from !== "server")
const isConnect = ({ bytes }: MalformedInput) => bytes.startsWith("1")
// The length may be padded before MQTT 5, which was the first to forbid it.
const isAllowed = ({ version, statement }: MalformedInput) => version < 5 && statement === "MQTT-1.5.5-1"

describe("4.13.1 whoever sends what is malformed is told so, and nobody else notices", () => {
  const inputs = fromClients.filter((input) => !isConnect(input) && !isAllowed(input))

  for (const input of inputs) {
    test(`${input.name} [${input.statement}]`, async () => {
      const broker = await TestBroker.start()
      const watcher = await broker.connected("watcher")
      watcher.subscribes("#")
      const offender = await broker.connected("offender", { version: input.version })
      offender.sends(bytesOf(input.bytes), publish({ topic: "never" }))
      await broker.settle()
      expect(offender.receives()).toMatchObject(
        input.version === 5 ? [{ type: "disconnect", reasonCode: input.reasonCode }] : [],
      )
      expect(offender.state).toBe("ended")
      watcher.sends(pingreq)
      expect(watcher.receives()).toEqual([{ type: "pingresp" }])
      expect(broker.counters.clientsConnected).toBe(1)
      expect(broker.broker.sessions.size).toBe(1)
    })
  }
})

describe("4.13.1 a CONNECT that is malformed", () => {
  for (const input of fromClients.filter(isConnect)) {
    test(`${input.name} [${input.statement}]`, async () => {
      const broker = await TestBroker.start()
      const offender = broker.client("offender", { version: input.version })
      offender.sends(bytesOf(input.bytes))
      await broker.settle()
      expect(offender.state).toBe("ended")
      expect(broker.broker.sessions.size).toBe(0)
      if (input.reasonCode === ReasonCode.unsupportedProtocolVersion) {
        // In the form that clients of every version can read [3.1.1: MQTT-3.1.2-2].
        expect(offender.receivesBytes()).toEqual(bytesOf("20 02 00 01"))
      } else if (input.bytes.includes("'MQTT' 05")) {
        expect(offender.receives()).toMatchObject([{ type: "connack", reasonCode: input.reasonCode }])
      } else {
        // Before MQTT 5 it is closed without a CONNACK [3.1.1: MQTT-3.1.4-1].
        expect(offender.receivesBytes()).toHaveLength(0)
      }
    })
  }
})

describe("4.13.1 packets that no client may send", () => {
  for (const version of allVersions) {
    for (const [name, bytes] of [
      ["CONNACK", version === 5 ? "20 03 00 00 00" : "20 02 00 00"],
      ["SUBACK", version === 5 ? "90 04 0001 00 00" : "90 03 0001 00"],
      ["UNSUBACK", version === 5 ? "b0 04 0001 00 00" : "b0 02 0001"],
      ["PINGRESP", "d0 00"],
    ] as const) {
      test(`${name} in ${named(version)} is a protocol error [2.1.2]`, async () => {
        const broker = await TestBroker.start()
        const offender = await broker.connected("a", { version })
        offender.sends(bytesOf(bytes))
        expect(offender.receives()).toMatchObject(
          version === 5 ? [{ type: "disconnect", reasonCode: ReasonCode.protocolError }] : [],
        )
        expect(offender.state).toBe("ended")
      })
    }
  }
})

describe("1.5.5 a remaining length with more bytes than it needs", () => {
  for (const version of [3, 4] as const) {
    test(`is not forbidden in ${named(version)} [3.1.1: 2.2.3]`, async () => {
      const broker = await TestBroker.start()
      const watcher = await broker.connected("watcher")
      watcher.subscribes("a")
      const client = await broker.connected("a", { version })
      client.sends(bytesOf("c0 8000"), bytesOf("30 84808000 0001'a' 'x'"))
      expect(client.receives()).toEqual([{ type: "pingresp" }])
      expect(payloads(watcher.receives())).toEqual(["x"])
    })
  }
})

describe("4.13 what is cut into pieces", () => {
  for (const version of allVersions) {
    test(`byte by byte is read as if it came whole, in ${named(version)}`, async () => {
      const broker = await TestBroker.start()
      const watcher = await broker.connected("watcher")
      watcher.subscribes("a/b")
      const client = await broker.connected("a", { version })
      const bytes = bytesOf(
        `32 ${version === 5 ? "09" : "08"} 0003'a/b' 0007 ${version === 5 ? "00" : ""} 'x' c000`,
      )
      for (const byte of bytes) client.sends(Uint8Array.of(byte))
      expect(client.receives().map(({ type }) => type)).toEqual(["puback", "pingresp"])
      expect(payloads(watcher.receives())).toEqual(["x"])
    })
  }
})
