import type { ProtocolVersion } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { frame } from "./wire-notation.ts"

/** Bytes that no decoder may take, and what to answer. */
export interface MalformedInput {
  readonly name: string
  readonly version: ProtocolVersion
  /** Who would send such a packet if it were well-formed. */
  readonly from: "client" | "server" | "either"
  /** In the notation of wire-notation.ts: one whole frame, unless its length is what is wrong. */
  readonly bytes: string
  readonly reasonCode: ReasonCode
  /** The statement or section of MQTT 5.0, or of 3.1.1 where it says so. */
  readonly statement: string
}

type Row = readonly [name: string, bytes: string, statement: string]

function rows(
  version: ProtocolVersion,
  from: MalformedInput["from"],
  reasonCode: ReasonCode,
  table: readonly Row[],
): MalformedInput[] {
  return table.map(([name, bytes, statement]) => {
    return { name: `${name} (version ${version})`, version, from, bytes, reasonCode, statement }
  })
}

const { malformedPacket, protocolError, topicNameInvalid, topicAliasInvalid } = ReasonCode
const { unsupportedProtocolVersion } = ReasonCode

/** CONNECT of MQTT 5.0 with these properties, no client identifier and no will. */
const connect5 = (properties: string) => frame("10", `0004'MQTT' 05 02 0000 ${section(properties)} 0000`)
/** CONNECT of MQTT 5.0 whose will has these properties. */
const will5 = (properties: string) =>
  frame("10", `0004'MQTT' 05 06 0000 00 0000 ${section(properties)} 0001'w' 0000`)
const publish5 = (properties: string) => frame("30", `0001'a' ${section(properties)}`)
const subscribe5 = (properties: string) => frame("82", `0001 ${section(properties)} 0001'a' 00`)

/** A property length, below 128, and the properties. */
function section(properties: string): string {
  return frame("", properties)
}

