import { CString, dlopen, type Pointer, ptr, read } from "bun:ffi"

/*
 * What the runtime does not offer of the operating system: a handful of calls into its C library. All are for the start
 * and the end of a process, or for once in a while; none is for a message.
 */

const symbols = {
  // Sockets.
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "u64"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  // Files.
  flock: { args: ["i32", "i32"], returns: "i32" },
  // Privileges.
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  capset: { args: ["ptr", "ptr"], returns: "i32" },
  getpwnam: { args: ["ptr"], returns: "ptr" },
  getpwuid: { args: ["u32"], returns: "ptr" },
  getgrnam: { args: ["ptr"], returns: "ptr" },
  // Processes, and the time that they all share.
  waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
} as const

export type Libc = ReturnType<typeof dlopen<typeof symbols>>["symbols"]

/** glibc's name, and musl's. */
const names = ["libc.so.6", `libc.musl-${process.arch === "x64" ? "x86_64" : "aarch64"}.so.1`]

let loaded: Libc | undefined

/**
 * Linux alone: elsewhere constants and layouts differ.
 *
 * @returns undefined where there is none that can be called
 */
export function libc(): Libc | undefined {
  if (loaded !== undefined || process.platform !== "linux") return loaded
  for (const name of names) {
    try {
      loaded = dlopen(name, symbols).symbols
      return loaded
    } catch {
      // Not this one; another system has another name for it.
    }
  }
  return undefined
}

/** A structure that a call answered with. */
type Structure = NonNullable<ReturnType<Libc["getpwnam"]>>

/** The pointer that points nowhere. */
export const nothing = null as Pointer | null

/** Where the bytes are, for as long as they are used afterwards. */
export function addressOf(bytes: Uint8Array | Uint32Array | Int32Array | BigInt64Array): Pointer {
  return ptr(bytes)
}

/** A text as C has it. */
export function cText(text: string): Uint8Array {
  return Buffer.from(`${text}\0`)
}

/** A number of 32 bits in a structure of C. */
export function numberAt(structure: Structure, offset: number): number {
  return read.u32(pointerTo(structure), offset)
}

/** A text that a structure of C points to. */
export function textAt(structure: Structure, offset: number): string {
  return new CString(pointerTo(read.ptr(pointerTo(structure), offset))).toString()
}

/** Addresses are numbers; Bun's types brand those that are pointers. */
function pointerTo(address: number | bigint): Pointer {
  return Number(address) as Pointer
}
