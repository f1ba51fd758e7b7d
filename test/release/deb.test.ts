import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { version } from "../../package.json"
import { debianPackage } from "../../scripts/release/deb.ts"
import { ownTarget } from "../../scripts/release/targets.ts"
import { sampleConfig } from "../../src/config/sample.ts"
import { freshDirectory, run } from "../cli/program.ts"
import { killWhatIsLeft, WatchedBroker } from "../failure/watched-broker.ts"
import { nativeRelease } from "./native-release.ts"
import { mayOverlay, type Overlay, overlay } from "./overlay.ts"

const isDebian = Bun.which("dpkg-deb") !== null && ownTarget().name === "linux-x64"

let file: string
beforeAll(async () => {
  if (isDebian) file = join(await nativeRelease(), `bantam_${version}-1_amd64.deb`)
}, 120_000)

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
    const folder = freshDirectory()
    await Bun.$`dpkg-deb --raw-extract ${file} ${folder}`
    await Bun.$`md5sum --check --strict --quiet DEBIAN/md5sums`.cwd(folder)
    expect(readFileSync(join(folder, "etc/bantam/bantam.toml"), "utf8")).toBe(sampleConfig())
    rmSync(folder, { recursive: true })
  })
})

const lintian = Bun.which("lintian")

// It would bring a hundred packages along, so it is no must.
describe.skipIf(lintian === null)("Debian's own look at the package", () => {
  test("finds nothing that is not explained", async () => {
    const found = await Bun.$`${lintian ?? ""} --allow-root --tag-display-limit 0 ${file}`.nothrow().text()
    expect(found).toBe("")
  }, 120_000)
})

describe.skipIf(!isDebian || !mayOverlay)("The package installed", () => {
  const settings = "/etc/bantam/bantam.toml"
  const data = "/var/lib/bantam"
  const wanted = "/etc/systemd/system/multi-user.target.wants/bantam.service"
  let machine: Overlay
  let before: string

  beforeAll(async () => {
    machine = await overlay()
    // Of whoever runs the tests.
    await inside("rm", "-rf", data, "/etc/bantam")
    before = await traces()
  })
  afterEach(killWhatIsLeft)
  afterAll(() => machine.end())

  /** @returns what it printed. @throws Error with that, when it fails */
  async function inside(...words: readonly string[]): Promise<string> {
    const { exitCode, out, error } = await run(words, {
      program: machine.enter,
      env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
    })
    if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${out}${error}`)
    return out
  }

  /** Every file that bears our name. */
  function traces(): Promise<string> {
    return inside("find", "/etc", "/usr", "/var/lib", "-xdev", "-name", "*bantam*")
  }

  async function install(content: Uint8Array): Promise<void> {
    await Bun.write(machine.path("/root/package.deb"), content)
    await inside("dpkg", "--install", "/root/package.deb")
  }

  function broker(): Promise<WatchedBroker> {
    const unit = readFileSync(machine.path("/usr/lib/systemd/system/bantam.service"), "utf8")
    const [, words = ""] = /^ExecStart=\/usr\/bin\/bantam serve (.*)$/m.exec(unit) ?? []
    const asUser = ["setpriv", "--reuid=bantam", "--regid=bantam", "--init-groups", "--no-new-privs"]
    return WatchedBroker.serving({
      program: [...machine.enter, ...asUser, "/usr/bin/bantam"],
      words: words.split(" "),
    })
  }

  const text = (path: string) => readFileSync(machine.path(path), "utf8")
  const exists = (path: string) => existsSync(machine.path(path))

  /** Who has it and what they may, as in `bantam bantam 700`. */
  const rightsOf = async (path: string) => (await inside("stat", "--format=%U %G %a", path)).trim()

  test("has a user of its own, whose the data are, and who alone may read the settings", async () => {
    await install(readFileSync(file))
    expect(await inside("bantam", "--version")).toBe(`bantam ${version}\n`)
    expect(await inside("getent", "passwd", "bantam")).toEndWith(`:${data}:/usr/sbin/nologin\n`)
    expect(await rightsOf(data)).toBe("bantam bantam 700")
    expect(await rightsOf(settings)).toBe("root bantam 640")
    expect(await inside("readlink", wanted)).toEndWith("/lib/systemd/system/bantam.service\n")
  })

  test("serves as its unit starts it, with the settings that came along", async () => {
    const edited = text(settings).replace(/^#listen = .*$/m, 'listen = ["tcp://127.0.0.1:0"]')
    writeFileSync(machine.path(settings), edited)
    const serving = await broker()
    const port = String(serving.port("tcp"))
    await inside("bantam", "pub", "-p", port, "-t", "kept", "-m", "here", "-q", "1", "-r")
    expect(await inside("bantam", "sub", "-p", port, "-t", "kept", "-C", "1")).toBe("here\n")
    expect(await serving.stop()).toBe(0)
  })

  test("is replaced by a later one without a question, and keeps edited settings and all data", async () => {
    const edited = text(settings)
    // A second one as large would only take its time.
    await inside("ln", "/usr/bin/bantam", "/bantam")
    const executable = machine.path("/root/later")
    writeFileSync(executable, '#!/bin/sh\nexec /bantam "$@"\n')
    const later = await debianPackage({ target: ownTarget(), executable, version: "0.1.1", date: new Date() })
    await install(later?.content ?? new Uint8Array())
    expect(text("/usr/bin/bantam")).toBe(readFileSync(executable, "utf8"))
    expect(await inside("dpkg-query", "--show", "bantam")).toBe("bantam\t0.1.1-1\n")
    expect(text(settings)).toBe(edited)
    expect(await rightsOf(settings)).toBe("root bantam 640")
    const serving = await broker()
    const port = String(serving.port("tcp"))
    expect(await inside("bantam", "sub", "-p", port, "-t", "kept", "-C", "1")).toBe("here\n")
    expect(await serving.stop()).toBe(0)
  })

  test("removed leaves settings and data", async () => {
    const edited = text(settings)
    await inside("apt-get", "remove", "--yes", "bantam")
    expect(exists("/usr/bin/bantam")).toBe(false)
    expect(text(settings)).toBe(edited)
    expect(exists(`${data}/bantam.db`)).toBe(true)
  })

  test("purged takes along all but the user, whose number nobody else is to get", async () => {
    await inside("dpkg", "--purge", "bantam")
    expect(await traces()).toBe(before)
    await inside("getent", "passwd", "bantam")
  })
})