/** What is wrong in every version: reserved flags, lengths, texts, identifiers. */
function common(version: ProtocolVersion): MalformedInput[] {
  const none = version === 5 ? "00" : ""
  return [
    ...rows(version, "either", malformedPacket, [
      ["packet type 0", "00 00", "2.1.2"],
      ["a remaining length of five bytes", "30 8080808001", "1.5.5"],
      ["a remaining length of five bytes that all promise more", "c0 ffffffffff", "1.5.5"],
      ["PINGREQ with a remaining length padded to two bytes", "c0 8000", "MQTT-1.5.5-1"],
      ["PUBLISH with a remaining length padded to four bytes", "30 83808000 000161", "MQTT-1.5.5-1"],
      ["PUBLISH at QoS 3", frame("36", `0001'a' 0001 ${none}`), "MQTT-3.3.1-4"],
      ["PUBLISH at QoS 3 with DUP and RETAIN", frame("3f", `0001'a' 0001 ${none}`), "MQTT-3.3.1-4"],
      ["PUBLISH at QoS 0 with DUP", frame("38", `0001'a' ${none}`), "MQTT-3.3.1-2"],
      ["PUBLISH at QoS 1 with packet identifier 0", frame("32", `0001'a' 0000 ${none}`), "MQTT-2.2.1-3"],
      ["PUBLISH at QoS 2 with packet identifier 0", frame("34", `0001'a' 0000 ${none}`), "MQTT-2.2.1-3"],
      ["PUBLISH of no bytes", frame("30", ""), "MQTT-3.3.2-1"],
      ["PUBLISH with half a topic length", frame("30", "00"), "1.5.4"],
      ["PUBLISH whose topic goes beyond the packet", frame("30", "0005'a/b'"), "1.5.4"],
      ["PUBLISH at QoS 1 without packet identifier", frame("32", "0001'a'"), "2.2.1"],
      ["PUBLISH at QoS 1 with half a packet identifier", frame("32", "0001'a' 00"), "2.2.1"],
      ["PUBLISH with U+0000 in its topic", frame("30", `0003 610062 ${none}`), "MQTT-1.5.4-2"],
      [
        "PUBLISH with a lone continuation byte in its topic",
        frame("30", `0002 6180 ${none}`),
        "MQTT-1.5.4-1",
      ],
      ["PUBLISH with a surrogate in its topic", frame("30", `0003 eda080 ${none}`), "MQTT-1.5.4-1"],
      ["PUBLISH with U+0000 as two bytes", frame("30", `0002 c080 ${none}`), "MQTT-1.5.4-1"],
      ["PUBLISH with a slash as two bytes", frame("30", `0002 c0af ${none}`), "MQTT-1.5.4-1"],
      ["PUBLISH with a code point above U+10FFFF", frame("30", `0004 f4908080 ${none}`), "MQTT-1.5.4-1"],
      ["PUBLISH whose topic ends inside a character", frame("30", `0002 e282 ${none}`), "MQTT-1.5.4-1"],
      ["PUBREL with the flags of another packet", frame("60", "0001"), "MQTT-2.1.3-1"],
      ["PUBACK of no bytes", frame("40", ""), "3.4.2"],
      ["PUBACK with half a packet identifier", frame("40", "00"), "3.4.2"],
      ["PUBACK with packet identifier 0", frame("40", "0000"), "MQTT-2.2.1-3"],
      ["PUBREC with packet identifier 0", frame("50", "0000"), "MQTT-2.2.1-3"],
      ["PUBREL with packet identifier 0", frame("62", "0000"), "MQTT-2.2.1-3"],
      ["PUBCOMP with packet identifier 0", frame("70", "0000"), "MQTT-2.2.1-3"],
      ["PUBACK with reserved flags", frame("42", "0001"), "MQTT-2.1.3-1"],
      ["PUBREC with reserved flags", frame("51", "0001"), "MQTT-2.1.3-1"],
      ["PUBREL with RETAIN", frame("63", "0001"), "MQTT-2.1.3-1"],
      ["PUBCOMP with reserved flags", frame("78", "0001"), "MQTT-2.1.3-1"],
    ]),
    ...rows(version, "either", topicNameInvalid, [
      ["PUBLISH to a topic with +", frame("30", `0003'a/+' ${none}`), "MQTT-3.3.2-2"],
      ["PUBLISH to a topic with # inside", frame("30", `0003'a#b' ${none}`), "MQTT-3.3.2-2"],
    ]),
    ...rows(version, "either", protocolError, [
      ["PUBLISH to no topic", frame("30", `0000 ${none} 'x'`), "3.3.2.1"],
    ]),
    ...rows(version, "client", malformedPacket, [
      ["SUBSCRIBE with the flags of another packet", frame("80", `0001 ${none} 0001'a' 00`), "MQTT-3.8.1-1"],
      ["UNSUBSCRIBE with the flags of another packet", frame("a0", `0001 ${none} 0001'a'`), "MQTT-3.10.1-1"],
      ["SUBSCRIBE with RETAIN", frame("83", `0001 ${none} 0001'a' 00`), "MQTT-3.8.1-1"],
      ["SUBSCRIBE with packet identifier 0", frame("82", `0000 ${none} 0001'a' 00`), "MQTT-2.2.1-3"],
      ["UNSUBSCRIBE with packet identifier 0", frame("a2", `0000 ${none} 0001'a'`), "MQTT-2.2.1-3"],
      ["SUBSCRIBE of no bytes", frame("82", ""), "3.8.2"],
      ["UNSUBSCRIBE of no bytes", frame("a2", ""), "3.10.2"],
      ["SUBSCRIBE without subscription options", frame("82", `0001 ${none} 0001'a'`), "3.8.3"],
      ["SUBSCRIBE whose filter goes beyond the packet", frame("82", `0001 ${none} 0009'a' 00`), "1.5.4"],
      ["UNSUBSCRIBE whose filter goes beyond the packet", frame("a2", `0001 ${none} 0002'a'`), "1.5.4"],
      ["UNSUBSCRIBE with half a length behind its filter", frame("a2", `0001 ${none} 0001'a' 00`), "1.5.4"],
      ["SUBSCRIBE with U+0000 in its filter", frame("82", `0001 ${none} 0001 00 00`), "MQTT-4.7.3-2"],
      ["SUBSCRIBE with ill-formed UTF-8", frame("82", `0001 ${none} 0001 ff 00`), "MQTT-3.8.3-1"],
      ["UNSUBSCRIBE with U+0000 in its filter", frame("a2", `0001 ${none} 0001 00`), "MQTT-1.5.4-2"],
      ["UNSUBSCRIBE with ill-formed UTF-8", frame("a2", `0001 ${none} 0002 c3'a'`), "MQTT-3.10.3-1"],
      ["PINGREQ with reserved flags", "c1 00", "MQTT-2.1.3-1"],
      ["PINGREQ with a body", "c0 01 00", "3.12.2"],
    ]),
    ...rows(version, "client", protocolError, [
      ["SUBSCRIBE to nothing", frame("82", `0001 ${none}`), "MQTT-3.8.3-2"],
      ["UNSUBSCRIBE from nothing", frame("a2", `0001 ${none}`), "MQTT-3.10.3-2"],
      ["SUBSCRIBE to an empty filter", frame("82", `0001 ${none} 0000 00`), "MQTT-4.7.3-1"],
      ["UNSUBSCRIBE from an empty filter", frame("a2", `0001 ${none} 0000`), "MQTT-4.7.3-1"],
    ]),
    ...rows(version, "either", malformedPacket, [
      ["DISCONNECT with reserved flags", "e2 00", "MQTT-3.14.1-1"],
    ]),
    ...rows(version, "server", malformedPacket, [
      ["CONNACK with reserved flags in its first byte", frame("21", `0000 ${none}`), "MQTT-2.1.3-1"],
      ["CONNACK of one byte", frame("20", "00"), "3.2.2"],
      ["SUBACK with reserved flags", frame("92", `0001 ${none} 00`), "MQTT-2.1.3-1"],
      ["SUBACK with packet identifier 0", frame("90", `0000 ${none} 00`), "MQTT-2.2.1-3"],
      ["UNSUBACK with reserved flags", frame("b2", `0001 ${none}`), "MQTT-2.1.3-1"],
      ["UNSUBACK with packet identifier 0", frame("b0", `0000 ${none} 00`), "MQTT-2.2.1-3"],
      ["PINGRESP with reserved flags", "d2 00", "MQTT-2.1.3-1"],
      ["PINGRESP with a body", "d0 01 00", "3.13.2"],
    ]),
    ...rows(version, "server", protocolError, [
      ["SUBACK without reason codes", frame("90", `0001 ${none}`), "3.9.3"],
      ["SUBACK that grants QoS 3", frame("90", `0001 ${none} 03`), "MQTT-3.9.3-2"],
    ]),
  ]
}

