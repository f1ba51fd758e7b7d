import { type Packet, type PacketId, parsePacketId, type ProtocolVersion } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { bytesOf } from "./wire-notation.ts"

/** A packet and the bytes that say it. */
export interface Example {
  readonly name: string
  readonly version: ProtocolVersion
  readonly packet: Packet
  /** In the notation of wire-notation.ts. */
  readonly bytes: string
  /** Legal, but not how we write it: there is a shorter form. */
  readonly longForm?: true
}

export function packetId(number: number): PacketId {
  const id = parsePacketId(number)
  if (id === undefined) throw new Error(`${number} is no packet identifier`)
  return id
}

const bytes = bytesOf
const userProperties = [
  ["a", "1"],
  ["a", "2"],
] as const
const userPropertiesWritten = "26 0001'a' 0001'1' 26 0001'a' 0001'2'"

const plainConnect = {
  type: "connect",
  bridge: false,
  cleanStart: true,
  keepAliveSeconds: 60,
  clientId: "c",
  username: undefined,
  password: undefined,
  will: undefined,
  properties: {},
} as const

const connects: Example[] = [
  {
    name: "CONNECT of MQTT 3.1",
    version: 3,
    packet: { ...plainConnect, version: 3 },
    bytes: "10 0f 0006'MQIsdp' 03 02 003c 0001'c'",
  },
  {
    name: "CONNECT of a bridge that speaks MQTT 3.1",
    version: 3,
    packet: { ...plainConnect, version: 3, bridge: true, cleanStart: false },
    bytes: "10 0f 0006'MQIsdp' 83 00 003c 0001'c'",
  },
  {
    name: "CONNECT of MQTT 3.1.1 with all it may carry",
    version: 4,
    packet: {
      ...plainConnect,
      version: 4,
      cleanStart: false,
      keepAliveSeconds: 65_535,
      username: "u",
      password: bytes("00ff"),
      will: { topic: "w/t", payload: bytes("01"), qos: 2, retain: true, properties: {} },
    },
    bytes: "10 1c 0004'MQTT' 04 f4 ffff 0001'c' 0003'w/t' 0001 01 0001'u' 0002 00ff",
  },
  {
    name: "CONNECT of a bridge that speaks MQTT 3.1.1",
    version: 4,
    packet: { ...plainConnect, version: 4, bridge: true },
    bytes: "10 0d 0004'MQTT' 84 02 003c 0001'c'",
  },
  {
    name: "CONNECT of MQTT 5.0 with an empty client identifier",
    version: 5,
    packet: { ...plainConnect, version: 5, clientId: "" },
    bytes: "10 0d 0004'MQTT' 05 02 003c 00 0000",
  },
  {
    name: "CONNECT of MQTT 5.0 with a password and no user name",
    version: 5,
    packet: { ...plainConnect, version: 5, password: bytes("'p'") },
    bytes: "10 11 0004'MQTT' 05 42 003c 00 0001'c' 0001'p'",
  },
  {
    name: "CONNECT of MQTT 5.0 with each property and a will with each of its own",
    version: 5,
    packet: {
      ...plainConnect,
      version: 5,
      username: "ü",
      password: bytes(""),
      will: {
        topic: "w",
        payload: bytes("'bye'"),
        qos: 1,
        retain: false,
        properties: {
          willDelayInterval: 5,
          payloadFormatIndicator: 1,
          messageExpiryInterval: 10,
          contentType: "t",
          responseTopic: "r",
          correlationData: bytes("0102"),
          userProperties,
        },
      },
      properties: {
        sessionExpiryInterval: 0xffff_ffff,
        receiveMaximum: 20,
        maximumPacketSize: 0x1_0000,
        topicAliasMaximum: 8,
        requestResponseInformation: true,
        requestProblemInformation: false,
        userProperties,
        authenticationMethod: "m",
        authenticationData: bytes("ff"),
      },
    },
    bytes:
      "10 6e 0004'MQTT' 05 ce 003c" +
      `2a 11 ffffffff 21 0014 27 00010000 22 0008 19 01 17 00 ${userPropertiesWritten} 15 0001'm' 16 0001 ff` +
      "0001'c'" +
      `27 18 00000005 01 01 02 0000000a 03 0001't' 08 0001'r' 09 0002 0102 ${userPropertiesWritten}` +
      "0001'w' 0003'bye' 0002'ü' 0000",
  },
]

