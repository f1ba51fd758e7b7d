import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Packet } from "../../src/protocol/packet.ts"
import { calls, refusals } from "./comparison-calls.ts"
import { differences } from "./comparison-differences.ts"
import { type Call, Comparer, type Comparison, each, type Outcome, type Seen } from "./comparison.ts"
import { describeWith, mosquittoClients } from "./tools.ts"

/** Enough to keep two cores busy while some of them wait for -W. */
const atOnce = 8

const name = ({ program, words, options, stdin }: Call) => {
  const given = [
    options === undefined ? "" : `options ${JSON.stringify(options)}`,
    stdin === undefined ? "" : `stdin ${JSON.stringify(stdin)}`,
  ]
  return [
    `mosquitto_${program}`,
    ...words.map((word) => (/^\S+$/.test(word) ? word : JSON.stringify(word))),
    ...given,
  ].join(" ")
}

describeWith(
  "mosquitto-clients",
  mosquittoClients(),
  "Mosquitto's clients and ours by their names do the same",
  (folder) => {
    let comparer: Comparer
    let compared: readonly Comparison[]
    let owned: readonly Outcome[]
    let refused: readonly Comparison[]
    let differing: readonly Comparison[]
    beforeAll(async () => {
      comparer = await Comparer.start(folder)
      const files = { FILE: comparer.file("payload", "line\nline\n"), EMPTY: comparer.file("empty", "") }
      const withFiles = (call: Call) => ({
        ...call,
        words: call.words.map((word) => (word === "FILE" || word === "EMPTY" ? files[word] : word)),
      })
      const compare = (call: Call) => comparer.compare(withFiles(call))
      compared = await each(calls, atOnce, compare)
      owned = await each(calls, atOnce, (call) => comparer.own(withFiles(call)))
      refused = await each(refusals, atOnce, compare)
      differing = await each(
        differences.map(({ call }) => call),
        atOnce,
        compare,
      )
    }, 400_000)
    afterAll(() => comparer.stop())

    describe("output, exit code and packets are the same", () => {
      test.each(calls.map((call, index) => [name(call), index] as const))("%s", (_, index) => {
        const { theirs, ours } = compared[index] ?? never()
        expect(comparable(ours, calls[index])).toEqual(comparable(theirs, calls[index]))
      })
    })

    describe("by our own name they are taken as well", () => {
      test.each(calls.map((call, index) => [name(call).replace("mosquitto_", "bantam "), index] as const))(
        "%s",
        (_, index) => {
          const { theirs } = compared[index] ?? never()
          const { own = { exitCode: theirs.exitCode ?? -1, out: theirs.out } } = calls[index] ?? never()
          expectSeen(owned[index] ?? never(), own)
        },
      )
    })

    describe("a wrong command line is refused by both", () => {
      test.each(refusals.map((call, index) => [name(call), index] as const))("%s", (_, index) => {
        const { theirs, ours } = refused[index] ?? never()
        for (const { exitCode, packets } of [theirs, ours])
          expect({ exitCode, packets }).toEqual({ exitCode: 1, packets: [] })
        expect(ours.out).toBe("")
        expect(ours.error).toStartWith("Error: ")
      })
    })

    describe("what is different on purpose is different", () => {
      test.each(differences.map(({ call, why }, index) => [`${name(call)}: ${why}`, index] as const))(
        "%s",
        (_, index) => {
          const { theirs, ours } = differing[index] ?? never()
          const difference = differences[index] ?? never()
          expect(ours).not.toEqual(theirs)
          expectSeen(theirs, difference.theirs)
          expectSeen(ours, difference.ours)
        },
      )
    })
  },
)

function expectSeen({ exitCode, out, error, packets }: Outcome, seen: Seen): void {
  expect(exitCode).toBe(seen.exitCode)
  for (const [text, wanted] of [
    [out, seen.out],
    [error, seen.error],
  ] as const) {
    if (typeof wanted === "string") expect(text).toBe(wanted)
    else if (wanted !== undefined) expect(text).toMatch(wanted)
  }
  if (seen.sent !== undefined)
    expect(
      packets
        .flat()
        .map(({ type }) => type)
        .join(" "),
    ).toBe(seen.sent)
}

function never(): never {
  throw new Error("there is a comparison for each call")
}

/** Without what the table of differences says of all calls. */
function comparable({ exitCode, out, error, packets }: Outcome, call: Call | undefined): Outcome {
  const said = error.replace(/(^Connection error: .*\n)Error: .*\n$/, "$1")
  // Mosquitto connects before it reads its certificates.
  const spoken = packets.filter((connection) => connection.length > 0)
  if (call?.program !== "rr") return { exitCode, out, error: said, packets: spoken }
  const isBefore = ({ type }: Packet) => type === "connect" || type === "subscribe" || type === "publish"
  return { exitCode, out, error: said, packets: spoken.map((connection) => connection.filter(isBefore)) }
}
