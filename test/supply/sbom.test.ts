import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import lock from "../../package-lock.json"
import { dependencies } from "../../package.json"
import { bunParts } from "../../scripts/bun-parts.ts"
import { billOfMaterials, thisSystem } from "../../scripts/sbom.ts"
import { licenceFiles, shippedPackages } from "../../scripts/shipped-packages.ts"

/* What ships is known, and everybody may have it. */

const root = new URL("../..", import.meta.url).pathname

/** Of packages, whose code is put into ours: none of these asks for more than its notice. */
const permissive = new Set(["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"])

/** Of the runtime, which can be exchanged for another build of it. */
const ofRuntime = new Set([
  ...permissive,
  ...[
    "Artistic-1.0-Perl",
    "CC0-1.0",
    "GPL-2.0-only",
    "IJG",
    "LGPL-2.0-or-later",
    "LGPL-2.1-only",
    "libpng-2.0",
  ],
  ...["OpenSSL", "Unicode-3.0", "Zlib", "blessing"],
])

/** The names in an expression. */
function namesIn(licence: string): readonly string[] {
  return licence.split(/ (?:AND|OR) |[()]/).filter((name) => name !== "")
}

describe("The licences of what ships", () => {
  test.each(shippedPackages().map((each) => [each.name, each] as const))(
    "%s is permissive, and its text is there",
    (_, shipped) => {
      expect(namesIn(shipped.licence).filter((name) => !permissive.has(name))).toEqual([])
      expect(licenceFiles(shipped)).not.toBeEmpty()
    },
  )

  test("those of the runtime's parts are known, and one of a choice suffices", () => {
    const unknown = bunParts.filter(({ licence }) => namesIn(licence).some((name) => !ofRuntime.has(name)))
    expect(unknown).toEqual([])
    // None of them is GPL without another to choose.
    const strict = bunParts.filter(
      ({ licence }) => /\bGPL/.test(licence.replaceAll("LGPL", "")) && !licence.includes(" OR "),
    )
    expect(strict).toEqual([])
  })
})

describe("The bill of materials", () => {
  const bom = billOfMaterials(thisSystem())
  const fromNpm = bom.components.filter(({ type, purl }) => type === "library" && purl !== undefined)

  test("names the packages that the compiler puts into the executable, and no other", async () => {
    const bundled = await Bun.build({
      entrypoints: [join(root, "cli/main.ts")],
      target: "bun",
      metafile: true,
    })
    const inputs = Object.keys(bundled.metafile?.inputs ?? {})
    const places = inputs.flatMap(
      (file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? [],
    )
    expect(places).not.toBeEmpty()
    const names = new Set(places.map((place) => place.slice(place.lastIndexOf("node_modules/") + 13)))
    expect([...names].toSorted()).toEqual([...new Set(fromNpm.map(({ name }) => name))].toSorted())
  })

  test("agrees with package-lock.json in version, licence and hash", () => {
    const packages: Readonly<
      Record<string, { readonly version?: string; readonly license?: string; readonly integrity?: string }>
    > = lock.packages
    for (const { place, name } of shippedPackages()) {
      const { version, license, integrity } = packages[place] ?? {}
      const component = fromNpm.find((each) => each["bom-ref"] === `${name}@${version}`)
      expect(component).toMatchObject({
        name,
        version,
        purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
      })
      expect(component?.licenses).toEqual([{ license: { id: license ?? "" } }])
      const [hash] = component?.hashes ?? []
      expect(`sha512-${Buffer.from(hash?.content ?? "", "hex").toString("base64")}`).toBe(integrity ?? "")
    }
    expect(fromNpm).toHaveLength(shippedPackages().length)
  })

  test("names the runtime by the version that it is pinned to, and the parts that it tells of by theirs", () => {
    const runtime = bom.components.find(({ type }) => type === "framework")
    expect(runtime).toMatchObject({ version: dependencies.bun, hashes: [{ alg: "SHA-512" }] })
    for (const { name, versionKey } of bunParts) {
      if (versionKey === undefined) continue
      const part = bom.components.find((each) => each.name === name && each.purl === undefined)
      expect([name, part?.version]).toEqual([name, process.versions[versionKey] ?? "nothing"])
    }
  })

  test("is a graph whose ends all exist, once each, and all of which hangs together", () => {
    const refs = [bom.metadata.component, ...bom.components].map((component) => component["bom-ref"])
    expect(new Set(refs).size).toBe(refs.length)
    expect(bom.dependencies.map(({ ref }) => ref).toSorted()).toEqual(refs.toSorted())
    const reached = new Set<string>()
    const follow = (ref: string): void => {
      if (reached.has(ref)) return
      reached.add(ref)
      bom.dependencies.find((each) => each.ref === ref)?.dependsOn.forEach(follow)
    }
    follow(bom.metadata.component["bom-ref"])
    expect([...reached].toSorted()).toEqual(refs.toSorted())
  })

  test("names the runtime of each system that Bun compiles for, and of no other", () => {
    for (const system of ["linux-x64", "linux-x64-musl", "linux-aarch64", "darwin-aarch64", "windows-x64"]) {
      expect(billOfMaterials(system).components[0]?.name).toBe(`@oven/bun-${system}`)
    }
    expect(() => billOfMaterials("plan9-mips")).toThrow("package-lock.json says too little")
  })

  test("comes from the command, twice the same", async () => {
    const command = () => Bun.$`${process.execPath} run scripts/sbom.ts`.cwd(root).text()
    const [first, second] = [await command(), await command()]
    expect(first).toBe(second)
    expect(JSON.parse(first)).toEqual(JSON.parse(JSON.stringify(bom)))
    const table = await Bun.$`${process.execPath} run scripts/sbom.ts --licences`.cwd(root).text()
    for (const { name } of bom.components.slice(1)) expect(table).toContain(name)
  })
})
