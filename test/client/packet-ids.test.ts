import { describe, expect, test } from "bun:test"
import { PacketIds } from "../../src/client/packet-ids.ts"
import { Requests } from "../../src/client/requests.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { bytesOf, ScriptedServer } from "./scripted-server.ts"

describe("2.2.1 packet identifiers", () => {
  test("come in turn, so that one just freed is not the next", () => {
    const ids = new PacketIds()
    const first = ids.take()
    ids.release(first)
    expect([first, ids.take(), ids.take()].map(Number)).toEqual([1, 2, 3])
  })

  test("begin again after 65,535, and none that is in use is handed out", () => {
    const ids = new PacketIds()
    const kept = ids.take()
    for (let count = 2; count <= 65_535; count++) ids.release(ids.take())
    expect(Number(kept)).toBe(1)
    expect(Number(ids.take())).toBe(2)
  })

  test("are 65,535 and no more", () => {
    const ids = new PacketIds()
    for (let count = 1; count <= 65_535; count++) ids.take()
    expect(() => ids.take()).toThrow("all 65,535")
  })

  test("are free again when a request is answered", async () => {
    const ids = new PacketIds()
    const requests = new Requests(ids)
    for (let count = 0; count <= 65_535; count++) {
      const packetId = ids.take()
      const answer = requests.begin({ type: "unsubscribe", packetId, filters: ["a"], properties: {} })
      requests.answer({ type: "unsuback", packetId, reasonCodes: [ReasonCode.success], properties: {} })
      expect(Bun.peek.status(answer)).toBe("fulfilled")
    }
  })

  test("are free again when a PUBLISH turns out to be too large to send", () => {
    const server = ScriptedServer.online({}, { properties: { maximumPacketSize: 5 } })
    const request = { topic: "t", payload: bytesOf("x"), qos: 1 } as const
    for (let count = 0; count <= 65_535; count++) void server.client.publish(request)
    expect(server.socket.state).toBe("open")
  })
})