const connacks: Example[] = [
  {
    name: "CONNACK of MQTT 3.1",
    version: 3,
    packet: { type: "connack", sessionPresent: false, reasonCode: ReasonCode.success, properties: {} },
    bytes: "20 02 00 00",
  },
  {
    name: "CONNACK of MQTT 3.1.1 with a session",
    version: 4,
    packet: { type: "connack", sessionPresent: true, reasonCode: ReasonCode.success, properties: {} },
    bytes: "20 02 01 00",
  },
  {
    name: "CONNACK of MQTT 3.1.1 that refuses",
    version: 4,
    packet: { type: "connack", sessionPresent: false, reasonCode: ReasonCode.notAuthorized, properties: {} },
    bytes: "20 02 00 05",
  },
  {
    name: "CONNACK of MQTT 5.0 with no properties",
    version: 5,
    packet: { type: "connack", sessionPresent: false, reasonCode: ReasonCode.banned, properties: {} },
    bytes: "20 03 00 8a 00",
  },
  {
    name: "CONNACK of MQTT 5.0 with each property",
    version: 5,
    packet: {
      type: "connack",
      sessionPresent: true,
      reasonCode: ReasonCode.success,
      properties: {
        sessionExpiryInterval: 1,
        receiveMaximum: 0xffff,
        maximumQos: 1,
        retainAvailable: false,
        maximumPacketSize: 0xffff_ffff,
        assignedClientIdentifier: "id",
        topicAliasMaximum: 0,
        reasonString: "why",
        userProperties,
        wildcardSubscriptionAvailable: true,
        subscriptionIdentifiersAvailable: false,
        sharedSubscriptionAvailable: true,
        serverKeepAlive: 30,
        responseInformation: "i",
        serverReference: "s",
        authenticationMethod: "m",
        authenticationData: bytes(""),
      },
    },
    bytes:
      "20 48 01 00 45" +
      "11 00000001 21 ffff 24 01 25 00 27 ffffffff 12 0002'id' 22 0000 1f 0003'why'" +
      `${userPropertiesWritten} 28 01 29 00 2a 01 13 001e 1a 0001'i' 1c 0001's' 15 0001'm' 16 0000`,
  },
]

const publishes: Example[] = [
  {
    name: "PUBLISH at QoS 0",
    version: 4,
    packet: {
      type: "publish",
      qos: 0,
      dup: false,
      retain: false,
      topic: "a/b",
      packetId: undefined,
      payload: bytes("'hi'"),
      properties: {},
    },
    bytes: "30 07 0003'a/b' 'hi'",
  },
  {
    name: "PUBLISH of MQTT 3.1 at QoS 2 with DUP and RETAIN and no payload",
    version: 3,
    packet: {
      type: "publish",
      qos: 2,
      dup: true,
      retain: true,
      topic: "a",
      packetId: packetId(0xffff),
      payload: bytes(""),
      properties: {},
    },
    bytes: "3d 05 0001'a' ffff",
  },
  {
    name: "PUBLISH of MQTT 5.0 with each property",
    version: 5,
    packet: {
      type: "publish",
      qos: 1,
      dup: false,
      retain: true,
      topic: "a",
      packetId: packetId(10),
      payload: bytes("'é'"),
      properties: {
        payloadFormatIndicator: 1,
        messageExpiryInterval: 0,
        topicAlias: 3,
        responseTopic: "r/é",
        correlationData: bytes("00"),
        userProperties,
        subscriptionIdentifiers: [1, 268_435_455],
        contentType: "text/plain",
      },
    },
    bytes:
      "33 3f 0001'a' 000a 37 01 01 02 00000000 23 0003 08 0004'r/é' 09 0001 00" +
      `${userPropertiesWritten} 0b 01 0b ffffff7f 03 000a'text/plain' 'é'`,
  },
  {
    name: "PUBLISH of MQTT 5.0 whose topic alias stands for the topic",
    version: 5,
    packet: {
      type: "publish",
      qos: 0,
      dup: false,
      retain: false,
      topic: "",
      packetId: undefined,
      payload: bytes("'x'"),
      properties: { topicAlias: 0xffff },
    },
    bytes: "30 07 0000 03 23 ffff 'x'",
  },
  {
    name: "PUBLISH whose topic begins with U+FEFF, which is no byte order mark [MQTT-1.5.4-3]",
    version: 4,
    packet: {
      type: "publish",
      qos: 0,
      dup: false,
      retain: false,
      topic: "\ufeffa",
      packetId: undefined,
      payload: bytes(""),
      properties: {},
    },
    bytes: "30 06 0004 efbbbf 'a'",
  },
]

