/** A name and a value that mean something to the applications; order and repetition are kept [3.3.2.3.7]. */
export type UserProperty = readonly [name: string, value: string]

/** The properties of MQTT 5.0 by name [2.2.2.2]; intervals in seconds, sizes in bytes. */
export interface Properties {
  readonly payloadFormatIndicator?: number
  readonly messageExpiryInterval?: number
  readonly contentType?: string
  readonly responseTopic?: string
  readonly correlationData?: Uint8Array
  readonly subscriptionIdentifiers?: readonly number[]
  readonly sessionExpiryInterval?: number
  readonly assignedClientIdentifier?: string
  readonly serverKeepAlive?: number
  readonly authenticationMethod?: string
  readonly authenticationData?: Uint8Array
  readonly requestProblemInformation?: boolean
  readonly willDelayInterval?: number
  readonly requestResponseInformation?: boolean
  readonly responseInformation?: string
  readonly serverReference?: string
  readonly reasonString?: string
  readonly receiveMaximum?: number
  readonly topicAliasMaximum?: number
  readonly topicAlias?: number
  readonly maximumQos?: number
  readonly retainAvailable?: boolean
  readonly userProperties?: readonly UserProperty[]
  readonly maximumPacketSize?: number
  readonly wildcardSubscriptionAvailable?: boolean
  readonly subscriptionIdentifiersAvailable?: boolean
  readonly sharedSubscriptionAvailable?: boolean
}

export type PropertyName = keyof Properties

/** How a property looks on the wire [2.2.2.2]. */
export type PropertyForm = "byte" | "boolean" | "two" | "four" | "variable" | "text" | "binary" | "pair"

/** Identifier and form of each property; the table of [2.2.2.2]. */
export const propertyTable = {
  payloadFormatIndicator: { identifier: 0x01, form: "byte" },
  messageExpiryInterval: { identifier: 0x02, form: "four" },
  contentType: { identifier: 0x03, form: "text" },
  responseTopic: { identifier: 0x08, form: "text" },
  correlationData: { identifier: 0x09, form: "binary" },
  subscriptionIdentifiers: { identifier: 0x0b, form: "variable" },
  sessionExpiryInterval: { identifier: 0x11, form: "four" },
  assignedClientIdentifier: { identifier: 0x12, form: "text" },
  serverKeepAlive: { identifier: 0x13, form: "two" },
  authenticationMethod: { identifier: 0x15, form: "text" },
  authenticationData: { identifier: 0x16, form: "binary" },
  requestProblemInformation: { identifier: 0x17, form: "boolean" },
  willDelayInterval: { identifier: 0x18, form: "four" },
  requestResponseInformation: { identifier: 0x19, form: "boolean" },
  responseInformation: { identifier: 0x1a, form: "text" },
  serverReference: { identifier: 0x1c, form: "text" },
  reasonString: { identifier: 0x1f, form: "text" },
  receiveMaximum: { identifier: 0x21, form: "two" },
  topicAliasMaximum: { identifier: 0x22, form: "two" },
  topicAlias: { identifier: 0x23, form: "two" },
  maximumQos: { identifier: 0x24, form: "byte" },
  retainAvailable: { identifier: 0x25, form: "boolean" },
  userProperties: { identifier: 0x26, form: "pair" },
  maximumPacketSize: { identifier: 0x27, form: "four" },
  wildcardSubscriptionAvailable: { identifier: 0x28, form: "boolean" },
  subscriptionIdentifiersAvailable: { identifier: 0x29, form: "boolean" },
  sharedSubscriptionAvailable: { identifier: 0x2a, form: "boolean" },
} as const satisfies Record<PropertyName, { identifier: number; form: PropertyForm }>

const acknowledgement = ["reasonString", "userProperties"] as const

/** Which properties each packet may carry: the last column of [2.2.2.2]. */
export const propertiesOfPacket = {
  connect: [
    "sessionExpiryInterval",
    "receiveMaximum",
    "maximumPacketSize",
    "topicAliasMaximum",
    "requestResponseInformation",
    "requestProblemInformation",
    "userProperties",
    "authenticationMethod",
    "authenticationData",
  ],
  will: [
    "willDelayInterval",
    "payloadFormatIndicator",
    "messageExpiryInterval",
    "contentType",
    "responseTopic",
    "correlationData",
    "userProperties",
  ],
  connack: [
    "sessionExpiryInterval",
    "receiveMaximum",
    "maximumQos",
    "retainAvailable",
    "maximumPacketSize",
    "assignedClientIdentifier",
    "topicAliasMaximum",
    "reasonString",
    "userProperties",
    "wildcardSubscriptionAvailable",
    "subscriptionIdentifiersAvailable",
    "sharedSubscriptionAvailable",
    "serverKeepAlive",
    "responseInformation",
    "serverReference",
    "authenticationMethod",
    "authenticationData",
  ],
  publish: [
    "payloadFormatIndicator",
    "messageExpiryInterval",
    "topicAlias",
    "responseTopic",
    "correlationData",
    "userProperties",
    "subscriptionIdentifiers",
    "contentType",
  ],
  puback: acknowledgement,
  pubrec: acknowledgement,
  pubrel: acknowledgement,
  pubcomp: acknowledgement,
  subscribe: ["subscriptionIdentifiers", "userProperties"],
  suback: acknowledgement,
  unsubscribe: ["userProperties"],
  unsuback: acknowledgement,
  disconnect: ["sessionExpiryInterval", "reasonString", "userProperties", "serverReference"],
  auth: ["authenticationMethod", "authenticationData", "reasonString", "userProperties"],
} as const satisfies Record<string, readonly PropertyName[]>

/** What carries properties: each packet but PINGREQ and PINGRESP, and the will inside a CONNECT. */
export type PropertyBearer = keyof typeof propertiesOfPacket

/** The properties that one kind of packet may carry. */
export type PropertiesOf<Bearer extends PropertyBearer> = Pick<
  Properties,
  (typeof propertiesOfPacket)[Bearer][number]
>

export const noProperties: Record<never, never> = Object.freeze({})
