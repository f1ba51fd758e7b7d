import { afterAll, afterEach, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { connectClient } from "../../src/client/client.ts"
import { CertificateAuthority } from "../support/certificates.ts"
import { endlessConnect, halfConnect, RawPeer } from "./raw-peer.ts"
import { killWhatIsLeft, WatchedBroker } from "./watched-broker.ts"

afterAll(killWhatIsLeft)

const ephemeral = ["--ephemeral", "--port", "0"]

describe("A client is served while strangers misbehave", () => {
  let peers: RawPeer[] = []
  afterEach(() => {
    for (const peer of peers) peer.leave()
  })

  async function clientIsServed(broker: WatchedBroker): Promise<void> {
    const heard = Promise.withResolvers<string>()
    const client = await broker.client({
      clientId: "honest",
      onMessage: ({ topic }) => heard.resolve(topic),
    })
    await client.subscribe([
      { filter: "#", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ])
    await client.publish({ topic: "news", payload: new Uint8Array(0), qos: 1 })
    expect(await heard.promise).toBe("news")
    await client.disconnect()
  }

  test("who begin a CONNECT and leave it at that: they are closed on in time", async () => {
    const broker = await WatchedBroker.serving({
      words: [...ephemeral, "--set", "limits.connect_timeout_seconds=1"],
    })
    peers = await RawPeer.crowd(200, broker.port("tcp"))
    for (const peer of peers) peer.send(halfConnect)
    await clientIsServed(broker)
    await Promise.all(peers.map(({ closed }) => closed))
    expect(await broker.stop()).toBe(0)
  })

  test("who announce 256 MiB before they say who they are: it is not waited for, and takes no memory", async () => {
    const broker = await WatchedBroker.serving({ words: ephemeral })
    const before = residentBytes(broker)
    peers = await RawPeer.crowd(100, broker.port("tcp"))
    for (const peer of peers) peer.send(endlessConnect)
    await Promise.all(peers.map(({ closed }) => closed))
    expect(residentBytes(broker) - before).toBeLessThan(64 * 1024 * 1024)
    await clientIsServed(broker)
    expect(await broker.stop()).toBe(0)
  })

  test("who speak plainly where TLS is spoken", async () => {
    using authority = new CertificateAuthority()
    const { certFile, keyFile } = authority.server()
    const files = ["--set", `tls.cert_file=${certFile}`, "--set", `tls.key_file=${keyFile}`]
    const broker = await WatchedBroker.serving({
      words: ["--ephemeral", "--listen", "tls://127.0.0.1:0", ...files],
    })
    peers = await RawPeer.crowd(20, broker.port("tls"))
    for (const peer of peers) peer.send(halfConnect)
    await Promise.all(peers.map(({ closed }) => closed))
    const tls = { caFile: authority.caFile }
    const client = await connectClient(
      { scheme: "tls", host: "127.0.0.1", port: broker.port("tls"), tls },
      { version: 5, clientId: "honest" },
    )
    await client.disconnect()
    expect(await broker.stop()).toBe(0)
  })

  test("who are more than it may take: it refuses them, and has room again when they are gone", async () => {
    const broker = await WatchedBroker.serving({ words: [...ephemeral, "--set", "limits.connections=5"] })
    await theyAreRefused(broker, 5)
  })

  test("who are more than the system lets it open", async () => {
    const broker = await WatchedBroker.serving({ words: ephemeral, shell: "ulimit -n 200" })
    const { connections } = await broker.says("the limit for open files is too low")
    await theyAreRefused(broker, Number(connections))
  })

  async function theyAreRefused(broker: WatchedBroker, connections: number): Promise<void> {
    peers = await RawPeer.crowd(connections + 100, broker.port("tcp"))
    const refused = Promise.withResolvers<void>()
    let open = peers.length
    for (const { closed } of peers) {
      closed.then(() => {
        open -= 1
        if (open === connections) refused.resolve()
      }, refused.reject)
    }
    await refused.promise
    for (const peer of peers) peer.leave()
    await Promise.all(peers.map(({ closed }) => closed))
    await clientIsServed(broker)
    expect(await broker.stop()).toBe(0)
  }
})

function residentBytes({ pid }: WatchedBroker): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return Number(kibibytes) * 1024
}
