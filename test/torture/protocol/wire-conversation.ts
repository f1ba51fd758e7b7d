import { encodePacket } from "../../../src/protocol/encoder.ts"
import type { Packet } from "../../../src/protocol/packet.ts"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import type { ConnectTarget } from "../../../src/transport/connect.ts"
import { unsubscribe } from "../../support/packets.ts"
import type { Random } from "../../support/random.ts"
import { hex } from "./answer-text.ts"
import { type Expectation, expectationOf } from "./expectation.ts"
import { cuts, inPieces, within } from "./pieces.ts"
import { WirePeer } from "./wire-peer.ts"

/** Longer than any answer takes. */
const patienceMs = 15_000
/** Asked behind all else, so that its answer says that all before it is done. */
const probe = unsubscribe(0xfffe, "probe")
/** Who takes no packet as long as our answers is told nothing. */
const leastPacketBytes = 64

/** What a well-formed CONNECT may be refused for. */
const refusals = [
  ...[ReasonCode.clientIdentifierNotValid, ReasonCode.badAuthenticationMethod, ReasonCode.topicNameInvalid],
  ...[ReasonCode.payloadFormatInvalid, ReasonCode.serverUnavailable, ReasonCode.badUserNameOrPassword],
  ReasonCode.notAuthorized,
].map((code) => `connack ${hex(code)}`)

export interface Outcome {
  readonly answers: readonly string[]
  /** What the broker did wrong; undefined: nothing. */
  readonly wrong: string | undefined
  /** Clients whose sessions may have outlived the connection. */
  readonly left: readonly string[]
  /** Topics that may have a retained message. */
  readonly topics: readonly string[]
}

/** Says all of it on a connection of its own, and looks whether what came of it is what had to come. */
export async function saidTo(target: ConnectTarget, stream: Uint8Array, random: Random): Promise<Outcome> {
  const expectation = expectationOf(stream)
  const { version, connect, end } = expectation
  const left = connect === undefined || connect.clientId === "" ? [] : [connect.clientId]
  const take = (packet: Packet) => {
    if (packet.type !== "connack") return
    const { assignedClientIdentifier } = packet.properties
    if (assignedClientIdentifier !== undefined) left.push(assignedClientIdentifier)
  }
  const peer = await WirePeer.connect(target, version, take)
  const cut = random.oneIn(20) ? "byte by byte" : (cuts[random.oneIn(3) ? 2 : 0] ?? "whole")
  peer.send(...inPieces(stream, cut, random))
  const isDeaf = (connect?.properties.maximumPacketSize ?? leastPacketBytes) < leastPacketBytes
  if (expectation.isCutOff || isDeaf) {
    // A session can be taken away only by its name, which may be in the first answer.
    if (connect?.clientId === "") await within(patienceMs, peer.greeted)
    await within(patienceMs, peer.leave())
  } else {
    peer.send(encodePacket(probe, version))
    const isOver = connect === undefined || end !== undefined
    await within(patienceMs, isOver ? peer.closed : answeredProbe(peer))
  }
  const answers = [...peer.answers]
  const wrong = peer.fault ?? (expectation.isCutOff || isDeaf ? undefined : complaint(answers, expectation))
  await within(patienceMs, peer.leave())
  const isLasting = (connect?.properties.sessionExpiryInterval ?? 0) > 0 || connect?.cleanStart === false
  return { answers, wrong, left: isLasting || left.length > 1 ? left : [], topics: expectation.topics }
}

function answeredProbe(peer: WirePeer): Promise<void> {
  return peer.answered(peer.version === 5 ? "unsuback 65534 11" : "unsuback 65534")
}

/** @returns what was wrong; undefined: nothing */
function complaint(
  answers: readonly string[],
  { connect, end, alsoPossible, version }: Expectation,
): string | undefined {
  const [first = ""] = answers
  const isClosed = answers.at(-1) === "closed"
  const told = `it answers "${answers.slice(0, 12).join(", ")}"`
  if (connect === undefined) {
    const expected = end === "" ? "closed" : `${end}, closed`
    return answers.join(", ") === expected ? undefined : `${told} and not "${expected}"`
  }
  if (first !== "connack 00") {
    return refusals.includes(first) && isClosed && answers.length === 2 ? undefined : `${told} to a CONNECT`
  }
  if (!isClosed) return end === undefined ? undefined : `${told} where it had to end with "${end}"`
  const before = answers.at(-2) ?? ""
  const last = before.startsWith("disconnect") ? before : ""
  if (last === end || alsoPossible.has(last)) return undefined
  return `${told}, version ${version}, where it had to ${end === undefined ? "stay" : `end with "${end}"`}`
}
