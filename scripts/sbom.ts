import { parseArgs } from "node:util"
import { dependencies, license, name, version } from "../package.json"
import { table } from "../cli/output.ts"
import { type BunPart, bunParts, partsFor } from "./bun-parts.ts"
import {
  directlyNeeded,
  licenceFiles,
  runtimePackage,
  type ShippedPackage,
  shippedPackages,
} from "./shipped-packages.ts"

/*
 * Tells what the executable is made of: `npm run sbom` as CycloneDX in JSON, for `-- --target linux-aarch64` if not for this
 * system, and `npm run licences` as a table. All of it follows from package-lock.json and from the Bun that runs this; twice
 * the same is byte for byte the same.
 */

interface Component {
  readonly "bom-ref": string
  readonly type: "application" | "framework" | "library"
  readonly name: string
  readonly version?: string
  readonly purl?: string
  readonly licenses: readonly (
    { readonly license: { readonly id: string } } | { readonly expression: string }
  )[]
  readonly hashes?: readonly { readonly alg: "SHA-512"; readonly content: string }[]
  readonly externalReferences?: readonly { readonly type: "vcs" | "website"; readonly url: string }[]
}

interface Dependency {
  readonly ref: string
  readonly dependsOn: readonly string[]
}

export interface Bom {
  readonly $schema: string
  readonly bomFormat: "CycloneDX"
  readonly specVersion: "1.5"
  readonly version: 1
  readonly metadata: { readonly component: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly Dependency[]
}

/** @param system as Bun's packages are named, such as linux-x64 or linux-aarch64-musl */
export function billOfMaterials(system: string): Bom {
  const program: Component = {
    "bom-ref": `${name}@${version}`,
    type: "application",
    name,
    version,
    purl: `pkg:npm/${name}@${version}`,
    licenses: licensesOf(license),
  }
  const shipped = shippedPackages()
  const refs = new Map(shipped.map((each) => [each.place, refOf(each)]))
  const refsOf = (places: readonly string[]) => places.map((place) => refs.get(place) ?? place)
  const runtime = runtimePackage(system)
  const parts = partsFor(system)
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: { component: program },
    components: [
      { ...componentOf(runtime), type: "framework" },
      ...parts.map(componentOfPart),
      ...shipped.map(componentOf),
    ],
    dependencies: [
      { ref: program["bom-ref"], dependsOn: [refOf(runtime), ...refsOf(directlyNeeded())] },
      { ref: refOf(runtime), dependsOn: parts.map(partRef) },
      ...parts.map((each) => ({ ref: partRef(each), dependsOn: [] })),
      ...shipped.map((each) => ({ ref: refOf(each), dependsOn: refsOf(each.needs) })),
    ],
  }
}

function componentOf(shipped: ShippedPackage): Component {
  const { sha512, licence } = shipped
  return {
    "bom-ref": refOf(shipped),
    type: "library",
    name: shipped.name,
    version: shipped.version,
    purl: `pkg:npm/${shipped.name.replace("@", "%40")}@${shipped.version}`,
    licenses: licensesOf(licence),
    hashes: [{ alg: "SHA-512", content: sha512 }],
  }
}

function refOf(shipped: ShippedPackage): string {
  return `${shipped.name}@${shipped.version}`
}

function componentOfPart(part: BunPart): Component {
  const versionOfPart = versionOf(part)
  return {
    "bom-ref": partRef(part),
    type: "library",
    name: part.name,
    ...(versionOfPart === undefined ? {} : { version: versionOfPart }),
    licenses: licensesOf(part.licence),
    externalReferences: [
      { type: part.url.startsWith("https://github.com") ? "vcs" : "website", url: part.url },
    ],
  }
}

/** Marked as part of Bun, for npm has packages of the same names. */
function partRef(part: BunPart): string {
  return `bun/${part.name}@${versionOf(part) ?? `in-bun-${dependencies.bun}`}`
}

function versionOf({ versionKey }: BunPart): string | undefined {
  const versions: Readonly<Record<string, string | undefined>> = process.versions
  return versionKey === undefined ? undefined : versions[versionKey]
}

function licensesOf(expression: string): Component["licenses"] {
  return expression.includes(" ") ? [{ expression }] : [{ license: { id: expression } }]
}

/** What Bun calls the system that this runs on. */
export function thisSystem(): string {
  const arch = process.arch === "arm64" ? "aarch64" : process.arch
  return `${process.platform === "win32" ? "windows" : process.platform}-${arch}`
}

function licences(): string {
  const rows = shippedPackages().map((each) => [
    each.name,
    each.version,
    each.licence,
    licenceFiles(each).join(" "),
  ])
  const parts = bunParts.map((each) => [each.name, versionOf(each) ?? "", each.licence, each.url])
  const bun = ["bun", dependencies.bun, "MIT", "https://bun.com/docs/project/license"]
  return table([["component", "version", "licence", "text"], ...rows, bun, ...parts])
}

if (import.meta.main) {
  if (Bun.version !== dependencies.bun)
    throw new Error(`this is Bun ${Bun.version}; it ships ${dependencies.bun}`)
  const { values } = parseArgs({ options: { target: { type: "string" }, licences: { type: "boolean" } } })
  await Bun.write(
    Bun.stdout,
    values.licences === true
      ? licences()
      : `${JSON.stringify(billOfMaterials(values.target ?? thisSystem()), undefined, 2)}\n`,
  )
}
