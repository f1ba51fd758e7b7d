import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { version } from "../../package.json"
import { debianPackage } from "../../scripts/release/deb.ts"
import { ownTarget } from "../../scripts/release/targets.ts"
import { sampleConfig } from "../../src/config/sample.ts"
import { run } from "../cli/program.ts"
import { killWhatIsLeft, WatchedBroker } from "../failure/watched-broker.ts"
import { describeWith } from "../real-clients/tools.ts"
import { nativeRelease } from "./native-release.ts"

const isDebian = Bun.which("dpkg-deb") !== null && ownTarget().name === "linux-x64"
const isRoot = process.getuid?.() === 0

let file: string
let scratch: string
beforeAll(async () => {
  if (!isDebian) return
  file = join(await nativeRelease(), `bantam_${version}-1_amd64.deb`)
  scratch = mkdtempSync(join(tmpdir(), "bantam-deb-"))
}, 120_000)
afterAll(() => {
  if (isDebian) rmSync(scratch, { recursive: true })
})

describe.skipIf(!isDebian)("The package for Debian", () => {
  test("is one that dpkg reads, with settings that it keeps for the administrator", async () => {
    const fields = await Bun.$`dpkg-deb --field ${file} Package Version Architecture`.text()
    expect(fields).toBe(`Package: bantam\nVersion: ${version}-1\nArchitecture: amd64\n`)
    expect(await Bun.$`dpkg-deb --info ${file} conffiles`.text()).toBe("/etc/bantam/bantam.toml\n")
    const listed = (await Bun.$`dpkg-deb --contents ${file}`.text()).split("\n")
    const settings = listed.find((line) => line.endsWith(" ./etc/bantam/bantam.toml"))
    expect(settings).toMatch(/^-rw-r----- root\/root /)
    const program = listed.find((line) => line.endsWith(" ./usr/bin/bantam"))
    expect(program).toMatch(/^-rwxr-xr-x root\/root /)
  })

  test("unpacks to what its checksums say", async () => {
    const folder = join(scratch, "unpacked")
    await Bun.$`dpkg-deb --raw-extract ${file} ${folder}`
    await Bun.$`md5sum --check --strict --quiet DEBIAN/md5sums`.cwd(folder)
    expect(readFileSync(join(folder, "etc/bantam/bantam.toml"), "utf8")).toBe(sampleConfig())
  })
})

describeWith("lintian", Bun.which("lintian") ?? undefined, "Debian's own look at the package", (lintian) => {
  test("finds nothing that is not explained", async () => {
    const found = await Bun.$`${lintian} --allow-root --tag-display-limit 0 ${file}`.nothrow().text()
    expect(found).toBe("")
  }, 120_000)
})

