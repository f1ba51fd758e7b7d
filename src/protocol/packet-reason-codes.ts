import type { PacketType } from "./packet.ts"
import { protocolError } from "./protocol-error.ts"
import { ReasonCode, reasonCodeOf } from "./reason-code.ts"

const received = [
  ReasonCode.success,
  ReasonCode.noMatchingSubscribers,
  ReasonCode.unspecifiedError,
  ReasonCode.implementationSpecificError,
  ReasonCode.notAuthorized,
  ReasonCode.topicNameInvalid,
  ReasonCode.packetIdentifierInUse,
  ReasonCode.quotaExceeded,
  ReasonCode.payloadFormatInvalid,
]

const released = [ReasonCode.success, ReasonCode.packetIdentifierNotFound]

/** The reason codes that each packet of MQTT 5.0 may carry: the tables of chapter 3, and that of [2.4]. */
export const reasonCodesOfPacket = {
  connack: [
    ReasonCode.success,
    ReasonCode.unspecifiedError,
    ReasonCode.malformedPacket,
    ReasonCode.protocolError,
    ReasonCode.implementationSpecificError,
    ReasonCode.unsupportedProtocolVersion,
    ReasonCode.clientIdentifierNotValid,
    ReasonCode.badUserNameOrPassword,
    ReasonCode.notAuthorized,
    ReasonCode.serverUnavailable,
    ReasonCode.serverBusy,
    ReasonCode.banned,
    ReasonCode.badAuthenticationMethod,
    ReasonCode.topicNameInvalid,
    ReasonCode.packetTooLarge,
    ReasonCode.quotaExceeded,
    ReasonCode.payloadFormatInvalid,
    ReasonCode.retainNotSupported,
    ReasonCode.qosNotSupported,
    ReasonCode.useAnotherServer,
    ReasonCode.serverMoved,
    ReasonCode.connectionRateExceeded,
  ],
  puback: received,
  pubrec: received,
  pubrel: released,
  pubcomp: released,
  suback: [
    ReasonCode.grantedQos0,
    ReasonCode.grantedQos1,
    ReasonCode.grantedQos2,
    ReasonCode.unspecifiedError,
    ReasonCode.implementationSpecificError,
    ReasonCode.notAuthorized,
    ReasonCode.topicFilterInvalid,
    ReasonCode.packetIdentifierInUse,
    ReasonCode.quotaExceeded,
    ReasonCode.sharedSubscriptionsNotSupported,
    ReasonCode.subscriptionIdentifiersNotSupported,
    ReasonCode.wildcardSubscriptionsNotSupported,
  ],
  unsuback: [
    ReasonCode.success,
    ReasonCode.noSubscriptionExisted,
    ReasonCode.unspecifiedError,
    ReasonCode.implementationSpecificError,
    ReasonCode.notAuthorized,
    ReasonCode.topicFilterInvalid,
    ReasonCode.packetIdentifierInUse,
  ],
  disconnect: [
    ReasonCode.normalDisconnection,
    ReasonCode.disconnectWithWill,
    ReasonCode.unspecifiedError,
    ReasonCode.malformedPacket,
    ReasonCode.protocolError,
    ReasonCode.implementationSpecificError,
    ReasonCode.notAuthorized,
    ReasonCode.serverBusy,
    ReasonCode.serverShuttingDown,
    // In the table of [2.4], though not in that of [3.14.2.1].
    ReasonCode.badAuthenticationMethod,
    ReasonCode.keepAliveTimeout,
    ReasonCode.sessionTakenOver,
    ReasonCode.topicFilterInvalid,
    ReasonCode.topicNameInvalid,
    ReasonCode.receiveMaximumExceeded,
    ReasonCode.topicAliasInvalid,
    ReasonCode.packetTooLarge,
    ReasonCode.messageRateTooHigh,
    ReasonCode.quotaExceeded,
    ReasonCode.administrativeAction,
    ReasonCode.payloadFormatInvalid,
    ReasonCode.retainNotSupported,
    ReasonCode.qosNotSupported,
    ReasonCode.useAnotherServer,
    ReasonCode.serverMoved,
    ReasonCode.sharedSubscriptionsNotSupported,
    ReasonCode.connectionRateExceeded,
    ReasonCode.maximumConnectTime,
    ReasonCode.subscriptionIdentifiersNotSupported,
    ReasonCode.wildcardSubscriptionsNotSupported,
  ],
  auth: [ReasonCode.success, ReasonCode.continueAuthentication, ReasonCode.reAuthenticate],
} as const satisfies Partial<Record<PacketType, readonly ReasonCode[]>>

/** The packets that carry reason codes. */
export type ReasonCodeBearer = keyof typeof reasonCodesOfPacket

/** @throws ProtocolError protocolError for a code that this packet may not carry [MQTT-3.4.2-1 and its like] */
export function parseReasonCode(byte: number, bearer: ReasonCodeBearer): ReasonCode {
  const reasonCode = reasonCodeOf(byte)
  const allowed: readonly ReasonCode[] = reasonCodesOfPacket[bearer]
  if (!allowed.includes(reasonCode)) {
    throw protocolError(`reason code 0x${byte.toString(16)} in ${bearer.toUpperCase()} [2.4]`)
  }
  return reasonCode
}