/** What is wrong in 3.1 and 3.1.1, which know neither properties nor reason codes. */
function before5(version: 3 | 4): MalformedInput[] {
  const protocol = version === 3 ? "0006'MQIsdp' 03" : "0004'MQTT' 04"
  return [
    ...rows(version, "client", malformedPacket, [
      [
        "CONNECT with reserved flags in its first byte",
        frame("11", `${protocol} 02 0000 0001'c'`),
        "MQTT-2.1.3-1",
      ],
      [
        "CONNECT with will QoS 3",
        frame("10", `${protocol} 1e 0000 0001'c' 0001'w' 0000`),
        "3.1.1: MQTT-3.1.2-14",
      ],
      [
        "CONNECT with a password alone",
        frame("10", `${protocol} 42 0000 0001'c' 0001'p'`),
        "3.1.1: MQTT-3.1.2-22",
      ],
      ["CONNECT that goes on", frame("10", `${protocol} 02 0000 0001'c' 00`), "3.1.1: 3.1.3"],
      ["CONNECT that ends in its keep alive", frame("10", `${protocol} 02 00`), "3.1.1: 3.1.2.10"],
      ["CONNECT without client identifier", frame("10", `${protocol} 02 0000`), "3.1.1: MQTT-3.1.3-3"],
      [
        "CONNECT without the will it announces",
        frame("10", `${protocol} 06 0000 0001'c'`),
        "3.1.1: MQTT-3.1.2-9",
      ],
      [
        "CONNECT without will message",
        frame("10", `${protocol} 06 0000 0001'c' 0001'w'`),
        "3.1.1: MQTT-3.1.2-9",
      ],
      ["SUBSCRIBE at QoS 3", frame("82", "0001 0001'a' 03"), "3.1.1: MQTT-3.8.3-4"],
    ]),
    ...rows(version, "client", topicNameInvalid, [
      [
        "CONNECT with a wildcard in its will topic",
        frame("10", `${protocol} 06 0000 0001'c' 0001'+' 0000`),
        "MQTT-4.7.1-1",
      ],
      [
        "CONNECT with an empty will topic",
        frame("10", `${protocol} 06 0000 0001'c' 0000 0000`),
        "MQTT-4.7.3-1",
      ],
    ]),
    ...rows(version, "either", malformedPacket, [
      ["PUBACK with a reason code", frame("40", "0001 00"), "3.1.1: 3.4.2"],
      ["PUBREC with a reason code", frame("50", "0001 00"), "3.1.1: 3.5.2"],
      ["PUBREL with a reason code", frame("62", "0001 00"), "3.1.1: 3.6.2"],
      ["PUBCOMP with a reason code", frame("70", "0001 00"), "3.1.1: 3.7.2"],
      ["DISCONNECT with a reason code", frame("e0", "00"), "3.1.1: 3.14.2"],
      ["AUTH", "f0 00", "3.1.1: 2.2.1"],
    ]),
    ...rows(version, "server", malformedPacket, [
      ["CONNACK that goes on", frame("20", "0000 00"), "3.1.1: 3.2"],
      ["UNSUBACK with a payload", frame("b0", "0001 00"), "3.1.1: 3.11.3"],
    ]),
    ...rows(version, "server", protocolError, [
      ["CONNACK with a return code that is reserved", frame("20", "0006"), "3.1.1: 3.2.2.3"],
      ["SUBACK with a reason code of MQTT 5.0", frame("90", "0001 87"), "3.1.1: MQTT-3.9.3-2"],
    ]),
  ]
}

