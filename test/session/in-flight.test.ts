import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { InFlight } from "../../src/session/in-flight.ts"
import { packetIdOf } from "../../src/session/outgoing.ts"

type Step =
  | { readonly does: "send"; readonly skip: number; readonly bytes: number; readonly qos: 1 | 2 }
  | { readonly does: "receive" | "finish"; readonly which: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    does: fc.constant("send" as const),
    skip: fc.constantFrom(1, 1, 1, 2, 30_000),
    bytes: fc.nat(300_000_000),
    qos: fc.constantFrom(1 as const, 2 as const),
  }),
  fc.record({ does: fc.constantFrom("receive" as const, "finish" as const), which: fc.nat(100) }),
)

describe("messages in flight", () => {
  test("are known by packet identifier, whatever order they are acknowledged in", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.constantFrom(0, 65_530, 2 ** 31 - 3, 2 ** 40),
        (steps, start) => {
          const inFlight = new InFlight()
          const model = new Map<number, { awaited: string; readonly bytes: number }>()
          let last = start
          for (const step of steps) {
            const chosen = step.does === "send" ? 0 : ([...model.keys()][step.which % model.size] ?? 0)
            if (step.does === "send") {
              const sequence = last + step.skip
              // A session lets a message wait that would have the identifier of another, and those behind it too.
              const wouldMeet = Math.min(sequence, ...model.keys()) + 65_535 <= sequence
              expect(inFlight.takes(sequence)).toBe(!wouldMeet)
              if (wouldMeet) continue
              last = sequence
              expect(inFlight.find(packetIdOf(sequence))).toBe(0)
              const awaited = step.qos === 1 ? "puback" : "pubrec"
              inFlight.add(sequence, awaited, step.bytes)
              model.set(sequence, { awaited, bytes: step.bytes })
            } else if (model.size === 0) {
              continue
            } else if (step.does === "receive") {
              inFlight.received(chosen)
              const entry = model.get(chosen)
              if (entry !== undefined) entry.awaited = "pubcomp"
            } else {
              expect(inFlight.remove(chosen)).toBe(model.get(chosen)?.bytes ?? -1)
              expect(inFlight.find(packetIdOf(chosen))).toBe(0)
              model.delete(chosen)
            }
            expect(inFlight.size).toBe(model.size)
            expect(inFlight.totalBytes).toBe([...model.values()].reduce((sum, { bytes }) => sum + bytes, 0))
            for (const [sequence, { awaited }] of model) {
              expect(inFlight.find(packetIdOf(sequence))).toBe(sequence)
              expect(inFlight.awaits(sequence)).toBe(awaited as never)
            }
          }
        },
      ),
    )
  })

  test("of an earlier connection may join those that were sent after them", () => {
    const inFlight = new InFlight()
    inFlight.add(40, "pubcomp", 1)
    inFlight.add(7, "puback", 2)
    inFlight.add(39, "puback", 3)
    expect([40, 7, 39, 8].map((sequence) => inFlight.find(packetIdOf(sequence)))).toEqual([40, 7, 39, 0])
    inFlight.remove(40)
    inFlight.add(41, "puback", 4)
    expect([40, 7, 41].map((sequence) => inFlight.find(packetIdOf(sequence)))).toEqual([0, 7, 41])
  })
})
