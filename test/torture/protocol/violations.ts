import type { ProtocolVersion } from "../../../src/protocol/packet.ts"
import { frame } from "../../support/wire-notation.ts"

/** Well-formed packets at the wrong time, or beyond what was agreed, and what a client is told for them. */
export interface Violation {
  readonly name: string
  readonly version: ProtocolVersion
  /** Narrow: the broker that offers next to nothing. */
  readonly broker: "roomy" | "narrow"
  /** In the notation of wire-notation.ts, behind a CONNECT unless it is `first`. */
  readonly says: string
  readonly isFirst: boolean
  /** As `answerText` writes them, behind the CONNACK unless it is `first`; the last one `closed` if it is closed on. */
  readonly answers: string
  /** Statements of the version's own specification, or a section where none is numbered. */
  readonly statements: readonly string[]
}

type Row = readonly [name: string, says: string, answers: string, statements: string]

function rows(
  version: ProtocolVersion,
  broker: Violation["broker"],
  place: "first" | "later",
  table: readonly Row[],
): Violation[] {
  return table.map(([name, says, answers, statements]) => ({
    name: `${name} (version ${version})`,
    version,
    broker,
    says,
    isFirst: place === "first",
    answers,
    statements: statements.split(" "),
  }))
}

/*
 * They are tried at once, so nobody subscribes to what another publishes: v/a and a have no subscriber, and a PUBLISH of
 * them is answered with 0x10 in MQTT 5.0.
 */

/** Of the properties of MQTT 5.0, or their absence. */
const none = (version: ProtocolVersion) => (version === 5 ? "00" : "")
const section = (properties: string) => frame("", properties)
const ping = "c0 00"

function connect(
  version: ProtocolVersion,
  clientId: string,
  flags = "02",
  rest = "",
  properties = "",
): string {
  const protocol = { 3: "0006'MQIsdp' 03", 4: "0004'MQTT' 04", 5: "0004'MQTT' 05" }[version]
  return frame(
    "10",
    `${protocol} ${flags} 0000 ${version === 5 ? section(properties) : ""} ${text(clientId)} ${rest}`,
  )
}

/** A CONNECT with a will of no payload; the flags say its QoS and whether it is retained. */
const willing = (version: ProtocolVersion, flags: string, topic = "w") =>
  connect(version, "willing", flags, `${none(version)} ${text(topic)} 0000`)

function text(value: string): string {
  return `${twoBytes(Buffer.byteLength(value))} '${value}'`
}

function twoBytes(value: number): string {
  return value.toString(16).padStart(4, "0")
}

const publish = (version: ProtocolVersion, first: string, id: string, topic = "v/a", payload = "") =>
  frame(first, `${text(topic)} ${id} ${none(version)} ${payload}`)
const publish5 = (properties: string, topic = "v/a", first = "30", id = "") =>
  frame(first, `${text(topic)} ${id} ${section(properties)}`)
const subscribe = (version: ProtocolVersion, ...filters: readonly string[]) =>
  frame("82", `0001 ${none(version)} ${filters.map((filter) => `${text(filter)} 01`).join(" ")}`)
const unsubscribe = (version: ProtocolVersion, ...filters: readonly string[]) =>
  frame("a2", `0001 ${none(version)} ${filters.map(text).join(" ")}`)

const manyLevels = "/".repeat(200)

