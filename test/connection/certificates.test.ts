import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { PeerCertificate } from "../../src/transport/socket.ts"
import { payloads, pingreq } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

const start = Date.UTC(2026, 0, 1)

function certificate(serialNumber: string, validSeconds = 1_000): PeerCertificate {
  return {
    commonName: `device ${serialNumber}`,
    subject: `CN=device ${serialNumber}`,
    issuer: "CN=authority",
    alternativeNames: { dns: [], email: [], uri: [] },
    fingerprint256: serialNumber.repeat(32),
    serialNumber,
    validToMs: start + validSeconds * 1000,
    der: new Uint8Array(),
  }
}

describe("A certificate that is not trusted any more", () => {
  const distrust = ({ serialNumber }: PeerCertificate) =>
    serialNumber === "0a" ? "its certificate was revoked" : undefined
  const will = { topic: "will", payload: "gone" }

  test("ends its connections, in whatever state, without a will; others stay", async () => {
    const broker = await TestBroker.start()
    const watcher = await broker.connected("watcher")
    watcher.subscribes("will")
    const lost = await broker.connected("lost", { certificate: certificate("0a"), will })
    const old = await broker.connected("old", { certificate: certificate("0a"), version: 4 })
    const silent = broker.client("silent", { certificate: certificate("0a") })
    const kept = await broker.connected("kept", { certificate: certificate("0b") })
    expect(broker.acceptor.distrust(broker.entrance, distrust)).toBe(3)
    await broker.settle()
    expect(lost.receives()).toMatchObject([
      { type: "disconnect", reasonCode: ReasonCode.administrativeAction },
    ])
    for (const client of [lost, old, silent]) expect(client.state).not.toBe("open")
    expect([kept.state, watcher.state]).toEqual(["open", "open"])
    expect(payloads(watcher.receives())).toEqual([])
  })

  test("ends nothing that came in by another listener", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("lost", { certificate: certificate("0a") })
    expect(broker.acceptor.distrust({ ...broker.entrance }, distrust)).toBe(0)
    expect(client.state).toBe("open")
  })

  test("turns away who was still shaking hands when it was trusted", async () => {
    const broker = await TestBroker.start()
    broker.acceptor.distrust(broker.entrance, distrust)
    expect(broker.client("lost", { certificate: certificate("0a") }).state).toBe("terminated")
    expect(broker.client("kept", { certificate: certificate("0b") }).state).toBe("open")
    expect(broker.counters.turnedAway.distrusted).toBe(1)
  })
})

describe("A certificate that expires", () => {
  test("ends the connection that it was shown for, whoever its client was found to be", async () => {
    const broker = await TestBroker.start()
    const shows = { certificate: certificate("0a", 100), keepAliveSeconds: 0 }
    const client = await broker.connected("ann", { ...shows, username: "ann" })
    await broker.passes(99)
    client.sends(pingreq)
    expect(client.receives()).toEqual([{ type: "pingresp" }])
    await broker.passes(2)
    expect(client.receives()).toMatchObject([
      {
        type: "disconnect",
        reasonCode: ReasonCode.maximumConnectTime,
        properties: { reasonString: "the certificate has expired" },
      },
    ])
    expect(client.state).toBe("ended")
  })
})
