import { malformedInputs } from "../../support/malformed-packets.ts"
import { violations } from "./violations.ts"

/** A normative statement, such as `MQTT-3.1.0-1`, within one of the two specifications. */
export type Specification = "3.1.1" | "5.0"

/** How many numbered statements each section has; where it does not begin with 1, from which to which. */
const numbered: Record<Specification, Readonly<Record<string, number | readonly [number, number]>>> = {
  "3.1.1": {
    ...{ "1.5.3": 3, "2.2.2": 2, "2.3.1": 7, "3.1.0": 2, "3.1.2": 24, "3.1.3": 11, "3.1.4": 5, "3.2.0": 2 },
    ...{ "3.2.2": 6, "3.3.1": 12, "3.3.2": 3, "3.3.4": 1, "3.3.5": 2, "3.6.1": 1, "3.8.1": 1, "3.8.3": 4 },
    ...{
      "3.8.4": 6,
      "3.9.3": 2,
      "3.10.1": 1,
      "3.10.3": 2,
      "3.10.4": 6,
      "3.12.4": 1,
      "3.14.1": 1,
      "3.14.4": 3,
    },
    ...{ "4.1.0": 2, "4.3.1": 1, "4.3.2": 2, "4.3.3": 2, "4.4.0": 1, "4.5.0": 2, "4.6.0": 6, "4.7.1": 3 },
    ...{ "4.7.2": 1, "4.7.3": 4, "4.8.0": 2, "6.0.0": 4, "7.0.0": 2, "7.1.1": 1, "7.1.2": 1 },
  },
  "5.0": {
    ...{
      "1.5.4": 3,
      "1.5.5": 1,
      "1.5.7": 1,
      "2.1.3": 1,
      "2.2.1": [2, 6],
      "2.2.2": 1,
      "3.1.0": 2,
      "3.1.2": 30,
    },
    ...{
      "3.1.3": 12,
      "3.1.4": 6,
      "3.2.0": 2,
      "3.2.2": 22,
      "3.3.1": 13,
      "3.3.2": 20,
      "3.3.4": 10,
      "3.4.2": 3,
    },
    ...{ "3.5.2": 3, "3.6.1": 1, "3.6.2": 3, "3.7.2": 3, "3.8.1": 1, "3.8.3": 5, "3.8.4": 8, "3.9.2": 2 },
    ...{
      "3.9.3": 2,
      "3.10.1": 1,
      "3.10.3": 2,
      "3.10.4": 6,
      "3.11.2": 2,
      "3.11.3": 2,
      "3.12.4": 1,
      "3.14.0": 1,
    },
    ...{
      "3.14.1": 1,
      "3.14.2": 4,
      "3.14.4": 3,
      "3.15.1": 1,
      "3.15.2": 3,
      "4.1.0": 2,
      "4.2.0": 1,
      "4.3.1": 1,
    },
    ...{ "4.3.2": 5, "4.3.3": 13, "4.4.0": 2, "4.5.0": 2, "4.6.0": 6, "4.7.0": 1, "4.7.1": 2, "4.7.2": 1 },
    ...{ "4.7.3": 4, "4.8.2": 6, "4.9.0": 3, "4.12.0": 7, "4.12.1": 2, "4.13.1": 1, "4.13.2": 1, "6.0.0": 4 },
  },
}

/** Every statement there is, in the order of the specification. */
export function statementsOf(specification: Specification): string[] {
  return Object.entries(numbered[specification]).flatMap(([section, numbers]) => {
    const [first, last] = typeof numbers === "number" ? [1, numbers] : numbers
    return Array.from({ length: last - first + 1 }, (_, index) => `MQTT-${section}-${first + index}`)
  })
}

/** The statements that some row of a table breaks, or tries to. */
export function statementsWithRows(specification: Specification): Set<string> {
  const found = new Set<string>()
  for (const { version, statement } of malformedInputs) {
    for (const each of translated(statement, version === 5 ? "5.0" : "3.1.1")) {
      if (each.specification === specification) found.add(each.statement)
    }
  }
  for (const { version, statements } of violations) {
    if (version === 3 || (version === 5) !== (specification === "5.0")) continue
    for (const statement of statements) if (statement.startsWith("MQTT-")) found.add(statement)
  }
  return found
}

/** What a row of all versions calls by its number in MQTT 5.0 has another one in 3.1.1. */
const older: Readonly<Record<string, readonly string[]>> = {
  "MQTT-1.5.4-1": ["MQTT-1.5.3-1"],
  "MQTT-1.5.4-2": ["MQTT-1.5.3-2"],
  "MQTT-2.1.3-1": ["MQTT-2.2.2-1", "MQTT-2.2.2-2"],
  "MQTT-2.2.1-3": ["MQTT-2.3.1-1"],
  "MQTT-3.8.3-2": ["MQTT-3.8.3-3"],
  "MQTT-1.5.5-1": [],
}

function translated(
  named: string,
  rowOf: Specification,
): { readonly specification: Specification; readonly statement: string }[] {
  const isOlder = named.startsWith("3.1.1: ")
  const statement = isOlder ? named.slice("3.1.1: ".length) : named
  if (!statement.startsWith("MQTT-")) return []
  if (rowOf === "5.0") return [{ specification: "5.0", statement }]
  const names = isOlder ? [statement] : (older[statement] ?? [statement])
  return names.map((each) => ({ specification: "3.1.1", statement: each }))
}