const only311: MalformedInput[] = [
  ...rows(4, "client", malformedPacket, [
    ["CONNECT with its reserved flag", frame("10", "0004'MQTT' 04 03 0000 0001'c'"), "3.1.1: MQTT-3.1.2-3"],
    [
      "CONNECT with a will QoS and no will",
      frame("10", "0004'MQTT' 04 0a 0000 0001'c'"),
      "3.1.1: MQTT-3.1.2-13",
    ],
    [
      "CONNECT with a will retain and no will",
      frame("10", "0004'MQTT' 04 22 0000 0001'c'"),
      "3.1.1: MQTT-3.1.2-15",
    ],
    [
      "CONNECT without the user name it announces",
      frame("10", "0004'MQTT' 04 82 0000 0001'c'"),
      "3.1.1: MQTT-3.1.2-19",
    ],
    [
      "CONNECT without the password it announces",
      frame("10", "0004'MQTT' 04 c2 0000 0001'c' 0001'u'"),
      "3.1.1: MQTT-3.1.2-21",
    ],
    [
      "CONNECT with a will that it does not announce",
      frame("10", "0004'MQTT' 04 02 0000 0001'c' 0001'w' 0000"),
      "3.1.1: MQTT-3.1.2-11",
    ],
    [
      "CONNECT with a user name that it does not announce",
      frame("10", "0004'MQTT' 04 02 0000 0001'c' 0001'u'"),
      "3.1.1: MQTT-3.1.2-18",
    ],
    [
      "CONNECT with a password that it does not announce",
      frame("10", "0004'MQTT' 04 82 0000 0001'c' 0001'u' 0001'p'"),
      "3.1.1: MQTT-3.1.2-20",
    ],
    [
      "CONNECT with ill-formed UTF-8 as client identifier",
      frame("10", "0004'MQTT' 04 02 0000 0001 ff"),
      "3.1.1: MQTT-3.1.3-4",
    ],
    [
      "CONNECT with ill-formed UTF-8 as will topic",
      frame("10", "0004'MQTT' 04 06 0000 0001'c' 0001 ff 0000"),
      "3.1.1: MQTT-3.1.3-10",
    ],
    [
      "CONNECT with ill-formed UTF-8 as user name",
      frame("10", "0004'MQTT' 04 82 0000 0001'c' 0001 80"),
      "3.1.1: MQTT-3.1.3-11",
    ],
    ["SUBSCRIBE with DUP", frame("8a", "0001 0001'a' 00"), "3.1.1: MQTT-3.8.1-1"],
    ["UNSUBSCRIBE with DUP", frame("aa", "0001 0001'a'"), "3.1.1: MQTT-3.10.1-1"],
    ["PUBREL with DUP", frame("6a", "0001"), "3.1.1: MQTT-3.6.1-1"],
    ["SUBSCRIBE with the options of MQTT 5.0", frame("82", "0001 0001'a' 04"), "3.1.1: MQTT-3.8.3-4"],
    ["SUBSCRIBE with the highest bit of its QoS", frame("82", "0001 0001'a' 80"), "3.1.1: MQTT-3.8.3-4"],
  ]),
  ...rows(4, "server", malformedPacket, [
    ["CONNACK with reserved acknowledge flags", frame("20", "0200"), "3.1.1: 3.2.2.1"],
  ]),
  ...rows(4, "server", protocolError, [
    ["CONNACK that refuses and yet has a session", frame("20", "0105"), "3.1.1: MQTT-3.2.2-4"],
  ]),
]

/** A CONNECT whose version cannot be told, or is none of ours. */
const unknownProtocols: MalformedInput[] = [
  ...rows(5, "client", unsupportedProtocolVersion, [
    ["CONNECT of MQTT version 6", frame("10", "0004'MQTT' 06 02 0000 00 0001'c'"), "MQTT-3.1.2-2"],
    ["CONNECT of MQTT version 0", frame("10", "0004'MQTT' 00 02 0000 0001'c'"), "MQTT-3.1.2-2"],
    [
      "CONNECT of version 3 under the name of 3.1.1",
      frame("10", "0004'MQTT' 03 02 0000 0001'c'"),
      "MQTT-3.1.2-2",
    ],
    [
      "CONNECT of version 4 under the name of 3.1",
      frame("10", "0006'MQIsdp' 04 02 0000 0001'c'"),
      "MQTT-3.1.2-2",
    ],
    [
      "CONNECT of version 5 with a bridge's bit",
      frame("10", "0004'MQTT' 85 02 0000 00 0001'c'"),
      "MQTT-3.1.2-2",
    ],
    ["CONNECT of a later version, the rest unreadable", frame("10", "0004'MQTT' 07 ff"), "MQTT-3.1.2-2"],
    ["CONNECT of another protocol", frame("10", "0004'mqtt' 05 02 0000 00 0001'c'"), "MQTT-3.1.2-1"],
    ["CONNECT of a protocol without name", frame("10", "0000 05 02 0000 00 0001'c'"), "MQTT-3.1.2-1"],
  ]),
  ...rows(5, "client", malformedPacket, [
    ["CONNECT of no bytes", frame("10", ""), "3.1.2.1"],
    ["CONNECT whose protocol name goes beyond the packet", frame("10", "0005'MQTT'"), "1.5.4"],
    [
      "CONNECT whose protocol name is ill-formed UTF-8",
      frame("10", "0004 ff'QTT' 05 02 0000 00 0000"),
      "MQTT-1.5.4-1",
    ],
    ["CONNECT without version", frame("10", "0004'MQTT'"), "3.1.2.2"],
    ["CONNECT without flags", frame("10", "0004'MQTT' 05"), "3.1.2.3"],
  ]),
]

