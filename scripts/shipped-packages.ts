import { readdirSync } from "node:fs"
import { join } from "node:path"
import lock from "../package-lock.json"

/** A package from npm whose code is in the executable. */
export interface ShippedPackage {
  readonly name: string
  readonly version: string
  /** An SPDX expression, as the package says it. */
  readonly licence: string
  /** SHA-512 of its archive, in hexadecimal digits. */
  readonly sha512: string
  /** Where the lockfile has it: `node_modules/NAME`, or deeper. */
  readonly place: string
  /** The places of those that it needs itself. */
  readonly needs: readonly string[]
}

interface Locked {
  readonly version?: string
  readonly license?: string
  readonly integrity?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

const locked: Readonly<Record<string, Locked>> = lock.packages
/** The runtime is no package: it is what the executable is made from. */
const runtime = "bun"

/**
 * All that `dependencies` lead to in package-lock.json, sorted by place. Optional and peer dependencies do not ship: of those
 * that there are, one is for types alone.
 *
 * @throws Error when the lockfile lacks something
 */
export function shippedPackages(): readonly ShippedPackage[] {
  const found = new Map<string, ShippedPackage>()
  const follow = (place: string): void => {
    if (found.has(place)) return
    const shipped = packageAt(place)
    found.set(place, shipped)
    for (const needed of shipped.needs) follow(needed)
  }
  for (const place of directlyNeeded()) follow(place)
  return [...found.values()].toSorted((one, other) => (one.place < other.place ? -1 : 1))
}

/** What the program itself imports, by place. */
export function directlyNeeded(): readonly string[] {
  const names = Object.keys(locked[""]?.dependencies ?? {}).filter((name) => name !== runtime)
  return names.map((name) => placeOf(name, ""))
}

/** Of the runtime for a system, such as linux-x64. @throws Error when the lockfile has none for it */
export function runtimePackage(system: string): ShippedPackage {
  return packageAt(`node_modules/@oven/bun-${system}`)
}

function packageAt(place: string): ShippedPackage {
  const { version, license, integrity, dependencies = {} } = locked[place] ?? {}
  if (version === undefined || license === undefined || integrity === undefined) {
    throw new Error(`package-lock.json says too little of ${place}`)
  }
  return {
    name: place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length),
    version,
    licence: license,
    sha512: Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex"),
    place,
    needs: Object.keys(dependencies).map((name) => placeOf(name, place)),
  }
}

/** Where the package that stands at `from` finds another: in itself, or further out. */
function placeOf(name: string, from: string): string {
  for (let outer = from; ; outer = outer.slice(0, Math.max(0, outer.lastIndexOf("/node_modules/")))) {
    const place = `${outer === "" ? "" : `${outer}/`}node_modules/${name}`
    if (place in locked) return place
    if (outer === "") throw new Error(`package-lock.json has no ${name}, which ${from} needs`)
  }
}

/** The files of an installed package that hold its licence. */
export function licenceFiles({ place }: ShippedPackage): readonly string[] {
  const folder = new URL(`../${place}`, import.meta.url).pathname
  return readdirSync(folder)
    .filter((name) => /^(licen[cs]e|copying|notice|copyright)/i.test(name))
    .map((name) => join(place, name))
}