function acknowledgements(
  type: "puback" | "pubrec" | "pubrel" | "pubcomp",
  first: string,
  refusal: ReasonCode,
): Example[] {
  const name = type.toUpperCase()
  const of = (reasonCode: ReasonCode, properties = {}): Packet => {
    return { type, packetId: packetId(0x1234), reasonCode, properties }
  }
  const refused = refusal.toString(16)
  return [
    { name: `${name} of MQTT 3.1`, version: 3, packet: of(ReasonCode.success), bytes: `${first} 02 1234` },
    { name: `${name} of MQTT 3.1.1`, version: 4, packet: of(ReasonCode.success), bytes: `${first} 02 1234` },
    { name: `${name} of MQTT 5.0`, version: 5, packet: of(ReasonCode.success), bytes: `${first} 02 1234` },
    {
      name: `${name} with a reason code alone`,
      version: 5,
      packet: of(refusal),
      bytes: `${first} 03 1234 ${refused}`,
    },
    {
      name: `${name} with each property`,
      version: 5,
      packet: of(refusal, { reasonString: "no", userProperties }),
      bytes: `${first} 17 1234 ${refused} 13 1f 0002'no' ${userPropertiesWritten}`,
    },
    {
      name: `${name} with a success that need not be said`,
      version: 5,
      packet: of(ReasonCode.success),
      bytes: `${first} 04 1234 00 00`,
      longForm: true,
    },
  ]
}