/** What no client of any version may do. */
function common(version: ProtocolVersion): Violation[] {
  const is5 = version === 5
  /** How a broken rule ends. */
  const ends = (code: string) => (is5 ? `disconnect ${code}, closed` : "closed")
  /** No return code before MQTT 5 fits a will that cannot be taken [3.1.1: 3.2.2.3]. */
  const refused = "connack 88, closed"
  /** What is said of a filter that is none. */
  const noFilter = { 3: "suback 1 80", 4: "suback 1 80", 5: "suback 1 8f" }[version]
  const nobody = is5 ? "10" : "00"
  const unknown = is5 ? "92" : "00"
  const beforeConnect = is5 ? "MQTT-3.1.0-1" : "MQTT-3.1.0-1 MQTT-3.1.4-1"
  const packets: readonly (readonly [string, string])[] = [
    ["PUBLISH", publish(version, "30", "")],
    ["PUBACK", "40 02 0001"],
    ["PUBREC", "50 02 0001"],
    ["PUBREL", "62 02 0001"],
    ["PUBCOMP", "70 02 0001"],
    ["SUBSCRIBE", subscribe(version, "v/#")],
    ["UNSUBSCRIBE", unsubscribe(version, "v/#")],
    ["PINGREQ", ping],
    ["DISCONNECT", "e0 00"],
  ]
  const fromServers: readonly (readonly [string, string])[] = [
    ["CONNACK", is5 ? "20 03 00 00 00" : "20 02 00 00"],
    ["SUBACK", is5 ? "90 04 0001 00 00" : "90 03 0001 00"],
    ["UNSUBACK", is5 ? "b0 04 0001 00 00" : "b0 02 0001"],
    ["PINGRESP", "d0 00"],
  ]
  return [
    ...rows(version, "roomy", "first", [
      ...[...packets, ...fromServers].map(([name, bytes]): Row => [
        `${name} before CONNECT`,
        bytes,
        "closed",
        beforeConnect,
      ]),
      [
        "what stands behind a CONNECT that is refused",
        `${frame("10", "0004'MQTT' 06 02 0000 00 0000")} ${publish(version, "30", "", "behind")} ${ping}`,
        "connack 84, closed",
        is5 ? "MQTT-3.1.4-6 MQTT-3.2.2-7" : "MQTT-3.1.4-5 MQTT-3.2.2-5",
      ],
    ]),
    ...rows(version, "roomy", "later", [
      ...fromServers.map(([name, bytes]): Row => [`${name} from a client`, bytes, ends("82"), "2.1.2"]),
      ["a second CONNECT", connect(version, "twice"), ends("82"), "MQTT-3.1.0-2"],
      [
        "a second CONNECT, of a version that is not known",
        frame("10", "0004'MQTT' 07 02"),
        ends("82"),
        "MQTT-3.1.0-2",
      ],
      ["PUBACK of nothing", `40 02 0007 ${ping}`, "pingresp", is5 ? "MQTT-2.2.1-5" : "MQTT-2.3.1-6"],
      ["PUBCOMP of nothing", `70 02 0007 ${ping}`, "pingresp", is5 ? "MQTT-2.2.1-5" : "MQTT-2.3.1-6"],
      ["PUBREC of nothing", "50 02 0007", `pubrel 7 ${unknown}`, is5 ? "MQTT-2.2.1-5" : "MQTT-2.3.1-6"],
      [
        "PUBREL of nothing",
        "62 02 0007",
        `pubcomp 7 ${unknown}`,
        is5 ? "MQTT-4.3.3-11" : "MQTT-4.3.3-2 MQTT-2.3.1-6",
      ],
      [
        "a QoS 2 identifier in use, which is the same message",
        `${publish(version, "34", "0005")} ${publish(version, "3c", "0005")} 62 02 0005`,
        `pubrec 5 ${nobody}, pubrec 5 00, pubcomp 5 00`,
        is5 ? "MQTT-4.3.3-10 MQTT-4.3.3-8 MQTT-2.2.1-3" : "MQTT-4.3.3-2 MQTT-2.3.1-2",
      ],
      [
        "a QoS 1 identifier again, which is another message",
        `${publish(version, "32", "0005")} ${publish(version, "3a", "0005")}`,
        `puback 5 ${nobody}, puback 5 ${nobody}`,
        is5 ? "MQTT-4.3.2-5 MQTT-4.3.2-4" : "MQTT-4.3.2-2",
      ],
      ...["#/a", "a#", "a/#/b", "##"].map((filter): Row => [
        `SUBSCRIBE to ${filter}`,
        subscribe(version, filter),
        noFilter,
        is5 ? "MQTT-4.7.1-1" : "MQTT-4.7.1-2",
      ]),
      ...["a+", "+a", "a/b+/c", "++"].map((filter): Row => [
        `SUBSCRIBE to ${filter}`,
        subscribe(version, filter),
        noFilter,
        is5 ? "MQTT-4.7.1-2" : "MQTT-4.7.1-3",
      ]),
      [
        "SUBSCRIBE to what is no filter, among others",
        subscribe(version, "s/a", "a+", "s/b"),
        is5 ? "suback 1 01 8f 01" : "suback 1 01 80 01",
        is5 ? "MQTT-3.9.3-1 MQTT-3.8.4-6 MQTT-3.8.4-5" : "MQTT-3.9.3-1 MQTT-3.8.4-5 MQTT-3.8.4-4",
      ],
      [
        "UNSUBSCRIBE from what is no filter and what was never asked for",
        unsubscribe(version, "a+", "v/never"),
        is5 ? "unsuback 1 8f 11" : "unsuback 1",
        is5 ? "MQTT-3.10.4-5 MQTT-3.11.3-1 MQTT-3.10.4-6" : "MQTT-3.10.4-5 MQTT-3.10.4-6",
      ],
      ["SUBSCRIBE to too many levels", subscribe(version, manyLevels), noFilter, "4.7.3"],
      ["PUBLISH to too many levels", publish(version, "30", "", manyLevels), ends("90"), "4.7.3"],
      [
        "packets behind DISCONNECT",
        `e0 00 ${publish(version, "30", "", "behind")} ${ping}`,
        "closed",
        is5 ? "MQTT-3.14.4-1 MQTT-3.14.4-2" : "MQTT-3.14.4-1 MQTT-3.14.4-2",
      ],
    ]),
    ...rows(version, "narrow", "first", [
      [
        "a will at a QoS that is too high",
        willing(version, "16"),
        is5 ? "connack 9b, closed" : refused,
        is5 ? "MQTT-3.2.2-12" : "3.2.2.3",
      ],
      [
        "a will that is retained",
        willing(version, "2e"),
        is5 ? "connack 9a, closed" : refused,
        is5 ? "MQTT-3.2.2-13" : "3.2.2.3",
      ],
      [
        "a client identifier that is too long",
        connect(version, "c".repeat(24)),
        "connack 85, closed",
        is5 ? "MQTT-3.1.3-8" : "MQTT-3.1.3-9",
      ],
    ]),
    ...rows(version, "narrow", "later", [
      [
        "PUBLISH at a QoS that is too high",
        publish(version, "34", "0001"),
        ends("9b"),
        is5 ? "MQTT-3.2.2-11" : "4.8",
      ],
      [
        "PUBLISH with RETAIN where that is not there",
        publish(version, "31", ""),
        ends("9a"),
        is5 ? "MQTT-3.2.2-14" : "4.8",
      ],
      [
        "a packet that is too large",
        publish(version, "30", "", "v/a", "00".repeat(1024)),
        ends("95"),
        is5 ? "MQTT-3.2.2-15" : "4.8",
      ],
      [
        "SUBSCRIBE with a wildcard where that is not there",
        subscribe(version, "v/#"),
        is5 ? "suback 1 a2" : "suback 1 80",
        is5 ? "3.2.2.3.11" : "MQTT-3.8.3-2",
      ],
      [
        "SUBSCRIBE to a share where that is not there",
        subscribe(version, "$share/g/a"),
        is5 ? "suback 1 9e" : "suback 1 80",
        "3.8.4",
      ],
      [
        "SUBSCRIBE at a QoS that is too high, which is granted less",
        frame("82", `0001 ${none(version)} 0001'a' 02`),
        "suback 1 01",
        is5 ? "MQTT-3.2.2-10 MQTT-3.8.4-7" : "MQTT-3.8.4-5",
      ],
      ["SUBSCRIBE to too much at once", subscribe(version, "a", "b", "c"), ends("97"), "3.8.4"],
      ["UNSUBSCRIBE from too much at once", unsubscribe(version, "a", "b", "c"), ends("97"), "3.10.4"],
      [
        "SUBSCRIBE to more than a session may have",
        `${subscribe(version, "a", "b")} ${subscribe(version, "c")}`,
        is5 ? "suback 1 01 01, suback 1 97" : "suback 1 01 01, suback 1 80",
        "3.9.3",
      ],
    ]),
  ]
}

