import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { CertificateFolder, type PairFiles } from "../../src/certificates/certificate-folder.ts"
import { killWhatIsLeft, WatchedBroker } from "../failure/watched-broker.ts"
import { RunningProgram } from "./program-output.ts"
import { describeWith, mosquittoClients } from "./tools.ts"

describeWith(
  "mosquitto-clients",
  mosquittoClients(),
  "mosquitto_pub and mosquitto_sub with certificates of `bantam cert`",
  (programs) => {
    const path = mkdtempSync(join(tmpdir(), "mosquitto-tls-"))
    const folder = new CertificateFolder(path, true)
    let broker: WatchedBroker
    let phone: PairFiles
    beforeAll(async () => {
      await folder.makeAuthority("A test's CA", 30)
      await folder.issueServer(["localhost"], 30)
      phone = await folder.issueClient("phone", 30)
    }, 60_000)
    // One for each test: what it has said is said of that test.
    beforeEach(async () => {
      const certFile = join(path, "localhost.pem")
      const keyFile = join(path, "localhost.key")
      const settings = [
        ...[`cert_file=${certFile}`, `key_file=${keyFile}`, `ca_file=${folder.authority.certFile}`],
        ...[`crl_file=${folder.listFile}`, "require_client_certificate=true"],
      ]
      const words = settings.flatMap((setting) => ["--set", `tls.${setting}`])
      broker = await WatchedBroker.serving({
        words: ["--ephemeral", "--listen", "tls://127.0.0.1:0", ...words],
      })
    })
    afterEach(() => broker.stop())
    afterAll(() => {
      rmSync(path, { recursive: true })
      killWhatIsLeft()
    })

    const door = () => [
      ...["-h", "localhost", "-p", String(broker.port("tls"))],
      ...["--cafile", folder.authority.certFile],
    ]
    const showing = ({ certFile, keyFile }: PairFiles) => ["--cert", certFile, "--key", keyFile]

    /** @returns the exit code */
    async function pub(...words: readonly string[]): Promise<number> {
      const cmd = [join(programs, "mosquitto_pub"), ...door(), "-t", "t", "-q", "1", "-m", "hello", ...words]
      return Bun.spawn({ cmd, stdout: "ignore", stderr: "ignore" }).exited
    }

    test("who shows a certificate is let in, who shows none is not", async () => {
      expect(await pub(...showing(phone))).toBe(0)
      expect(await pub()).not.toBe(0)
      const { why } = await broker.says("TLS handshake refused")
      expect(why).toBe("the client showed no certificate")
    })

    test("new certificates hold for who comes later and cut off nobody, but for whose certificate is revoked", async () => {
      const [lost, kept] = [await folder.issueClient("lost", 30), await folder.issueClient("kept", 30)]
      const subscribed = async (shown: typeof lost, ...more: readonly string[]) => {
        const words = ["-V", "5", "-t", "t", "-d", "-F", "got %p", ...more]
        const cmd = [join(programs, "mosquitto_sub"), ...door(), ...showing(shown), ...words]
        const subscriber = new RunningProgram(cmd)
        await subscriber.line(/^Subscribed/)
        return subscriber
      }
      const will = ["--will-topic", "t", "--will-payload", "the last will"]
      const sentAway = await subscribed(lost, ...will)
      const subscriber = await subscribed(kept, "-C", "1")
      await folder.revoke(lost.certFile)
      await folder.issueServer(["localhost"], 30)
      await broker.says("certificates read again")
      expect(await sentAway.rest()).toContain("Received DISCONNECT (152)")
      expect(await pub(...showing(lost))).not.toBe(0)
      expect(broker.all("TLS handshake refused").at(-1)?.["why"]).toBe("the client's certificate is revoked")
      expect(await pub(...showing(phone))).toBe(0)
      expect(await subscriber.rest()).toContain("got hello")
    }, 20_000)
  },
)
