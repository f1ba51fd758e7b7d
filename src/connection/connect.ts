import { isUtf8 } from "node:buffer"
import { encodePacket } from "../protocol/encoder.ts"
import { noBytes, type Message, type Publisher, topicOf } from "../protocol/message.ts"
import {
  type ClientId,
  type Connack,
  type Connect,
  neverExpires,
  type ProtocolVersion,
  type WillFields,
} from "../protocol/packet.ts"
import { noProperties, type PropertiesOf } from "../protocol/properties.ts"
import { encodeForwardedProperties } from "../protocol/publish-properties.ts"
import { describeReasonCode, ReasonCode } from "../protocol/reason-code.ts"
import { parseTopicName } from "../protocol/topic.ts"
import { banText } from "../security/guard/bans.ts"
import { assignedName, mayCallItself } from "../security/user.ts"
import { Requester } from "../security/requester.ts"
import type { StoredWill } from "../storage/store.ts"
import type { Converse, Proof, ProvenVerdict } from "./authenticating.ts"
import type { Door } from "./entrance.ts"
import { identify } from "./identify.ts"
import type { ConnectionSurroundings } from "./surroundings.ts"
import type { Terms } from "./terms.ts"

/** A stranger who was let in: what was agreed, and what its session is to be. */
export interface Welcome {
  readonly terms: Terms
  readonly cleanStart: boolean
  readonly will: StoredWill | undefined
  /** We chose its client identifier [3.2.2.3.7]. */
  readonly assigned: boolean
  readonly keepAliveSeconds: number
  /** How often accounts had changed before its own was looked at. */
  readonly accountsEdition: number
  /** Undefined: it named no authentication method. */
  readonly proof: Proof | undefined
}

/** Why a stranger is not let in. */
export interface Refusal {
  readonly reasonCode: ReasonCode
  /** For the log: more than the stranger is told. */
  readonly why: string
  /** Who it claims to be, where that stands elsewhere than in its CONNECT. */
  readonly username?: string | undefined
}

/**
 * From stranger to client, before any session is touched: who refuses here has kicked, resumed and ended nobody's
 * session [3.1.4].
 *
 * @param converse exchanges AUTH packets with a client that names an authentication method
 * @returns the refusal, or what was agreed; at once, unless authentication takes its time
 */
export function welcome(
  connect: Connect,
  door: Door,
  surroundings: ConnectionSurroundings,
  converse: Converse,
): Welcome | Refusal | Promise<Welcome | Refusal> {
  const { bans, clock, limits, users } = surroundings
  const { edition } = users
  const clientId = clientIdOf(connect, limits.clientIdBytes)
  if (clientId === undefined) return refusal(ReasonCode.clientIdentifierNotValid)
  const ban = bans.ofClient(clientId, clock.wall())
  if (ban !== undefined) return { reasonCode: ReasonCode.banned, why: banText(ban) }
  const credentials = {
    clientId,
    username: connect.username,
    password: connect.password,
    remoteAddress: door.remoteAddress,
    certificate: door.certificate,
    listener: door.entrance.url,
  }
  const { authenticationMethod } = connect.properties
  const verdict = identify(
    authenticationMethod,
    credentials,
    door.entrance.authentication,
    surroundings,
    converse,
  )
  return verdict instanceof Promise
    ? verdict.then((settled) => agree(connect, clientId, settled, door, surroundings, edition))
    : agree(connect, clientId, verdict, door, surroundings, edition)
}

function agree(
  connect: Connect,
  asked: ClientId,
  verdict: ProvenVerdict,
  door: Door,
  surroundings: ConnectionSurroundings,
  accountsEdition: number,
): Welcome | Refusal {
  const { authorization, bans, clock, limits } = surroundings
  if (verdict.verdict === "reject") return verdict
  const { principal } = verdict
  const binding = principal.account?.clientId
  const clientId = connect.clientId === "" ? (assignedName(binding, asked) as ClientId) : asked
  if (!mayCallItself(binding, clientId)) {
    const why = `${principal.username} may not call itself ${clientId}`
    return { reasonCode: ReasonCode.clientIdentifierNotValid, why }
  }
  const requester = new Requester(principal, clientId, door.remoteAddress, door.certificate?.commonName)
  const ban = bans.against(requester, clock.wall())
  if (ban !== undefined) return { reasonCode: ReasonCode.banned, why: banText(ban) }
  const terms = termsOf(connect, clientId, requester, surroundings)
  const will = connect.will === undefined ? undefined : willOf(connect.will, terms, surroundings)
  if (typeof will === "number") return refusal(will)
  if (will !== undefined) {
    const { topic, qos, retain } = will.message
    if (!authorization.mayPublish(requester, topic.name, qos, retain)) {
      surroundings.refusals.willRefused(requester, topic.name, qos, retain)
      return { reasonCode: ReasonCode.notAuthorized, why: `it may not publish its will to ${topic.name}` }
    }
  }
  const agreed: Welcome = {
    terms,
    cleanStart: connect.cleanStart,
    will,
    assigned: connect.clientId === "" && connect.version === 5,
    keepAliveSeconds: keepAliveOf(connect, limits.keepAliveMaximumSeconds),
    accountsEdition,
    proof: verdict.proof,
  }
  const mustBeWhole = agreed.proof !== undefined || agreed.assigned
  return mustBeWhole && !fitsConnack(connect, agreed, surroundings)
    ? refusal(ReasonCode.packetTooLarge)
    : agreed
}