const connect5Inputs: MalformedInput[] = [
  ...rows(5, "client", malformedPacket, [
    [
      "CONNECT with reserved flags in its first byte",
      frame("12", "0004'MQTT' 05 02 0000 00 0000"),
      "MQTT-2.1.3-1",
    ],
    ["CONNECT with its reserved flag", frame("10", "0004'MQTT' 05 03 0000 00 0000"), "MQTT-3.1.2-3"],
    ["CONNECT with a will QoS and no will", frame("10", "0004'MQTT' 05 0a 0000 00 0000"), "MQTT-3.1.2-11"],
    ["CONNECT with will QoS 3 and no will", frame("10", "0004'MQTT' 05 1a 0000 00 0000"), "MQTT-3.1.2-11"],
    [
      "CONNECT with will QoS 3",
      frame("10", "0004'MQTT' 05 1e 0000 00 0000 00 0001'w' 0000"),
      "MQTT-3.1.2-12",
    ],
    ["CONNECT with a will retain and no will", frame("10", "0004'MQTT' 05 22 0000 00 0000"), "MQTT-3.1.2-13"],
    ["CONNECT without properties", frame("10", "0004'MQTT' 05 02 0000"), "3.1.2.11.1"],
    ["CONNECT without client identifier", frame("10", "0004'MQTT' 05 02 0000 00"), "MQTT-3.1.3-3"],
    [
      "CONNECT without the user name it announces",
      frame("10", "0004'MQTT' 05 82 0000 00 0000"),
      "MQTT-3.1.2-17",
    ],
    [
      "CONNECT without the password it announces",
      frame("10", "0004'MQTT' 05 42 0000 00 0000"),
      "MQTT-3.1.2-19",
    ],
    ["CONNECT without the will it announces", frame("10", "0004'MQTT' 05 06 0000 00 0000"), "MQTT-3.1.2-9"],
    [
      "CONNECT whose will has no payload",
      frame("10", "0004'MQTT' 05 06 0000 00 0000 00 0001'w'"),
      "MQTT-3.1.2-9",
    ],
    ["CONNECT that goes on", frame("10", "0004'MQTT' 05 02 0000 00 0000 00"), "MQTT-3.1.4-1"],
    [
      "CONNECT with a user name that it does not announce",
      frame("10", "0004'MQTT' 05 02 0000 00 0000 0001'u'"),
      "MQTT-3.1.2-16",
    ],
    [
      "CONNECT with a password that it does not announce",
      frame("10", "0004'MQTT' 05 82 0000 00 0000 0001'u' 0001'p'"),
      "MQTT-3.1.2-18",
    ],
    [
      "CONNECT with U+0000 in its client identifier",
      frame("10", "0004'MQTT' 05 02 0000 00 0001 00"),
      "MQTT-1.5.4-2",
    ],
    [
      "CONNECT with U+0000 in its user name",
      frame("10", "0004'MQTT' 05 82 0000 00 0000 0001 00"),
      "MQTT-1.5.4-2",
    ],
    [
      "CONNECT with ill-formed UTF-8 as user name",
      frame("10", "0004'MQTT' 05 82 0000 00 0000 0001 80"),
      "MQTT-3.1.3-12",
    ],
    [
      "CONNECT with ill-formed UTF-8 as client identifier",
      frame("10", "0004'MQTT' 05 02 0000 00 0001 ff"),
      "MQTT-3.1.3-4",
    ],
    [
      "CONNECT with ill-formed UTF-8 as will topic",
      frame("10", "0004'MQTT' 05 06 0000 00 0000 00 0001 ff 0000"),
      "MQTT-3.1.3-11",
    ],
    ["CONNECT with a topic alias", connect5("23 0001"), "2.2.2.2"],
    ["CONNECT with a will delay outside of its will", connect5("18 00000001"), "2.2.2.2"],
    ["will with a session expiry interval", will5("11 00000001"), "2.2.2.2"],
    ["will with a topic alias", will5("23 0001"), "2.2.2.2"],
    ["CONNECT with an unknown property", connect5("7f 00"), "2.2.2.2"],
    ["CONNECT with property 0", connect5("00"), "2.2.2.2"],
    ["CONNECT with a property identifier padded to two bytes", connect5("a100 0001"), "MQTT-1.5.5-1"],
    ["CONNECT with half a session expiry interval", connect5("11 0000"), "2.2.2.2"],
    ["CONNECT with a property of which only the identifier is there", connect5("21"), "2.2.2.2"],
    ["CONNECT with a user property without value", connect5("26 0001'a'"), "2.2.2.2"],
    ["CONNECT with U+0000 in a user property", connect5("26 0001'a' 0001 00"), "MQTT-1.5.4-2"],
    ["CONNECT with ill-formed UTF-8 in a user property", connect5("26 0001 ff 0000"), "MQTT-1.5.7-1"],
    ["CONNECT with ill-formed UTF-8 as authentication method", connect5("15 0001 80"), "MQTT-1.5.4-1"],
    ["CONNECT whose properties go beyond it", frame("10", "0004'MQTT' 05 02 0000 7f 0000"), "2.2.2.1"],
    [
      "CONNECT whose property length cuts a property",
      frame("10", "0004'MQTT' 05 02 0000 02 21 0001 0000"),
      "2.2.2.1",
    ],
    [
      "CONNECT with a property length of five bytes",
      frame("10", "0004'MQTT' 05 02 0000 8080808001 0000"),
      "1.5.5",
    ],
    ["CONNECT with a padded remaining length", "10 8d00 0004'MQTT' 05 02 003c 00 0000", "MQTT-1.5.5-1"],
    ["CONNECT with a padded property length", frame("10", "0004'MQTT' 05 02 0000 8000 0000"), "MQTT-1.5.5-1"],
  ]),
  ...rows(5, "client", protocolError, [
    ["CONNECT with two session expiry intervals", connect5("11 00000001 11 00000001"), "3.1.2.11.2"],
    ["CONNECT with receive maximum 0", connect5("21 0000"), "3.1.2.11.3"],
    ["CONNECT with two receive maxima", connect5("21 0001 21 0001"), "3.1.2.11.3"],
    ["CONNECT with maximum packet size 0", connect5("27 00000000"), "3.1.2.11.4"],
    ["CONNECT with two maximum packet sizes", connect5("27 00000001 27 00000001"), "3.1.2.11.4"],
    ["CONNECT with two topic alias maxima", connect5("22 0000 22 0000"), "3.1.2.11.5"],
    ["CONNECT with request response information 2", connect5("19 02"), "3.1.2.11.6"],
    ["CONNECT with two request response informations", connect5("19 00 19 00"), "3.1.2.11.6"],
    ["CONNECT with request problem information 2", connect5("17 02"), "3.1.2.11.7"],
    ["CONNECT with two request problem informations", connect5("17 01 17 01"), "3.1.2.11.7"],
    ["CONNECT with two authentication methods", connect5("15 0001'm' 15 0001'm'"), "3.1.2.11.9"],
    ["CONNECT with authentication data alone", connect5("16 0001 00"), "3.1.2.11.10"],
    ["CONNECT with authentication data twice", connect5("15 0001'm' 16 0000 16 0000"), "3.1.2.11.10"],
    ["will with two delays", will5("18 00000001 18 00000001"), "3.1.3.2.2"],
    ["will with payload format indicator 2", will5("01 02"), "3.1.3.2.3"],
    ["will with two payload format indicators", will5("01 01 01 01"), "3.1.3.2.3"],
    ["will with two message expiry intervals", will5("02 00000001 02 00000001"), "3.1.3.2.4"],
    ["will with two content types", will5("03 0000 03 0000"), "3.1.3.2.5"],
    ["will with two response topics", will5("08 0001'r' 08 0001'r'"), "3.1.3.2.6"],
    ["will with correlation data twice", will5("09 0000 09 0000"), "3.1.3.2.7"],
  ]),
  ...rows(5, "client", topicNameInvalid, [
    [
      "CONNECT with a wildcard in its will topic",
      frame("10", "0004'MQTT' 05 06 0000 00 0000 00 0001'#' 0000"),
      "MQTT-4.7.0-1",
    ],
    [
      "CONNECT with an empty will topic",
      frame("10", "0004'MQTT' 05 06 0000 00 0000 00 0000 0000"),
      "MQTT-4.7.3-1",
    ],
    ["will with a wildcard in its response topic", will5("08 0001'+'"), "MQTT-3.3.2-14"],
  ]),
]

