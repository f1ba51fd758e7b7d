import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { TestBroker } from "../support/test-broker.ts"
import { bytesOf } from "../support/wire-notation.ts"

describe("4.12 enhanced authentication", () => {
  test("a method that we do not know is refused [MQTT-4.12.0-1]", async () => {
    const broker = await TestBroker.start()
    const client = broker.client("a")
    const properties = { authenticationMethod: "SCRAM-SHA-1", authenticationData: bytesOf("00") }
    expect(await client.asks({ properties })).toMatchObject({
      reasonCode: ReasonCode.badAuthenticationMethod,
    })
    expect(client.state).toBe("ended")
  })

  for (const [name, bytes] of [
    ["that begins anew", "f0 06 19 04 15 0001'm'"],
    ["that goes on", "f0 06 18 04 15 0001'm'"],
    ["that says success", "f0 00"],
  ] as const) {
    test(`AUTH ${name}, from a client without a method, is a protocol error [4.12.1, MQTT-4.12.0-6]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a")
      client.sends(bytesOf(bytes))
      expect(client.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.protocolError }])
      expect(client.state).toBe("ended")
    })
  }

  test("AUTH in place of CONNECT ends the connection without a word [MQTT-3.1.0-1]", async () => {
    const broker = await TestBroker.start()
    const client = broker.client("a")
    client.sends(bytesOf("f0 06 18 04 15 0001'm'"))
    await broker.settle()
    expect(client.receivesBytes()).toHaveLength(0)
    expect(client.state).toBe("ended")
  })
})
