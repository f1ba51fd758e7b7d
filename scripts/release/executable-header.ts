import { closeSync, openSync, readSync } from "node:fs"

/** Headers, program headers, load commands and the interpreter's name stand in these of every executable of Bun. */
const headBytes = 65_536

/**
 * What kind of executable a file is, told by its first bytes.
 *
 * @throws Error when it is none that we know
 */
export function headerOf(file: string): string {
  const head = Buffer.alloc(headBytes)
  const descriptor = openSync(file, "r")
  const length = readSync(descriptor, head, 0, headBytes, 0)
  closeSync(descriptor)
  const described = describeExecutable(head.subarray(0, length))
  if (described === undefined) throw new Error(`${file}: no executable that we know`)
  return described
}

/**
 * Says for which machine an executable is: `ELF x64, loaded by PATH`, `Mach-O arm64, signed` or `PE x64`.
 *
 * @param head at least its headers
 * @returns undefined when it is none of these, or for another processor
 */
export function describeExecutable(head: Buffer): string | undefined {
  try {
    return elf(head) ?? machO(head) ?? pe(head)
  } catch (error) {
    // It ends where a header says that it goes on.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** ELF for Linux, of 64 bits, the lowest first. */
function elf(head: Buffer): string | undefined {
  if (head.readUInt32BE(0) !== 0x7f45_4c46 || head.readUInt16BE(4) !== 0x0201) return undefined
  const machine = { 0x3e: "x64", 0xb7: "arm64" }[head.readUInt16LE(18)]
  const firstAt = Number(head.readBigUInt64LE(32))
  const entryBytes = head.readUInt16LE(54)
  const interpreter = 3
  for (let index = 0; index < head.readUInt16LE(56); index += 1) {
    const entry = head.subarray(firstAt + index * entryBytes)
    if (entry.readUInt32LE(0) !== interpreter) continue
    const at = Number(entry.readBigUInt64LE(8))
    // Without the zero at its end.
    const path = head.toString("latin1", at, at + Number(entry.readBigUInt64LE(32)) - 1)
    return machine === undefined ? undefined : `ELF ${machine}, loaded by ${path}`
  }
  return undefined
}

/** Mach-O for macOS, which on arm64 runs only what is signed, if by nobody. */
function machO(head: Buffer): string | undefined {
  if (head.readUInt32LE(0) !== 0xfeed_facf) return undefined
  const machine = { 0x0100_0007: "x64", 0x0100_000c: "arm64" }[head.readUInt32LE(4)]
  const codeSignature = 0x1d
  let signed = false
  let at = 32
  for (let left = head.readUInt32LE(16); left > 0; left -= 1) {
    signed ||= head.readUInt32LE(at) === codeSignature
    at += head.readUInt32LE(at + 4)
  }
  return machine === undefined ? undefined : `Mach-O ${machine}, ${signed ? "signed" : "not signed"}`
}

/** PE for Windows, behind a program for DOS. */
function pe(head: Buffer): string | undefined {
  if (head.toString("latin1", 0, 2) !== "MZ") return undefined
  const at = head.readUInt32LE(0x3c)
  if (head.toString("latin1", at, at + 4) !== "PE\0\0") return undefined
  const machine = { 0x8664: "x64", 0xaa64: "arm64" }[head.readUInt16LE(at + 4)]
  return machine === undefined ? undefined : `PE ${machine}`
}
