import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { version } from "../../package.json"
import { ownTarget } from "../../scripts/release/targets.ts"
import { type Outcome, run } from "../cli/program.ts"
import { describeWith } from "../real-clients/tools.ts"
import { nativeRelease, root } from "./native-release.ts"

const script = join(root, "packaging/install.sh")
const archive = `bantam-${version}-${ownTarget().name}.tar.gz`

describe.skipIf(process.platform === "win32")("install.sh", () => {
  let release: string
  let scratch: string
  let server: Bun.Server<undefined>
  let prefix: string
  let times = 0

  beforeAll(async () => {
    release = await nativeRelease()
    scratch = mkdtempSync(join(tmpdir(), "bantam-install-"))
    const sums = readFileSync(join(release, "SHA256SUMS"), "utf8")
    server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: ({ url }) => {
        const [, name] = /^\/good\/([^/]+)$/.exec(new URL(url).pathname) ?? []
        return name === undefined
          ? answer(new URL(url).pathname, sums)
          : new Response(Bun.file(join(release, name)))
      },
    })
  }, 120_000)
  afterAll(async () => {
    await server.stop(true)
    rmSync(scratch, { recursive: true })
  })
  beforeEach(() => {
    times += 1
    prefix = join(scratch, `prefix-${times}`)
  })

  function answer(path: string, sums: string): Response {
    switch (path) {
      case `/damaged/${archive}`:
        return new Response("these are not the bytes that were promised")
      case "/damaged/SHA256SUMS":
        return new Response(sums)
      case "/several/SHA256SUMS":
        return new Response(sums + sums.replaceAll(version, "99.0.0"))
      case "/empty/SHA256SUMS":
        return new Response("")
      default:
        return new Response("not found", { status: 404 })
    }
  }

  const at = (folder: string) => new URL(folder, server.url).href

  function install(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    return run(["--prefix", prefix, ...words], { program: ["sh", script], env: { HOME: scratch, ...env } })
  }

  /** Puts programs of ours in front of the system's. @returns the PATH */
  function withPrograms(programs: Readonly<Record<string, string>>): string {
    const folder = mkdtempSync(join(scratch, "programs-"))
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`)
      chmodSync(join(folder, name), 0o755)
    }
    return `${folder}:${process.env["PATH"] ?? ""}`
  }

  test("installs what runs, for everyone, says where, and takes all of it away again", async () => {
    const careful = ["sh", "-c", 'umask 077; exec sh "$@"', "sh", script]
    const installed = await run(["--prefix", prefix, at("/good")], { program: careful })
    expect(installed).toMatchObject({ exitCode: 0, error: "" })
    expect(installed.out).toContain(`Installed bantam ${version} as ${prefix}/bin/bantam\n`)
    expect(installed.out).toContain(`${prefix}/bin is not on your PATH`)
    const program = [join(prefix, "bin/bantam")]
    expect(await run(["--version"], { program })).toMatchObject({ out: `bantam ${version}\n` })
    expect(existsSync(join(prefix, "share/bash-completion/completions/bantam"))).toBe(true)
    expect((await Bun.$`find ${prefix} -mindepth 1 -not -perm -go=r`.text()).trim()).toBe("")

    expect(await install(["--uninstall"])).toMatchObject({ exitCode: 0, error: "" })
    expect((await Bun.$`find ${prefix} -not -type d`.text()).trim()).toBe("")
    const again = await install(["--uninstall"])
    expect(again).toMatchObject({ exitCode: 1, out: "" })
    expect(again.error).toContain(`nothing of this script's is below ${prefix}`)
  })

  test("replaces what runs at the moment, what only the older one had as well, and comes in a pipe", async () => {
    const words = ["-s", "--", "--prefix", prefix, "--version", version]
    const piped = () =>
      run(words, { program: ["sh"], stdin: readFileSync(script), env: { BANTAM_BASE_URL: at("/good/") } })
    expect(await piped()).toMatchObject({ exitCode: 0, error: "" })
    const program = [join(prefix, "bin/bantam")]
    const list = join(prefix, "share/bantam/installed-files")
    const page = join(prefix, "share/man/man1/bantam-gone.1")
    writeFileSync(list, `${readFileSync(list, "utf8")}share/man/man1/bantam-gone.1\n`)
    writeFileSync(page, "")
    const running = Bun.spawn({ cmd: [...program, "completion", "bash"], stdout: "ignore" })
    expect(await piped()).toMatchObject({ exitCode: 0, error: "" })
    expect(await running.exited).toBe(0)
    expect(existsSync(page)).toBe(false)
    expect(readFileSync(list, "utf8")).not.toContain("gone")
  })

  test("cut off anywhere runs nothing", async () => {
    const text = readFileSync(script)
    for (const length of [1, 2, 3].map((quarters) => Math.floor((text.length * quarters) / 4))) {
      const words = ["-s", "--", "--prefix", prefix, at("/good")]
      await run(words, { program: ["sh"], stdin: text.subarray(0, length) })
      expect(existsSync(prefix)).toBe(false)
    }
  })

  test.each([
    ["no address", [], "from where? Give the address of a release"],
    ["an archive that is not what the checksums say", ["/damaged"], `${archive} is not what SHA256SUMS says`],
    ["an address where nothing is", ["/nothing"], "/nothing/SHA256SUMS"],
    ["a release without an archive for this machine", ["/empty"], "has no archive for"],
    [
      "several versions, of which none is named",
      ["/several"],
      "has several versions; name one with --version",
    ],
    ["a version that is not there", ["--version", "7.0.0", "/good"], "has no bantam-7.0.0-"],
    ["an option that there is not", ["--frobnicate"], "unknown option --frobnicate; see --help"],
    ["an option without its value", ["--version"], "--version needs a value; see --help"],
  ])("refuses %s in words, and installs nothing", async (_, words, said) => {
    const refused = await install(words.map((word) => (word.startsWith("/") ? at(word) : word)))
    expect(refused.exitCode).toBe(1)
    expect(refused.error.trim().split("\n").at(-1)).toStartWith("install.sh: ")
    expect(refused.error).toContain(said)
    expect(existsSync(join(prefix, "bin/bantam"))).toBe(false)
  })

  test.each([
    [
      "a processor",
      { uname: '[ "$1" = -m ] && echo riscv64 || echo Linux' },
      "no Bantam for a processor called riscv64",
    ],
    [
      "a system",
      { uname: '[ "$1" = -m ] && echo x86_64 || echo SunOS' },
      "no installation by this script on SunOS",
    ],
  ])("tells whoever has %s that there is nothing for", async (_, programs, said) => {
    const refused = await install([at("/good")], { PATH: withPrograms(programs) })
    expect(refused).toMatchObject({ exitCode: 1, out: "" })
    expect(refused.error).toContain(said)
  })

  test.each([
    ["Linux", "aarch64", "ldd (GNU libc) 2.36", "linux-arm64"],
    ["Linux", "x86_64", "musl libc (x86_64)", "linux-x64-musl"],
    ["Darwin", "arm64", "", "darwin-arm64"],
    ["Darwin", "x86_64", "", "darwin-x64"],
  ])("on %s, %s, %s wants the archive for %s", async (system, machine, libc, target) => {
    if (target === ownTarget().name) return
    const uname = `[ "$1" = -m ] && echo ${machine} || echo ${system}`
    const ldd = `echo '${libc}' >&2; exit 1`
    const refused = await install([at("/good")], { PATH: withPrograms({ uname, ldd, sysctl: "exit 1" }) })
    expect(refused.error).toContain(`has no archive for ${target}\n`)
  })

  test("leaves alone a folder that it may not write to, and says what to do", async () => {
    writeFileSync(prefix, "")
    const refused = await install([at("/good")])
    expect(refused).toMatchObject({ exitCode: 1, out: "" })
    expect(refused.error).toContain(`cannot write to ${prefix}/bin; name another folder with --prefix`)
  })

  test("leaves the older one in place where the newer does not run", async () => {
    mkdirSync(join(prefix, "bin"), { recursive: true })
    writeFileSync(join(prefix, "bin/bantam"), "older")
    const breaks = "printf '#!/bin/sh\\necho no loader >&2; exit 127' >\"$program\""
    const tar = `${Bun.which("tar")} -xzf "$2" -C "$4"; for program in "$4"/bantam-*/bantam; do ${breaks}; done`
    const refused = await install([at("/good")], { PATH: withPrograms({ tar }) })
    expect(refused.exitCode).toBe(1)
    expect(refused.error).toContain("it does not run on this machine: no loader")
    expect(readFileSync(join(prefix, "bin/bantam"), "utf8")).toBe("older")
  })
})

describeWith("shellcheck", Bun.which("shellcheck") ?? undefined, "shell scripts are clean", (shellcheck) => {
  test.each(["install.sh", "debian/postinst", "debian/prerm", "debian/postrm"])(
    "packaging/%s",
    async (name) => {
      const found =
        await Bun.$`${shellcheck} --shell=sh --enable=all --exclude=SC2249,SC2250,SC2310,SC2312 ${join(root, "packaging", name)}`
          .nothrow()
          .text()
      expect(found).toBe("")
    },
  )
})