const publish5Inputs: MalformedInput[] = [
  ...rows(5, "either", malformedPacket, [
    ["PUBLISH without properties", frame("30", "0001'a'"), "MQTT-2.2.2-1"],
    ["PUBLISH whose properties go beyond it", frame("30", "0001'a' 05 01 01"), "2.2.2.1"],
    ["PUBLISH with a property length of five bytes", frame("30", "0001'a' 8080808001"), "1.5.5"],
    ["PUBLISH with a padded property length", frame("30", "0001'a' 8000"), "MQTT-1.5.5-1"],
    ["PUBLISH with a reason string", publish5("1f 0000"), "2.2.2.2"],
    ["PUBLISH with a will delay", publish5("18 00000001"), "2.2.2.2"],
    ["PUBLISH with an unknown property", publish5("04 00"), "2.2.2.2"],
    ["PUBLISH with property 0", publish5("00"), "2.2.2.2"],
    [
      "PUBLISH with a property of CONNECT that is no second one of another",
      publish5("02 00000001 22 0000"),
      "2.2.2.2",
    ],
    ["PUBLISH with a payload format indicator cut off", publish5("01"), "2.2.2.2"],
    ["PUBLISH with half a message expiry interval", publish5("02 0000"), "2.2.2.2"],
    ["PUBLISH with half a topic alias", publish5("23 00"), "2.2.2.2"],
    ["PUBLISH with a content type cut off", publish5("03 0005'a'"), "2.2.2.2"],
    ["PUBLISH with correlation data cut off", publish5("09 0002 00"), "2.2.2.2"],
    ["PUBLISH with a user property without value", publish5("26 0001'a'"), "2.2.2.2"],
    ["PUBLISH with ill-formed UTF-8 as content type", publish5("03 0001 ff"), "MQTT-3.3.2-19"],
    ["PUBLISH with ill-formed UTF-8 as response topic", publish5("08 0001 ff"), "MQTT-3.3.2-13"],
    ["PUBLISH with U+0000 in a user property", publish5("26 0001 00 0000"), "MQTT-1.5.4-2"],
  ]),
  ...rows(5, "either", protocolError, [
    ["PUBLISH with payload format indicator 2", publish5("01 02"), "3.3.2.3.2"],
    ["PUBLISH with two payload format indicators", publish5("01 00 01 00"), "3.3.2.3.2"],
    ["PUBLISH with two message expiry intervals", publish5("02 00000001 02 00000001"), "3.3.2.3.3"],
    ["PUBLISH with two topic aliases", publish5("23 0001 23 0001"), "3.3.2.3.4"],
    ["PUBLISH with two response topics", publish5("08 0001'r' 08 0001'r'"), "3.3.2.3.5"],
    ["PUBLISH with correlation data twice", publish5("09 0000 09 0000"), "3.3.2.3.6"],
    ["PUBLISH with subscription identifier 0", publish5("0b 00"), "3.3.2.3.8"],
    ["PUBLISH with two content types", publish5("03 0000 03 0000"), "3.3.2.3.9"],
  ]),
  ...rows(5, "either", topicAliasInvalid, [
    ["PUBLISH with topic alias 0", publish5("23 0000"), "MQTT-3.3.2-8"],
  ]),
  ...rows(5, "either", topicNameInvalid, [
    ["PUBLISH with a wildcard in its response topic", publish5("08 0003'r/#'"), "MQTT-3.3.2-14"],
  ]),
]

