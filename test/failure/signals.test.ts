import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connectClient } from "../../src/client/client.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { CertificateAuthority } from "../support/certificates.ts"
import { killWhatIsLeft, WatchedBroker } from "./watched-broker.ts"

afterAll(killWhatIsLeft)

const to = (filter: string) =>
  ({ filter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }) as const

describe("A signal", () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bantam-signals-"))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s: everyone is told, 10,000 messages are kept, and nothing is left lying about",
    async (signal) => {
      const data = join(folder, "store")
      const socket = join(folder, "bantam.sock")
      const ready = join(folder, "ready.json")
      const words = ["--port", "0", "--listen", `unix://${socket}`, "--data", data, "--ready-file", ready]
      const broker = await WatchedBroker.serving({ words })
      const forEver = { cleanStart: false, properties: { sessionExpiryInterval: 0xffff_ffff } }
      const absent = await broker.client({ clientId: "absent", ...forEver })
      await absent.subscribe([to("news")])
      await absent.disconnect()
      const old = await broker.client({ clientId: "old", version: 4 })
      const publisher = await broker.client({ clientId: "publisher" })
      const payload = Buffer.alloc(50)
      const answers = Array.from({ length: 10_000 }, () => {
        return publisher.publish({ topic: "news", payload, qos: 1 })
      })
      await Promise.all(answers)
      // One more is on its way: whether it was answered or not, what is said of it is true.
      const last = publisher.publish({ topic: "news", payload, qos: 1 }).then(
        ({ reasonCode }) => reasonCode,
        () => undefined,
      )

      broker.signal(signal)
      expect(await broker.ended()).toBe(0)
      expect(await publisher.ended).toMatchObject({
        why: "server-disconnect",
        reasonCode: ReasonCode.serverShuttingDown,
      })
      expect((await old.ended).why).toBe("lost")
      expect(existsSync(socket)).toBe(false)
      expect(existsSync(ready)).toBe(false)
      expect(existsSync(join(data, "bantam.db-wal"))).toBe(false)

      const next = await WatchedBroker.serving({ words })
      const kept = (await last) === ReasonCode.success ? 10_001 : 10_000
      let received = 0
      const all = Promise.withResolvers<void>()
      const back = await next.client({
        clientId: "absent",
        ...forEver,
        onMessage: () => {
          received += 1
          if (received === kept) all.resolve()
        },
      })
      await all.promise
      await back.disconnect()
      expect(await next.stop()).toBe(0)
    },
  )

  test("the second one ends it at once, whoever still has to be told", async () => {
    const broker = await WatchedBroker.serving({ words: ["--ephemeral", "--port", "0"] })
    const deaf = await broker.client({ clientId: "deaf" })
    await deaf.subscribe([to("news")])
    deaf.pause()
    // More than the network holds, so that the farewell must wait behind it.
    const publisher = await broker.client({ clientId: "publisher" })
    const payload = Buffer.alloc(1_000_000)
    while (broker.all("message dropped").length === 0) {
      await publisher.publish({ topic: "news", payload })
      await publisher.publish({ topic: "nobody", payload: new Uint8Array(0), qos: 1 })
    }
    broker.signal("SIGTERM")
    await publisher.ended
    broker.signal("SIGTERM")
    expect(await broker.ended()).toBe(1)
    deaf.terminate()
  })

  test("SIGHUP: new connections get the new certificate, old ones live, and the log has its new level", async () => {
    using authority = new CertificateAuthority()
    using nextAuthority = new CertificateAuthority()
    const files = { certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") }
    const use = ({ certFile, keyFile }: typeof files) => {
      copyFileSync(certFile, files.certFile)
      copyFileSync(keyFile, files.keyFile)
    }
    const config = join(folder, "bantam.toml")
    const configure = (level: string) =>
      writeFileSync(
        config,
        `listen = ["tls://127.0.0.1:0"]
[tls]
cert_file = "${files.certFile}"
key_file = "${files.keyFile}"
[storage]
ephemeral = true
[log]
level = "${level}"
`,
      )
    // All made before the broker runs: while openssl does, the test misses what comes from the broker's pipes.
    const [first, second, third] = [authority.server(), nextAuthority.server(), authority.server()]
    use(first)
    configure("info")
    const broker = await WatchedBroker.serving({ words: ["--config", config] })
    const connect = (clientId: string, { caFile }: CertificateAuthority) =>
      connectClient(
        { scheme: "tls", host: "127.0.0.1", port: broker.port("tls"), tls: { caFile } },
        { version: 5, clientId },
      )
    const early = await connect("early", authority)

    use(second)
    configure("debug")
    broker.signal("SIGHUP")
    await broker.says("reading settings and certificates again")
    await early.subscribe([to("a")])
    const late = await connect("late", nextAuthority)
    await expect(connect("distrustful", authority)).rejects.toThrow()
    const { reasonCode } = await early.publish({ topic: "a", payload: new Uint8Array(0), qos: 1 })
    expect(reasonCode).toBe(ReasonCode.success)
    await late.subscribe([to("b")])
    expect((await broker.says("subscribed")).level).toBe("debug")

    // A pair that does not fit is refused, and the good one stays.
    copyFileSync(third.keyFile, files.keyFile)
    broker.signal("SIGHUP")
    expect((await broker.says("not reloaded")).level).toBe("error")
    await (await connect("still", nextAuthority)).disconnect()
    expect(await broker.stop()).toBe(0)
    expect((await early.ended).why).toBe("server-disconnect")
  })
})
