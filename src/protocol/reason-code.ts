import type { Brand } from "../foundation/brand.ts"

/** One byte that says how an operation went: below 0x80 it worked [2.4]. */
export type ReasonCode = Brand<number, "ReasonCode">

const code = (value: number): ReasonCode => value as ReasonCode

/** Every reason code of MQTT 5.0, by its name in the table of [2.4]. Several names may share a value. */
export const ReasonCode = {
  success: code(0x00),
  normalDisconnection: code(0x00),
  grantedQos0: code(0x00),
  grantedQos1: code(0x01),
  grantedQos2: code(0x02),
  disconnectWithWill: code(0x04),
  noMatchingSubscribers: code(0x10),
  noSubscriptionExisted: code(0x11),
  continueAuthentication: code(0x18),
  reAuthenticate: code(0x19),
  unspecifiedError: code(0x80),
  malformedPacket: code(0x81),
  protocolError: code(0x82),
  implementationSpecificError: code(0x83),
  unsupportedProtocolVersion: code(0x84),
  clientIdentifierNotValid: code(0x85),
  badUserNameOrPassword: code(0x86),
  notAuthorized: code(0x87),
  serverUnavailable: code(0x88),
  serverBusy: code(0x89),
  banned: code(0x8a),
  serverShuttingDown: code(0x8b),
  badAuthenticationMethod: code(0x8c),
  keepAliveTimeout: code(0x8d),
  sessionTakenOver: code(0x8e),
  topicFilterInvalid: code(0x8f),
  topicNameInvalid: code(0x90),
  packetIdentifierInUse: code(0x91),
  packetIdentifierNotFound: code(0x92),
  receiveMaximumExceeded: code(0x93),
  topicAliasInvalid: code(0x94),
  packetTooLarge: code(0x95),
  messageRateTooHigh: code(0x96),
  quotaExceeded: code(0x97),
  administrativeAction: code(0x98),
  payloadFormatInvalid: code(0x99),
  retainNotSupported: code(0x9a),
  qosNotSupported: code(0x9b),
  useAnotherServer: code(0x9c),
  serverMoved: code(0x9d),
  sharedSubscriptionsNotSupported: code(0x9e),
  connectionRateExceeded: code(0x9f),
  maximumConnectTime: code(0xa0),
  subscriptionIdentifiersNotSupported: code(0xa1),
  wildcardSubscriptionsNotSupported: code(0xa2),
} as const

export function isError(reasonCode: ReasonCode): boolean {
  return reasonCode >= 0x80
}

const names = new Map<number, string>(
  Object.entries(ReasonCode).map(([name, value]) => [
    value,
    name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
  ]),
)
names.set(0, "success")

/** The name of a reason code in plain words, for a log line or a person. */
export function describeReasonCode(reasonCode: number): string {
  return names.get(reasonCode) ?? `reason code 0x${reasonCode.toString(16).padStart(2, "0")}`
}

/** A reason code as it came over the wire. Which codes a packet may carry is its decoder's business. */
export function reasonCodeOf(byte: number): ReasonCode {
  return byte as ReasonCode
}

/** What a CONNACK of MQTT 3.1 and 3.1.1 says in place of a version 5 reason code [3.1.1: 3.2.2.3]. */
export function connectReturnCode(reasonCode: ReasonCode): number {
  switch (reasonCode) {
    case ReasonCode.success:
      return 0
    case ReasonCode.unsupportedProtocolVersion:
      return 1
    case ReasonCode.clientIdentifierNotValid:
      return 2
    case ReasonCode.badUserNameOrPassword:
    case ReasonCode.badAuthenticationMethod:
      return 4
    case ReasonCode.notAuthorized:
    case ReasonCode.banned:
      return 5
    default:
      return 3
  }
}

/** What a SUBACK of MQTT 3.1.1 says: the granted QoS, or 0x80 for any refusal [3.1.1: 3.9.3]. */
export function subscribeReturnCode(reasonCode: ReasonCode): number {
  return isError(reasonCode) ? 0x80 : reasonCode
}