/** The four acknowledgements of MQTT 5.0 fail in the same ways. */
const acknowledgement5Inputs: MalformedInput[] = (
  [
    ["PUBACK", "40", "92", "MQTT-3.4.2-1"],
    ["PUBREC", "50", "92", "MQTT-3.5.2-1"],
    ["PUBREL", "62", "10", "MQTT-3.6.2-1"],
    ["PUBCOMP", "70", "80", "MQTT-3.7.2-1"],
  ] as const
).flatMap(([name, first, foreignCode, statement]) => [
  ...rows(5, "either", protocolError, [
    [`${name} with a reason code of another packet`, frame(first, `0001 ${foreignCode}`), statement],
    [`${name} with a reason code that does not exist`, frame(first, "0001 7f 00"), statement],
    [`${name} with two reason strings`, frame(first, "0001 00 06 1f 0000 1f 0000"), "2.2.2.2"],
  ]),
  ...rows(5, "either", malformedPacket, [
    [`${name} with a property of another packet`, frame(first, "0001 00 03 23 0001"), "2.2.2.2"],
    [`${name} whose properties go beyond it`, frame(first, "0001 00 04 1f 0000"), "2.2.2.1"],
    [`${name} that goes on`, frame(first, "0001 00 00 00"), "3.4.3"],
  ]),
])

const subscribe5Inputs: MalformedInput[] = [
  ...rows(5, "client", malformedPacket, [
    ["SUBSCRIBE with DUP", frame("8a", "0001 00 0001'a' 00"), "MQTT-3.8.1-1"],
    ["PUBREL with DUP", frame("6a", "0001"), "MQTT-3.6.1-1"],
    ["SUBSCRIBE with bit 6 of its options", frame("82", "0001 00 0001'a' 40"), "MQTT-3.8.3-5"],
    ["SUBSCRIBE with bit 7 of its options", frame("82", "0001 00 0001'a' 80"), "MQTT-3.8.3-5"],
    ["SUBSCRIBE without properties", frame("82", "0001"), "3.8.2.1.1"],
    ["SUBSCRIBE with a property of another packet", subscribe5("11 00000001"), "2.2.2.2"],
    ["SUBSCRIBE with a subscription identifier of five bytes", subscribe5("0b 8080808001"), "1.5.5"],
    ["SUBSCRIBE with a padded subscription identifier", subscribe5("0b 8100"), "MQTT-1.5.5-1"],
    ["UNSUBSCRIBE with a subscription identifier", frame("a2", "0001 02 0b01 0001'a'"), "2.2.2.2"],
    ["UNSUBSCRIBE without properties", frame("a2", "0001"), "3.10.2.1.1"],
  ]),
  ...rows(5, "client", protocolError, [
    ["SUBSCRIBE at QoS 3", frame("82", "0001 00 0001'a' 03"), "3.8.3.1"],
    ["SUBSCRIBE with retain handling 3", frame("82", "0001 00 0001'a' 30"), "3.8.3.1"],
    [
      "SUBSCRIBE with no local on a shared subscription",
      frame("82", "0001 00 000a'$share/g/a' 04"),
      "MQTT-3.8.3-4",
    ],
    ["SUBSCRIBE with subscription identifier 0", subscribe5("0b 00"), "3.8.2.1.2"],
    ["SUBSCRIBE with two subscription identifiers", subscribe5("0b 01 0b 02"), "3.8.2.1.2"],
  ]),
]

