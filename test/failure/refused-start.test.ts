import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { executable } from "../../scripts/executable.ts"
import { CertificateAuthority } from "../support/certificates.ts"
import { killWhatIsLeft, WatchedBroker } from "./watched-broker.ts"

afterAll(killWhatIsLeft)

const isRoot = process.getuid?.() === 0
if (!isRoot) console.log("skipped: a start as another user, which only root can try")

/** The user and group that own nothing. */
const nobody = 65_534

describe("A broker that cannot start says so in one line, with a remedy, and leaves nothing behind", () => {
  let folder: string
  let data: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bantam-refused-"))
    data = join(folder, "store")
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  /** @returns the line, without the name of the program */
  async function refusal(words: readonly string[], program?: readonly string[]): Promise<string> {
    const broker = await WatchedBroker.launch({ words, ...(program && { program }) })
    expect(await broker.ended()).toBe(1)
    expect(broker.lines.map(({ message }) => message)).toEqual([expect.stringMatching(/^bantam: [^\n]+$/)])
    const [{ message } = { message: "" }] = broker.lines
    expect(message).not.toContain("bug")
    return message.slice("bantam: ".length)
  }

  test("on a directory that another process serves", async () => {
    const first = await WatchedBroker.serving({ words: ["--port", "0", "--data", data] })
    const link = join(folder, "link")
    symlinkSync("store", link)
    for (const directory of [data, link]) {
      expect(await refusal(["--port", "0", "--data", directory])).toBe(
        `${directory} is already served by process ${first.pid}: stop it, or choose another`,
      )
    }
    await (await first.client({ clientId: "unharmed" })).disconnect()
    expect(await first.stop()).toBe(0)
  })

  test("on what is no directory, or stands in its place", async () => {
    writeFileSync(data, "")
    const remedy = "check the path and who may write there"
    const from = (directory: string) => refusal(["--port", "0", "--data", directory])
    expect(await from(data)).toBe(`${data}: cannot scandir (not a directory); ${remedy}`)
    expect(await from(join(data, "below"))).toBe(
      `${join(data, "below")}: cannot mkdir (not a directory); ${remedy}`,
    )
    symlinkSync("nowhere", join(folder, "dangling"))
    expect(await from(join(folder, "dangling"))).toEndWith(remedy)
    for (const name of ["bantam.db", "bantam.lock"]) {
      const directory = join(folder, `with a directory ${name}`)
      mkdirSync(join(directory, name), { recursive: true })
      expect(await from(directory)).toStartWith(`${join(directory, name)}: unable to open database file; `)
    }
    const garbage = join(folder, "garbage")
    mkdirSync(garbage)
    writeFileSync(join(garbage, "bantam.lock"), Buffer.alloc(5000, "x"))
    expect(await from(garbage)).toBe(`${join(garbage, "bantam.lock")} is no lock of bantam's: remove it`)
  })

  test("on keys of tokens that cannot be read, for then anybody could say who he is", async () => {
    const file = join(folder, "key")
    const jwt = (algorithms: string, key: string) => {
      const settings = [`jwt.algorithms=${algorithms}`, `jwt.${key}=${file}`]
      return refusal(["--port", "0", "--ephemeral", ...settings.flatMap((each) => ["--set", each])])
    }
    expect(await jwt("ES256", "key_file")).toBe(
      `${file} cannot be read (ENOENT); check its path and its mode`,
    )
    writeFileSync(file, "nonsense")
    expect(await jwt("ES256", "key_file")).toBe(
      `${file} holds neither PEM nor JSON; name a public key, a JWK or a JWKS`,
    )
    expect(await jwt("HS256", "secret_file")).toBe(
      `${file} holds a secret of 8 bytes, too short for HS256; make one of at least 32`,
    )
  })

  test.if(isRoot)("where it may not write", async () => {
    const stopped = await WatchedBroker.serving({ words: ["--port", "0", "--data", data] })
    expect(await stopped.stop()).toBe(0)
    for (const path of [folder, data]) chmodSync(path, 0o755)
    for (const name of ["bantam.db", "bantam.lock"]) chmodSync(join(data, name), 0o644)
    const empty = join(folder, "empty")
    mkdirSync(empty)
    const locked = join(folder, "locked")
    mkdirSync(locked, { mode: 0o700 })
    // Where the sources are, nobody may have no business.
    const program = join(folder, "bantam")
    copyFileSync(await executable(), program)
    const become = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", program]
    const asNobody = (directory: string) => refusal(["--port", "0", "--data", directory], become)
    const remedy = /; check (the path and )?who may write there$/
    for (const directory of [data, empty, locked, join(folder, "absent")]) {
      const said = await asNobody(directory)
      expect(said).toStartWith(directory)
      expect(said).toMatch(remedy)
    }
    chownSync(empty, nobody, nobody)
    chmodSync(empty, 0o500)
    expect(await asNobody(empty)).toMatch(remedy)
  })

  describe("for one of its doors, when the others were open already", () => {
    async function refused(words: readonly string[]): Promise<string> {
      const socket = join(folder, "bantam.sock")
      const ready = join(folder, "ready.json")
      const all = ["--listen", `unix://${socket}`, ...words, "--data", data, "--ready-file", ready]
      const said = await refusal(all)
      expect(existsSync(socket)).toBe(false)
      expect(existsSync(ready)).toBe(false)
      // No lock either: the next one starts.
      const next = await WatchedBroker.serving({ words: ["--port", "0", "--data", data] })
      expect(await next.stop()).toBe(0)
      return said
    }

    test("a port that is in use", async () => {
      using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
      expect(await refused(["--port", String(taken.port)])).toBe(
        `Cannot listen at tcp://127.0.0.1:${taken.port}: the port is in use; ` +
          "stop the program that holds it, or choose another port.",
      )
    })

    test("an address that is not ours", async () => {
      expect(await refused(["--listen", "tcp://192.0.2.1:1883", "--allow-anonymous"])).toContain(
        "this machine has no such address; choose one of its own",
      )
    })

    test("certificates that are not there, cannot be read, are over, or do not belong together", async () => {
      using authority = new CertificateAuthority()
      const { certFile, keyFile } = authority.server()
      const other = authority.server()
      const tls = (cert: string, key: string) => [
        ...["--listen", "tls://127.0.0.1:0"],
        ...["--set", `tls.cert_file=${cert}`, "--set", `tls.key_file=${key}`],
      ]
      const absent = join(folder, "absent.pem")
      expect(await refused(tls(absent, keyFile))).toContain(`${absent} does not exist; check its path`)
      expect(await refused(tls(certFile, folder))).toContain(
        `${folder} cannot be read (EISDIR); check its path`,
      )
      expect(await refused(tls(keyFile, keyFile))).toContain(`${keyFile} holds no CERTIFICATE in PEM; check`)
      const old = authority.serverUntil(-1)
      expect(await refused(tls(old.certFile, old.keyFile))).toMatch(
        /: the certificate in \/\S+ expired at \S+Z; renew it\.$/,
      )
      const ciphers = [...tls(certFile, keyFile), "--set", "tls.ciphers=rot13"]
      expect(await refused(ciphers)).toContain("its list of ciphers names none that there is; write names")
      expect(await refused(tls(certFile, other.keyFile))).toContain(
        `the key in ${other.keyFile} is not that of the certificate in ${certFile}; name a pair`,
      )
    })
  })
})
