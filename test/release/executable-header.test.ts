import { describe, expect, test } from "bun:test"
import { describeExecutable, headerOf } from "../../scripts/release/executable-header.ts"
import { ownTarget } from "../../scripts/release/targets.ts"

/** Numbers put into a buffer: where, how many bytes, which. */
function head(...numbers: readonly (readonly [at: number, bytes: 1 | 2 | 4, value: number])[]): Buffer {
  const made = Buffer.alloc(512)
  for (const [at, bytes, value] of numbers) made.writeUIntLE(value, at, bytes)
  return made
}

function machO(cpu: number, command: number): Buffer {
  return head([0, 4, 0xfeed_facf], [4, 4, cpu], [16, 4, 2], [32, 4, 0x19], [36, 4, 72], [104, 4, command])
}

function pe(machine: number): Buffer {
  const made = head([0x3c, 4, 0x80], [0x84, 2, machine])
  made.write("MZ", 0)
  made.write("PE", 0x80)
  return made
}

describe("What an executable is", () => {
  test("is told of the Bun that runs this as of the system's own programs", async () => {
    expect(headerOf(process.execPath)).toBe(ownTarget().header)
    expect(describeExecutable(Buffer.from(await Bun.file("/bin/sh").bytes()))).toBe(ownTarget().header)
  })

  test.each([
    [machO(0x0100_0007, 0x1b), "Mach-O x64, not signed"],
    [machO(0x0100_000c, 0x1d), "Mach-O arm64, signed"],
    [pe(0x8664), "PE x64"],
    [pe(0xaa64), "PE arm64"],
  ])("is told of other systems'", (made, said) => {
    expect(describeExecutable(made)).toBe(said)
  })

  test.each([
    ["nothing", Buffer.alloc(0)],
    ["a script", Buffer.from(`#!/bin/sh\n${" ".repeat(200)}`)],
    ["one that ends in its header", machO(0x0100_000c, 0x1d).subarray(0, 36)],
    ["one for another processor", pe(0x014c)],
  ])("is not told of %s", (_, made) => {
    expect(describeExecutable(made)).toBeUndefined()
  })
})