const farewell5Inputs: MalformedInput[] = [
  ...rows(5, "either", malformedPacket, [
    ["DISCONNECT with a property of another packet", frame("e0", "00 03 23 0001"), "2.2.2.2"],
    ["DISCONNECT whose properties go beyond it", frame("e0", "00 05"), "2.2.2.1"],
    ["DISCONNECT that goes on", frame("e0", "00 00 00"), "3.14.3"],
    ["AUTH with reserved flags", "f1 00", "MQTT-3.15.1-1"],
    ["AUTH with a reason code alone", frame("f0", "18"), "3.15.2.1"],
    ["AUTH with a property of another packet", frame("f0", "18 07 15 0001'm' 23 0001"), "2.2.2.2"],
    ["AUTH that goes on", frame("f0", "18 04 15 0001'm' 00"), "3.15.3"],
  ]),
  ...rows(5, "either", protocolError, [
    ["DISCONNECT with a reason code of another packet", frame("e0", "91"), "MQTT-3.14.2-1"],
    ["DISCONNECT with a reason code that does not exist", frame("e0", "01 00"), "MQTT-3.14.2-1"],
    [
      "DISCONNECT with two session expiry intervals",
      frame("e0", "00 0a 11 00000001 11 00000001"),
      "3.14.2.2.2",
    ],
    ["DISCONNECT with two reason strings", frame("e0", "00 06 1f 0000 1f 0000"), "3.14.2.2.3"],
    ["AUTH with a reason code of another packet", frame("f0", "80 04 15 0001'm'"), "MQTT-3.15.2-1"],
    ["AUTH without authentication method", frame("f0", "18 00"), "3.15.2.2.2"],
    ["AUTH with authentication data alone", frame("f0", "18 03 16 0000"), "3.15.2.2.3"],
    ["AUTH with two authentication methods", frame("f0", "18 08 15 0001'm' 15 0001'm'"), "3.15.2.2.2"],
    ["AUTH with authentication data twice", frame("f0", "18 0a 15 0001'm' 16 0000 16 0000"), "3.15.2.2.3"],
  ]),
]

const server5Inputs: MalformedInput[] = [
  ...rows(5, "server", malformedPacket, [
    ["CONNACK with reserved acknowledge flags", frame("20", "02 00 00"), "MQTT-3.2.2-1"],
    ["CONNACK without properties", frame("20", "00 00"), "3.2.2.3.1"],
    ["CONNACK with a property of another packet", frame("20", "00 00 03 23 0001"), "2.2.2.2"],
    ["CONNACK that goes on", frame("20", "00 00 00 00"), "3.2.3"],
    ["SUBACK with a property of another packet", frame("90", "0001 02 0b01 00"), "2.2.2.2"],
    ["UNSUBACK with a property of another packet", frame("b0", "0001 02 0b01 00"), "2.2.2.2"],
  ]),
  ...rows(5, "server", protocolError, [
    ["CONNACK with a reason code of another packet", frame("20", "00 8e 00"), "MQTT-3.2.2-8"],
    ["CONNACK that refuses and yet has a session", frame("20", "01 87 00"), "MQTT-3.2.2-6"],
    ["CONNACK with maximum QoS 2", frame("20", "00 00 02 24 02"), "3.2.2.3.4"],
    ["CONNACK with retain available 2", frame("20", "00 00 02 25 02"), "3.2.2.3.5"],
    ["CONNACK with wildcard subscription available 2", frame("20", "00 00 02 28 02"), "3.2.2.3.11"],
    ["CONNACK with subscription identifiers available 2", frame("20", "00 00 02 29 02"), "3.2.2.3.12"],
    ["CONNACK with shared subscription available 2", frame("20", "00 00 02 2a 02"), "3.2.2.3.13"],
    ["CONNACK with receive maximum 0", frame("20", "00 00 03 21 0000"), "3.2.2.3.3"],
    ["CONNACK with maximum packet size 0", frame("20", "00 00 05 27 00000000"), "3.2.2.3.6"],
    ["CONNACK with two server keep alives", frame("20", "00 00 06 13 0001 13 0001"), "3.2.2.3.14"],
    ["SUBACK with a reason code of another packet", frame("90", "0001 00 11"), "MQTT-3.9.3-2"],
    ["UNSUBACK with a reason code of another packet", frame("b0", "0001 00 01"), "MQTT-3.11.3-2"],
    ["UNSUBACK without reason codes", frame("b0", "0001 00"), "3.11.3"],
  ]),
]

/** Whatever one packet alone can have wrong, by version. */
export const malformedInputs: readonly MalformedInput[] = [
  ...common(3),
  ...common(4),
  ...common(5),
  ...before5(3),
  ...before5(4),
  ...only311,
  ...unknownProtocols,
  ...connect5Inputs,
  ...publish5Inputs,
  ...acknowledgement5Inputs,
  ...subscribe5Inputs,
  ...farewell5Inputs,
  ...server5Inputs,
]
