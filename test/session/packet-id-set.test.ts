import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import type { PacketId } from "../../src/protocol/packet.ts"
import { PacketIdSet } from "../../src/session/packet-id-set.ts"

const packetId = fc.oneof(
  fc.integer({ min: 1, max: 200 }),
  fc.constantFrom(31, 32, 33, 65_503, 65_504, 65_535),
) as fc.Arbitrary<PacketId>
const steps = fc.array(fc.record({ does: fc.constantFrom("add" as const, "delete" as const), packetId }), {
  maxLength: 600,
  size: "max",
})

describe("a set of packet identifiers", () => {
  test("is a set, with few and with many", () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const set = new PacketIdSet()
        const model = new Set<PacketId>()
        for (const step of sequence) {
          if (step.does === "add") set.add(step.packetId)
          else expect(set.delete(step.packetId)).toBe(model.has(step.packetId))
          model[step.does](step.packetId)
          expect(set.size).toBe(model.size)
        }
        for (let id = 0; id < 300; id++) expect(set.has(id as PacketId)).toBe(model.has(id as PacketId))
        for (const id of model) expect(set.has(id)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test("holds all that there are", () => {
    const set = new PacketIdSet()
    for (let id = 1; id <= 65_535; id++) set.add(id as PacketId)
    expect(set.size).toBe(65_535)
    for (let id = 1; id <= 65_535; id++) expect(set.delete(id as PacketId)).toBe(true)
    expect(set.size).toBe(0)
  })
})