/**
 * A CONNACK may be cut down to what its client takes, but neither by the method that let it in [MQTT-4.12.0-5] nor by the
 * name that it was given [MQTT-3.2.2-16].
 */
function fitsConnack(connect: Connect, agreed: Welcome, surroundings: ConnectionSurroundings): boolean {
  const connack = connackFor(connect, agreed, false, surroundings)
  return encodePacket(connack, connect.version).length <= agreed.terms.maximumPacketBytes
}

function refusal(reasonCode: ReasonCode): Refusal {
  return { reasonCode, why: describeReasonCode(reasonCode) }
}

/** The CONNACK that lets a client in, with every bound it has to know [3.2.2.3]. */
export function connackFor(
  connect: Connect,
  agreed: Welcome,
  sessionPresent: boolean,
  surroundings: ConnectionSurroundings,
): Connack {
  if (connect.version !== 5) {
    return { type: "connack", sessionPresent, reasonCode: ReasonCode.success, properties: noProperties }
  }
  const { limits } = surroundings
  const { proof } = agreed
  const asked = connect.properties.sessionExpiryInterval ?? 0
  const granted = Math.min(asked, limits.sessionExpiryMaximumSeconds)
  const properties: PropertiesOf<"connack"> = {
    ...(granted !== asked && { sessionExpiryInterval: granted }),
    ...(limits.receiveMaximum < 65_535 && { receiveMaximum: limits.receiveMaximum }),
    ...(limits.maximumQos < 2 && { maximumQos: limits.maximumQos }),
    ...(!limits.retainAvailable && { retainAvailable: false }),
    maximumPacketSize: limits.packetBytes,
    ...(agreed.assigned && { assignedClientIdentifier: agreed.terms.clientId }),
    ...(limits.topicAliases > 0 && { topicAliasMaximum: limits.topicAliases }),
    ...(!limits.wildcardSubscriptionAvailable && { wildcardSubscriptionAvailable: false }),
    ...(!limits.sharedSubscriptionAvailable && { sharedSubscriptionAvailable: false }),
    ...(agreed.keepAliveSeconds !== connect.keepAliveSeconds && { serverKeepAlive: agreed.keepAliveSeconds }),
    ...(connect.properties.requestResponseInformation === true &&
      limits.responseInformation !== "" && { responseInformation: limits.responseInformation }),
    // The same method as in the CONNECT, or none when that named none [MQTT-4.12.0-5, 4.12.0-6].
    ...(proof !== undefined && { authenticationMethod: proof.method }),
    ...(proof?.data !== undefined && { authenticationData: proof.data }),
  }
  return { type: "connack", sessionPresent, reasonCode: ReasonCode.success, properties }
}

/**
 * The CONNACK that turns a client away, in its own version as far as that is known.
 *
 * @param connect undefined when it could not be read
 * @param spoken the version that the unreadable CONNECT named
 */
export function encodeRefusal(
  reasonCode: ReasonCode,
  why: string,
  connect: Connect | undefined,
  spoken: ProtocolVersion | undefined,
): Uint8Array {
  const wanted = connect?.properties.requestProblemInformation !== false
  const properties = wanted ? { reasonString: why } : noProperties
  const connack: Connack = { type: "connack", sessionPresent: false, reasonCode, properties }
  const version = connect?.version ?? spoken ?? 4
  const bytes = encodePacket(connack, version)
  if (bytes.length <= (connect?.properties.maximumPacketSize ?? bytes.length)) return bytes
  return encodePacket({ ...connack, properties: noProperties }, version)
}