const subscriptions: Example[] = [
  {
    name: "SUBSCRIBE of MQTT 3.1.1",
    version: 4,
    packet: {
      type: "subscribe",
      packetId: packetId(1),
      requests: [
        { filter: "a/#", qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 },
        { filter: "+", qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 },
      ],
      properties: {},
    },
    bytes: "82 0c 0001 0003'a/#' 00 0001'+' 02",
  },
  {
    name: "SUBSCRIBE of MQTT 3.1 that is sent again, with DUP [3.1: 2.1]",
    version: 3,
    packet: {
      type: "subscribe",
      packetId: packetId(1),
      requests: [{ filter: "a", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
      properties: {},
    },
    bytes: "8a 06 0001 0001'a' 01",
    longForm: true,
  },
  {
    name: "SUBSCRIBE of MQTT 5.0 with each option and property",
    version: 5,
    packet: {
      type: "subscribe",
      packetId: packetId(0xfffe),
      requests: [
        { filter: "a", qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 },
        { filter: "$share/g/b", qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 1 },
      ],
      properties: { subscriptionIdentifiers: [128], userProperties },
    },
    bytes: `82 25 fffe 11 0b 8001 ${userPropertiesWritten} 0001'a' 2d 000a'$share/g/b' 12`,
  },
  {
    name: "SUBACK of MQTT 3.1",
    version: 3,
    packet: { type: "suback", packetId: packetId(1), reasonCodes: [ReasonCode.grantedQos1], properties: {} },
    bytes: "90 03 0001 01",
  },
  {
    name: "SUBACK of MQTT 3.1.1 with each return code",
    version: 4,
    packet: {
      type: "suback",
      packetId: packetId(1),
      reasonCodes: [
        ReasonCode.grantedQos0,
        ReasonCode.grantedQos1,
        ReasonCode.grantedQos2,
        ReasonCode.unspecifiedError,
      ],
      properties: {},
    },
    bytes: "90 06 0001 00 01 02 80",
  },
  {
    name: "SUBACK of MQTT 5.0 with each property",
    version: 5,
    packet: {
      type: "suback",
      packetId: packetId(1),
      reasonCodes: [ReasonCode.topicFilterInvalid, ReasonCode.grantedQos2],
      properties: { reasonString: "", userProperties },
    },
    bytes: `90 16 0001 11 1f 0000 ${userPropertiesWritten} 8f 02`,
  },
  {
    name: "UNSUBSCRIBE of MQTT 3.1",
    version: 3,
    packet: { type: "unsubscribe", packetId: packetId(2), filters: ["a"], properties: {} },
    bytes: "a2 05 0002 0001'a'",
  },
  {
    name: "UNSUBSCRIBE of MQTT 3.1.1",
    version: 4,
    packet: { type: "unsubscribe", packetId: packetId(2), filters: ["a", "+/b"], properties: {} },
    bytes: "a2 0a 0002 0001'a' 0003'+/b'",
  },
  {
    name: "UNSUBSCRIBE of MQTT 5.0 with each property",
    version: 5,
    packet: { type: "unsubscribe", packetId: packetId(2), filters: ["a"], properties: { userProperties } },
    bytes: `a2 14 0002 0e ${userPropertiesWritten} 0001'a'`,
  },
  {
    name: "UNSUBACK of MQTT 3.1",
    version: 3,
    packet: { type: "unsuback", packetId: packetId(2), reasonCodes: [], properties: {} },
    bytes: "b0 02 0002",
  },
  {
    name: "UNSUBACK of MQTT 3.1.1",
    version: 4,
    packet: { type: "unsuback", packetId: packetId(2), reasonCodes: [], properties: {} },
    bytes: "b0 02 0002",
  },
  {
    name: "UNSUBACK of MQTT 5.0 with each property",
    version: 5,
    packet: {
      type: "unsuback",
      packetId: packetId(2),
      reasonCodes: [ReasonCode.success, ReasonCode.noSubscriptionExisted],
      properties: { reasonString: "ok", userProperties },
    },
    bytes: `b0 18 0002 13 1f 0002'ok' ${userPropertiesWritten} 00 11`,
  },
]

const farewells: Example[] = [
  ...([3, 4, 5] as const).flatMap((version): Example[] => [
    { name: `PINGREQ in version ${version}`, version, packet: { type: "pingreq" }, bytes: "c0 00" },
    { name: `PINGRESP in version ${version}`, version, packet: { type: "pingresp" }, bytes: "d0 00" },
    {
      name: `DISCONNECT in version ${version}`,
      version,
      packet: { type: "disconnect", reasonCode: ReasonCode.normalDisconnection, properties: {} },
      bytes: "e0 00",
    },
  ]),
  {
    name: "DISCONNECT with a reason code alone",
    version: 5,
    packet: { type: "disconnect", reasonCode: ReasonCode.disconnectWithWill, properties: {} },
    bytes: "e0 01 04",
  },
  {
    name: "DISCONNECT with each property",
    version: 5,
    packet: {
      type: "disconnect",
      reasonCode: ReasonCode.serverMoved,
      properties: { sessionExpiryInterval: 7, reasonString: "bye", userProperties, serverReference: "s" },
    },
    bytes: `e0 1f 9d 1d 11 00000007 1f 0003'bye' ${userPropertiesWritten} 1c 0001's'`,
  },
  {
    name: "DISCONNECT with a reason code and no properties, said at length",
    version: 5,
    packet: { type: "disconnect", reasonCode: ReasonCode.disconnectWithWill, properties: {} },
    bytes: "e0 02 04 00",
    longForm: true,
  },
  {
    name: "AUTH with nothing in it",
    version: 5,
    packet: { type: "auth", reasonCode: ReasonCode.success, properties: {} },
    bytes: "f0 00",
  },
  {
    name: "AUTH with each property",
    version: 5,
    packet: {
      type: "auth",
      reasonCode: ReasonCode.continueAuthentication,
      properties: {
        authenticationMethod: "m",
        authenticationData: bytes("ff"),
        reasonString: "r",
        userProperties,
      },
    },
    bytes: `f0 1c 18 1a 15 0001'm' 16 0001 ff 1f 0001'r' ${userPropertiesWritten}`,
  },
]

/** Each packet in each version that has it, and each property in each packet that may carry it. */
export const examples: readonly Example[] = [
  ...connects,
  ...connacks,
  ...publishes,
  ...acknowledgements("puback", "40", ReasonCode.quotaExceeded),
  ...acknowledgements("pubrec", "50", ReasonCode.notAuthorized),
  ...acknowledgements("pubrel", "62", ReasonCode.packetIdentifierNotFound),
  ...acknowledgements("pubcomp", "70", ReasonCode.packetIdentifierNotFound),
  ...subscriptions,
  ...farewells,
]