describe.skipIf(!isDebian || !isRoot)("The package installed", () => {
  const settings = "/etc/bantam/bantam.toml"
  const data = "/var/lib/bantam"
  const program = ["/usr/bin/bantam"]
  const wanted = "/etc/systemd/system/multi-user.target.wants/bantam.service"
  let before: readonly string[]

  beforeAll(async () => {
    before = await traces()
    // Whoever has it already shall not lose it to a test.
    expect(before).toEqual([])
  })
  afterEach(killWhatIsLeft)
  afterAll(async () => {
    if (before.length > 0) return
    await Bun.$`dpkg --purge bantam`.quiet().nothrow()
    // The package leaves the user, and the test leaves nothing.
    await Bun.$`userdel bantam`.quiet().nothrow()
    expect(await traces()).toEqual([])
  })

  /** Whatever on this machine bears our name. */
  async function traces(): Promise<readonly string[]> {
    const found =
      await Bun.$`find /etc /usr /var/lib -xdev -name '*bantam*'; grep -s bantam /etc/passwd /etc/group`
        .nothrow()
        .text()
    return found.split("\n").filter((line) => line !== "")
  }

  async function dpkg(...words: readonly string[]): Promise<void> {
    const { exitCode, stdout, stderr } = await Bun.$`dpkg ${words} < /dev/null`.quiet().nothrow()
    if (exitCode !== 0) throw new Error(`dpkg ${words.join(" ")}: ${stdout.toString()}${stderr.toString()}`)
  }

  function broker(): Promise<WatchedBroker> {
    const [, words = ""] =
      /^ExecStart=\/usr\/bin\/bantam serve (.*)$/m.exec(
        readFileSync("/usr/lib/systemd/system/bantam.service", "utf8"),
      ) ?? []
    const asUser = ["setpriv", "--reuid=bantam", "--regid=bantam", "--init-groups", "--no-new-privs"]
    return WatchedBroker.serving({ program: [...asUser, ...program], words: words.split(" ") })
  }

  const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8)

  test("has a user of its own, whose the data are, and who alone may read the settings", async () => {
    await dpkg("--install", file)
    expect(await run(["--version"], { program })).toMatchObject({ out: `bantam ${version}\n` })
    const [, , uid, gid, , home, shell] = (await Bun.$`getent passwd bantam`.text()).trim().split(":")
    expect([home, shell]).toEqual([data, "/usr/sbin/nologin"])
    const { uid: owner, gid: group } = statSync(data)
    expect([String(owner), String(group), modeOf(data)]).toEqual([uid ?? "", gid ?? "", "700"])
    const readers = statSync(settings)
    expect([readers.uid, String(readers.gid), modeOf(settings)]).toEqual([0, gid ?? "", "640"])
    expect(lstatSync(wanted).isSymbolicLink()).toBe(true)
  })

  test("serves as its unit starts it, with the settings that came along", async () => {
    const edited = readFileSync(settings, "utf8").replace(/^#listen = .*$/m, 'listen = ["tcp://127.0.0.1:0"]')
    writeFileSync(settings, edited)
    const serving = await broker()
    const port = String(serving.port("tcp"))
    const sent = await run(["pub", "-p", port, "-t", "kept", "-m", "here", "-q", "1", "-r"], { program })
    expect(sent).toMatchObject({ exitCode: 0 })
    expect(await run(["sub", "-p", port, "-t", "kept", "-C", "1"], { program })).toMatchObject({
      out: "here\n",
    })
    expect(await serving.stop()).toBe(0)
  })

  test("is replaced by a later one without a question, and keeps edited settings and all data", async () => {
    const edited = readFileSync(settings, "utf8")
    const later = await debianPackage({
      target: ownTarget(),
      executable: "/usr/bin/bantam",
      version: "0.1.1",
      date: new Date(),
    })
    const laterFile = join(scratch, later?.name ?? "")
    await Bun.write(laterFile, later?.content ?? "")
    await dpkg("--install", laterFile)
    expect(await Bun.$`dpkg-query --show --showformat '\${Version}' bantam`.text()).toBe("0.1.1-1")
    expect(readFileSync(settings, "utf8")).toBe(edited)
    expect(modeOf(settings)).toBe("640")
    const serving = await broker()
    const port = String(serving.port("tcp"))
    expect(await run(["sub", "-p", port, "-t", "kept", "-C", "1"], { program })).toMatchObject({
      out: "here\n",
    })
    expect(await serving.stop()).toBe(0)
  })

  test("removed leaves settings and data, and purged takes both along", async () => {
    const edited = readFileSync(settings, "utf8")
    await Bun.$`apt-get remove --yes bantam`
      .quiet()
      .env({ ...process.env, DEBIAN_FRONTEND: "noninteractive" })
    expect(existsSync("/usr/bin/bantam")).toBe(false)
    expect(readFileSync(settings, "utf8")).toBe(edited)
    expect(existsSync(join(data, "bantam.db"))).toBe(true)
    await dpkg("--purge", "bantam")
    for (const path of [settings, "/etc/bantam", data, wanted]) expect(existsSync(path)).toBe(false)
    expect(await Bun.$`getent passwd bantam`.quiet().nothrow()).toMatchObject({ exitCode: 0 })
  })
})