const beginning5 = [0, 4, 0x4d, 0x51, 0x54, 0x54, 5]

/** @returns 5 when a CONNECT begins as one of MQTT 5.0, whatever is wrong with the rest of it */
export function namedVersion(
  firstByte: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): 5 | undefined {
  if (firstByte >> 4 !== 1 || end - start < beginning5.length) return undefined
  return beginning5.every((byte, index) => bytes[start + index] === byte) ? 5 : undefined
}

/** MQTT 3 has no Session Expiry Interval: a session is for the connection, or for ever [3.1.2.4]. */
function sessionExpiryOf(connect: Connect): number {
  if (connect.version === 5) return connect.properties.sessionExpiryInterval ?? 0
  return connect.cleanStart ? 0 : neverExpires
}

function clientIdOf(connect: Connect, maximumBytes: number): ClientId | undefined {
  const { clientId, version, cleanStart } = connect
  if (clientId === "") {
    // 3.1 wants a name, 3.1.1 wants one for a session that is to be found again [3.1.1: MQTT-3.1.3-7, 3.1.3-8].
    if (version === 3 || (version === 4 && !cleanStart)) return undefined
    return `auto-${crypto.randomUUID()}` as ClientId
  }
  return Buffer.byteLength(clientId) <= maximumBytes ? (clientId as ClientId) : undefined
}

function keepAliveOf(connect: Connect, maximumSeconds: number): number {
  if (maximumSeconds === 0 || connect.version !== 5) return connect.keepAliveSeconds
  const asked = connect.keepAliveSeconds
  return asked === 0 ? maximumSeconds : Math.min(asked, maximumSeconds)
}

function termsOf(
  connect: Connect,
  clientId: ClientId,
  principal: Requester,
  { limits }: ConnectionSurroundings,
): Terms {
  const { properties, version } = connect
  const keepAliveSeconds = keepAliveOf(connect, limits.keepAliveMaximumSeconds)
  return {
    version,
    clientId,
    principal,
    bridge: connect.bridge,
    publisher: publisherOf(clientId, principal),
    cleanStart: connect.cleanStart,
    silenceLimitMs: keepAliveSeconds === 0 ? Number.POSITIVE_INFINITY : keepAliveSeconds * 1500,
    receiveMaximum: Math.min(properties.receiveMaximum ?? 65_535, limits.inFlight),
    maximumPacketBytes: properties.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    topicAliasMaximum: Math.min(properties.topicAliasMaximum ?? 0, limits.topicAliasesOut),
    wantsProblemInformation: properties.requestProblemInformation ?? true,
    sessionExpiryIntervalSeconds: sessionExpiryOf(connect),
  }
}

function publisherOf(clientId: ClientId, { username, remoteAddress }: Requester): Publisher {
  return { origin: "client", clientId, username, ...(remoteAddress !== undefined && { remoteAddress }) }
}

function willOf(
  will: WillFields,
  terms: Terms,
  { limits, topicLimits }: ConnectionSurroundings,
): StoredWill | ReasonCode {
  const name = parseTopicName(will.topic, topicLimits)
  if (name === undefined) return ReasonCode.topicNameInvalid
  if (will.qos > limits.maximumQos) return ReasonCode.qosNotSupported
  if (will.retain && !limits.retainAvailable) return ReasonCode.retainNotSupported
  const { willDelayInterval = 0, messageExpiryInterval = 0, ...forwarded } = will.properties
  if (forwarded.payloadFormatIndicator === 1 && !isUtf8(will.payload)) return ReasonCode.payloadFormatInvalid
  const publisher: Publisher = { ...terms.publisher, origin: "will" }
  terms.principal.leaves(publisher)
  const message: Message = {
    topic: topicOf(name),
    // The connection's bytes are not ours to keep.
    payload: will.payload.length === 0 ? noBytes : new Uint8Array(will.payload),
    qos: will.qos,
    retain: will.retain,
    properties: encodeForwardedProperties(forwarded),
    expiresAtMs: Number.POSITIVE_INFINITY,
    publisher,
    receivedAtMs: 0,
    counter: 0,
    hops: 0,
  }
  const longest = limits.messageExpiryMaximumSeconds || Number.POSITIVE_INFINITY
  const messageExpirySeconds = Math.min(messageExpiryInterval || longest, longest)
  return {
    message,
    delaySeconds: willDelayInterval,
    messageExpirySeconds: messageExpirySeconds === Number.POSITIVE_INFINITY ? 0 : messageExpirySeconds,
  }
}