const byAll = "is what becomes of every row: the connection is closed, and no other"
const ofBroker = "binds the broker in what it does or sends: test/conformance, by section"
const ofClient = "binds the client in what it does, which the broker does not see"
const unseen = "cannot be told from another packet that is well-formed"
const ofTime = "takes another connection or the passing of time: test/conformance, by section"
const ofAuthentication =
  "takes an exchange that is under way: test/conformance/4.12-enhanced-authentication.test.ts"
const ofWebSocket = "is about WebSocket frames: test/transport"

/**
 * Why a statement has no row, though each that a packet can break has one. Section and numbers, `..` for all between
 * two of them.
 */
const reasons: Record<Specification, Readonly<Record<string, readonly string[]>>> = {
  "3.1.1": {
    [byAll]: ["4.8.0-1"],
    [ofBroker]: [
      ...[
        "1.5.3-3",
        "2.3.1-4",
        "2.3.1-7",
        "3.1.2-4..8",
        "3.1.2-10",
        "3.1.2-12",
        "3.1.2-16..17",
        "3.1.3-2",
        "3.1.3-5",
      ],
      ...[
        "3.1.4-3..4",
        "3.2.0-1..2",
        "3.2.2-1..3",
        "3.2.2-6",
        "3.3.1-1",
        "3.3.1-3",
        "3.3.1-5..12",
        "3.3.2-3",
      ],
      ...[
        "3.3.4-1",
        "3.3.5-1..2",
        "3.8.4-1..3",
        "3.8.4-6",
        "3.10.4-1..4",
        "3.12.4-1",
        "3.14.4-3",
        "4.1.0-1..2",
      ],
      ...[
        "4.3.1-1",
        "4.3.2-1",
        "4.3.3-1",
        "4.5.0-1",
        "4.6.0-5..6",
        "4.7.2-1",
        "4.7.3-4",
        "4.8.0-2",
        "7.0.0-1..2",
      ],
      ...["7.1.1-1"],
    ],
    [ofTime]: ["3.1.2-24", "3.1.4-2", "4.4.0-1"],
    [ofClient]: ["2.3.1-3", "3.1.2-23", "4.5.0-2", "4.6.0-1..4", "7.1.2-1"],
    [unseen]: ["2.3.1-5", "3.1.3-1", "4.7.3-3"],
    [ofWebSocket]: ["6.0.0-1..4"],
  },
  "5.0": {
    [byAll]: ["4.13.1-1", "4.13.2-1"],
    [ofBroker]: [
      ...[
        "1.5.4-3",
        "2.2.1-4",
        "2.2.1-6",
        "3.1.2-4..8",
        "3.1.2-10",
        "3.1.2-14..15",
        "3.1.2-23..29",
        "3.1.3-2",
      ],
      ...["3.1.3-5", "3.1.3-10", "3.1.4-2", "3.1.4-4..5", "3.2.0-1..2", "3.2.2-2..3", "3.2.2-9", "3.2.2-20"],
      ...[
        "3.2.2-22",
        "3.3.1-1",
        "3.3.1-3",
        "3.3.1-5..13",
        "3.3.2-3..6",
        "3.3.2-11",
        "3.3.2-15..18",
        "3.3.2-20",
      ],
      ...["3.3.4-1..5", "3.3.4-9..10", "3.4.2-2..3", "3.5.2-2..3", "3.6.2-2..3", "3.7.2-2..3", "3.8.3-3"],
      ...[
        "3.8.4-1..4",
        "3.8.4-8",
        "3.9.2-1..2",
        "3.10.4-1..4",
        "3.11.2-1..2",
        "3.12.4-1",
        "3.14.0-1",
        "3.14.2-2",
      ],
      ...[
        "3.14.2-4",
        "3.14.4-3",
        "3.15.2-2..3",
        "4.1.0-1..2",
        "4.2.0-1",
        "4.3.1-1",
        "4.3.2-1..3",
        "4.3.3-1..7",
      ],
      ...["4.3.3-12..13", "4.4.0-2", "4.5.0-1", "4.6.0-5..6", "4.7.2-1", "4.7.3-4", "4.8.2-3..6", "4.9.0-1"],
    ],
    [ofTime]: ["3.1.2-22", "3.1.3-9", "3.1.4-3", "3.3.2-7", "4.4.0-1"],
    [ofClient]: ["3.1.2-20..21", "3.2.2-4..5", "3.2.2-21", "3.3.2-10", "4.5.0-2", "4.6.0-1..4"],
    [unseen]: ["3.1.3-1", "4.7.3-3"],
    [ofAuthentication]: ["4.12.0-2..6", "4.12.1-1..2"],
    [ofWebSocket]: ["6.0.0-1..4"],
  },
}

/** @returns the reason by statement. @throws Error when one has two */
export function statementsWithoutRows(specification: Specification): Map<string, string> {
  const found = new Map<string, string>()
  for (const [reason, ranges] of Object.entries(reasons[specification])) {
    for (const range of ranges) {
      const [section = "", numbers = ""] = range.split("-")
      const [first = "", last = first] = numbers.split("..")
      for (let number = Number(first); number <= Number(last); number++) {
        const statement = `MQTT-${section}-${number}`
        if (found.has(statement)) throw new Error(`${statement} has two reasons`)
        found.set(statement, reason)
      }
    }
  }
  return found
}
