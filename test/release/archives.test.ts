import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { version } from "../../package.json"
import { build } from "../../scripts/build.ts"
import { textFile } from "../../scripts/release/archive-file.ts"
import { ownTarget } from "../../scripts/release/targets.ts"
import { tarball } from "../../scripts/release/tarball.ts"
import { zip } from "../../scripts/release/zip.ts"
import { run } from "../cli/program.ts"
import { nativeRelease, root } from "./native-release.ts"

const date = new Date("2026-03-29T00:59:58Z")
const files = [textFile("b/two", "2"), textFile("b/a/one", "1", 0o755), textFile("b/c", "")]

describe("An archive of a release", () => {
  test("is the same bytes whoever named its files first, and wherever it is made", async () => {
    const [tar, zipped] = [await tarball(files, { date }), zip(files, date)]
    expect(await tarball(files.toReversed(), { date })).toEqual(tar)
    const home = process.env["TZ"]
    try {
      for (const zone of ["Asia/Tokyo", "America/St_Johns", "Europe/Berlin"]) {
        process.env["TZ"] = zone
        expect(await tarball(files, { date })).toEqual(tar)
        expect(zip(files.toReversed(), date)).toEqual(zipped)
      }
    } finally {
      if (home === undefined) delete process.env["TZ"]
      else process.env["TZ"] = home
    }
  })

  test("belongs to root, is as old as the release, and may be executed where it is to be", async () => {
    const listed = await Bun.$`tar --utc --full-time -tvzf - < ${await tarball(files, { date })}`.text()
    expect(listed.split("\n").map((line) => line.replace(/ +/g, " "))).toEqual([
      "drwxr-xr-x root/root 0 2026-03-29 00:59:58 b/",
      "drwxr-xr-x root/root 0 2026-03-29 00:59:58 b/a/",
      "-rwxr-xr-x root/root 1 2026-03-29 00:59:58 b/a/one",
      "-rw-r--r-- root/root 0 2026-03-29 00:59:58 b/c",
      "-rw-r--r-- root/root 1 2026-03-29 00:59:58 b/two",
      "",
    ])
  })

  test("for Windows is read by others", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bantam-zip-"))
    const archive = join(folder, "a.zip")
    await Bun.write(archive, zip(files, date))
    const listing =
      "import zipfile,sys\nfor i in zipfile.ZipFile(sys.argv[1]).infolist(): print(i.filename, *i.date_time)"
    expect(await Bun.$`python3 -c ${listing} ${archive}`.text()).toBe(
      "b/a/one 2026 3 29 0 59 58\nb/c 2026 3 29 0 59 58\nb/two 2026 3 29 0 59 58\n",
    )
    rmSync(folder, { recursive: true })
  })
})

describe("The release for this machine", () => {
  const name = `bantam-${version}-${ownTarget().name}`
  let folder: string
  let scratch: string
  beforeAll(async () => {
    folder = await nativeRelease()
    scratch = mkdtempSync(join(tmpdir(), "bantam-unpacked-"))
    await new Bun.Archive(readFileSync(join(folder, `${name}.tar.gz`))).extract(scratch)
  }, 120_000)
  afterAll(() => rmSync(scratch, { recursive: true }))

  test("is an archive, a bill of materials, a package, a script, and the checksums of all", async () => {
    const made = [
      `${name}.cdx.json`,
      `${name}.tar.gz`,
      "SHA256SUMS",
      `bantam_${version}-1_amd64.deb`,
      "install.sh",
    ]
    expect(readdirSync(folder).toSorted()).toEqual(made.toSorted())
    const checked = await Bun.$`sha256sum --check --strict SHA256SUMS`.cwd(folder).text()
    expect(checked.match(/: OK$/gm)).toHaveLength(made.length - 1)
  })

  test("holds the program, what is to be read, and what shells and systemd want", async () => {
    const unpacked = join(scratch, name)
    const found = readdirSync(unpacked, { recursive: true, encoding: "utf8" })
    for (const file of [
      ...["LICENSE", "README.md", "THIRD-PARTY-LICENCES.txt", "completions/bantam", "completions/_bantam"],
      ...["completions/bantam.fish", "packaging/bantam.service", "packaging/bantam.socket"],
      "packaging/bantam.sysusers",
    ]) {
      expect(found).toContain(file)
    }
    const program = [join(unpacked, "bantam")]
    expect(await run(["--version"], { program })).toMatchObject({ out: `bantam ${version}\n` })
    expect((await run(["completion", "fish"], { program })).out).toBe(
      readFileSync(join(unpacked, "completions/bantam.fish"), "utf8"),
    )
  })

  test("says of each part whose it is, with the text that is asked for", () => {
    const text = readFileSync(join(scratch, name, "THIRD-PARTY-LICENCES.txt"), "utf8")
    const { components } = JSON.parse(readFileSync(join(folder, `${name}.cdx.json`), "utf8")) as {
      readonly components: readonly { readonly name: string }[]
    }
    for (const component of components.slice(1)) expect(text).toContain(component.name)
    expect(text).toContain("GNU LESSER GENERAL PUBLIC LICENSE\n                       Version 2.1")
    expect(text).toContain("GNU LIBRARY GENERAL PUBLIC LICENSE\n                       Version 2, June 1991")
  })

  test("is of an executable that the compiler makes the same again", async () => {
    const again = join(scratch, "again/bantam")
    await build({ target: ownTarget().name, runtime: process.execPath, outfile: again })
    expect(hash(again)).toBe(hash(join(scratch, name, "bantam")))
  })
})

function hash(file: string): string {
  return new Bun.CryptoHasher("sha256").update(readFileSync(file)).digest("hex")
}

test("a release of what there is no such thing as is refused", async () => {
  const program = [process.execPath, join(root, "scripts/release/run.ts")]
  const { exitCode, error } = await run(["plan9-mips"], { program })
  expect(exitCode).toBe(1)
  expect(error).toContain("plan9-mips: no such target; there are linux-x64, ")
})
