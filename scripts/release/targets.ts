import { headerOf } from "./executable-header.ts"

/** A kind of machine that we make an executable for. */
export interface Target {
  /** As in the names of archives, and behind `bun-` as the compiler has it. */
  readonly name: string
  /** What npm calls the runtime for it: `@oven/bun-` and this. */
  readonly system: string
  /** What an executable for it says of itself; see `describeExecutable`. */
  readonly header: string
}

const linux = { x64: "/lib64/ld-linux-x86-64.so.2", arm64: "/lib/ld-linux-aarch64.so.1" }
const musl = { x64: "/lib/ld-musl-x86_64.so.1", arm64: "/lib/ld-musl-aarch64.so.1" }

export const targets: readonly Target[] = [
  { name: "linux-x64", system: "linux-x64", header: `ELF x64, loaded by ${linux.x64}` },
  { name: "linux-arm64", system: "linux-aarch64", header: `ELF arm64, loaded by ${linux.arm64}` },
  { name: "linux-x64-musl", system: "linux-x64-musl", header: `ELF x64, loaded by ${musl.x64}` },
  { name: "linux-arm64-musl", system: "linux-aarch64-musl", header: `ELF arm64, loaded by ${musl.arm64}` },
  { name: "darwin-x64", system: "darwin-x64", header: "Mach-O x64, signed" },
  { name: "darwin-arm64", system: "darwin-aarch64", header: "Mach-O arm64, signed" },
  { name: "windows-x64", system: "windows-x64", header: "PE x64" },
]

/** @throws Error when there is none of that name */
export function targetNamed(name: string): Target {
  const found = targets.find((target) => target.name === name)
  if (found !== undefined) return found
  throw new Error(`${name}: no such target; there are ${targets.map((each) => each.name).join(", ")}`)
}

/** The one that the running Bun is made for. @throws Error when we make nothing for it */
export function ownTarget(): Target {
  const header = headerOf(process.execPath)
  const found = targets.find((target) => target.header === header)
  if (found !== undefined) return found
  throw new Error(`${process.execPath} is ${header}: no target is like it`)
}

/** How the executable is called on such a machine. */
export function executableName({ name }: Target): string {
  return name.startsWith("windows") ? "bantam.exe" : "bantam"
}
