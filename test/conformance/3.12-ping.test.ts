import { describe, expect, test } from "bun:test"
import { allVersions, named, pingreq } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"
import { bytesOf } from "../support/wire-notation.ts"

describe("3.12 PINGREQ", () => {
  for (const version of allVersions) {
    test(`is answered with PINGRESP, each of them, in ${named(version)} [MQTT-3.12.4-1]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      client.sends(pingreq, pingreq)
      expect(client.receivesBytes()).toEqual(bytesOf("d000 d000"))
    })
  }
})