/** An empty client identifier needs a session that ends with its connection, and has no place in MQTT 3.1. */
const before5: readonly Violation[] = [
  ...rows(3, "roomy", "first", [["an empty client identifier", connect(3, ""), "connack 85, closed", "3.1"]]),
  ...rows(4, "roomy", "first", [
    [
      "an empty client identifier for a session that lasts",
      connect(4, "", "00"),
      "connack 85, closed",
      "MQTT-3.1.3-8 MQTT-3.1.3-7",
    ],
    ["an empty client identifier", `${connect(4, "")} ${ping}`, "connack 00, pingresp", "MQTT-3.1.3-6"],
    [
      "CONNECT of a version that is not known",
      frame("10", "0004'MQTT' 07 02 0000"),
      "connack 84, closed",
      "MQTT-3.1.2-2",
    ],
    [
      "CONNECT of another protocol",
      frame("10", "0004'HTTP' 04 02 0000"),
      "connack 84, closed",
      "MQTT-3.1.2-1",
    ],
    ["a password without a user name", connect(4, "c", "42", "0001'p'"), "closed", "MQTT-3.1.2-22"],
  ]),
]

const oversized = `26 0001'a' 00c8 '${"v".repeat(200)}'`

const only5: readonly Violation[] = [
  ...rows(5, "roomy", "first", [
    ["AUTH before CONNECT", "f0 00", "closed", "MQTT-3.1.0-1"],
    [
      "an empty client identifier",
      `${connect(5, "")} ${ping}`,
      "connack 00, pingresp",
      "MQTT-3.1.3-6 MQTT-3.1.3-7 MQTT-3.2.2-16",
    ],
    [
      "an authentication method that is not offered",
      connect(5, "", "02", "", "15 0001'm'"),
      "connack 8c, closed",
      "MQTT-4.12.0-1",
    ],
    [
      "other packets behind a CONNECT with an authentication method",
      `${connect(5, "", "02", "", "15 0001'm'")} ${publish(5, "30", "", "behind")} ${ping}`,
      "connack 8c, closed",
      "MQTT-3.1.2-30 MQTT-3.1.4-6",
    ],
    [
      "a will whose payload is not the UTF-8 it is said to be",
      connect(5, "", "06", "02 0101 0001'w' 0001 ff"),
      "connack 99, closed",
      "3.1.3.2.3",
    ],
    ["a will to too many levels", willing(5, "06", manyLevels), "connack 90, closed", "4.7.3"],
    [
      "an end that is told to a client without room for the reason",
      `${connect(5, "narrow", "02", "", "27 00000014")} ${publish5("23 0000")}`,
      "connack 00, disconnect 94, closed",
      "MQTT-3.14.2-3",
    ],
    [
      "an empty client identifier without room for the one that would be given",
      `${connect(5, "", "02", "", "27 00000014")} ${ping}`,
      "connack 95, closed",
      "MQTT-3.2.2-16",
    ],
    [
      "a refusal that is told to a client without room for the reason",
      connect(5, "", "06", "00 0001'+' 0000", "27 00000008"),
      "connack 90, closed",
      "MQTT-3.2.2-19",
    ],
  ]),
  ...rows(5, "roomy", "later", [
    ["AUTH without an authentication method", "f0 00", "disconnect 82, closed", "MQTT-4.12.0-7"],
    [
      "AUTH that goes on with nothing",
      frame("f0", "18 04 15 0001'm'"),
      "disconnect 82, closed",
      "MQTT-4.12.0-7",
    ],
    [
      "AUTH that begins anew what never was",
      frame("f0", "19 04 15 0001'm'"),
      "disconnect 82, closed",
      "MQTT-4.12.0-7",
    ],
    [
      "PUBLISH beyond the Receive Maximum",
      `${publish(5, "34", "0001")} ${publish(5, "34", "0002")} ${publish(5, "34", "0003")}`,
      "pubrec 1 10, pubrec 2 10, disconnect 93, closed",
      "MQTT-3.3.4-7 MQTT-4.9.0-2",
    ],
    [
      "PUBLISH at QoS 1 beyond the Receive Maximum that QoS 2 has used up",
      `${publish(5, "34", "0001")} ${publish(5, "34", "0002")} ${publish(5, "32", "0003")}`,
      "pubrec 1 10, pubrec 2 10, disconnect 93, closed",
      "MQTT-3.3.4-7",
    ],
    [
      "all but PUBLISH at a Receive Maximum that is used up",
      `${publish(5, "34", "0001")} ${publish(5, "34", "0002")} ${subscribe(5, "v/none")} ${ping} 62 02 0001 ${publish(5, "34", "0003")}`,
      "pubrec 1 10, pubrec 2 10, suback 1 01, pingresp, pubcomp 1 00, pubrec 3 10",
      "MQTT-4.9.0-3 MQTT-3.3.4-8",
    ],
    [
      "a topic alias above the maximum",
      publish5("23 0021"),
      "disconnect 94, closed",
      "MQTT-3.3.2-9 MQTT-3.2.2-17",
    ],
    [
      "a topic alias that was never given a topic",
      publish5("23 0020", ""),
      "disconnect 82, closed",
      "3.3.2.3.4",
    ],
    [
      "the highest topic alias",
      `${publish5("23 0020", "v/a", "32", "0001")} ${publish5("23 0020", "", "32", "0002")}`,
      "puback 1 10, puback 2 10",
      "MQTT-3.3.2-12",
    ],
    ["PUBLISH with a subscription identifier", publish5("0b 01"), "disconnect 82, closed", "MQTT-3.3.4-6"],
    [
      "PUBLISH with a packet identifier at QoS 0, which is read as properties",
      publish(5, "30", "0102"),
      "disconnect 81, closed",
      "MQTT-2.2.1-2",
    ],
    [
      "PUBLISH whose payload is not the UTF-8 it is said to be",
      frame("32", "0001'a' 0001 02 0101 ff"),
      "puback 1 99",
      "3.3.2.3.2",
    ],
    [
      "PUBLISH at QoS 2 that was refused, and its identifier again",
      `${frame("34", "0001'a' 0001 02 0101 ff")} ${publish(5, "34", "0001")}`,
      "pubrec 1 99, pubrec 1 10",
      "MQTT-4.3.3-9",
    ],
    [
      "a response topic of many levels, which is no business of ours",
      frame("32", `0001'a' 0001 ${section(`08 ${text("r/".repeat(200))}`)}`),
      "puback 1 10",
      "MQTT-3.3.2-14",
    ],
    ...["$share//a", "$share/g", "$share/g/", "$share/"].map((filter): Row => [
      `SUBSCRIBE to ${filter}`,
      subscribe(5, filter),
      "suback 1 8f",
      filter === "$share//a" ? "MQTT-4.8.2-1" : "MQTT-4.8.2-2",
    ]),
    ...["$share/+/a", "$share/#/a", "$share/a+/b", "$share/g/a#"].map((filter): Row => [
      `SUBSCRIBE to ${filter}`,
      subscribe(5, filter),
      "suback 1 8f",
      "MQTT-4.8.2-2",
    ]),
    [
      "DISCONNECT that wants a session to last that was to end",
      frame("e0", "00 05 11 00000001"),
      "disconnect 82, closed",
      "3.14.2.2.2",
    ],
    ["DISCONNECT with a will where there is none", frame("e0", "04"), "closed", "3.14.2.1"],
    [
      "too many user properties",
      publish5("26 0001'a' 0000 ".repeat(3)),
      "disconnect 97, closed",
      "3.3.2.3.7",
    ],
  ]),
  ...rows(5, "narrow", "later", [
    ["a topic alias where there are none", publish5("23 0001"), "disconnect 94, closed", "MQTT-3.2.2-18"],
    [
      "PUBLISH that is too large by its properties",
      publish5(oversized.repeat(5), "v/a", "30", ""),
      "disconnect 95, closed",
      "MQTT-3.2.2-15",
    ],
  ]),
]

/** By version, place and broker. */
export const violations: readonly Violation[] = [
  ...common(3),
  ...common(4),
  ...common(5),
  ...before5,
  ...only5,
]
