import { FrameReader } from "../../../src/protocol/frame-reader.ts"
import { encodePacket } from "../../../src/protocol/encoder.ts"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import type { WatchedBroker } from "../../failure/watched-broker.ts"
import { type MalformedInput, malformedInputs } from "../../support/malformed-packets.ts"
import { connect, publish } from "../../support/packets.ts"
import { bytesOf } from "../../support/wire-notation.ts"
import { Random } from "../../support/random.ts"
import type { Torture, Trial } from "../torture.ts"
import { tryAmongOthers } from "./among-others.ts"
import { hex } from "./answer-text.ts"
import { inPieces, within } from "./pieces.ts"
import { everyWay, someWay, type Way } from "./ways.ts"
import { WirePeer } from "./wire-peer.ts"

/** Longer than any answer takes. */
const patienceMs = 20_000

/** Where in a conversation the malformed packet stands. */
type Place = "first" | "later"

interface Attempt extends Way {
  readonly input: MalformedInput
  readonly place: Place
}

export const protocolMalformed: Torture = {
  name: "protocol malformed",
  promise: "whoever sends what is malformed is told so by the right reason code, and nobody else notices",
  async run(trial) {
    const random = new Random(trial.seed)
    let number = 0
    await tryAmongOthers(
      trial,
      { words: [], filter: "#", of: "" },
      (broker) => attemptsOf(trial, broker, random),
      (attempt) => {
        trial.count("malformed packets")
        return attempted(attempt, `offender-${number++}`, random)
      },
    )
    // A table that has lost some of them is noticed.
    trial.atLeast("rows", malformedInputs.length, 440)
  },
}

/** Short: each row at each place in one way, and the rest as chance has it. Long: in every way. */
function attemptsOf(trial: Trial, broker: WatchedBroker, random: Random): Attempt[] {
  const places = ["first", "later"] as const
  const rows = malformedInputs
    .flatMap((input) => places.map((place) => ({ input, place })))
    .filter((row) => !isAllowed(row))
  if (trial.effort === "long")
    return everyWay(broker).flatMap((way) => rows.map((row) => ({ ...row, ...way })))
  return rows.map((row) => ({ ...row, ...someWay(broker, random) }))
}

/** The length may be padded before MQTT 5, which was the first to forbid it. */
function isAllowed({ input, place }: Pick<Attempt, "input" | "place">): boolean {
  return place === "later" && input.version < 5 && input.statement === "MQTT-1.5.5-1"
}

/** @returns what was wrong; undefined: nothing */
async function attempted(
  { input, place, target, cut }: Attempt,
  clientId: string,
  random: Random,
): Promise<string | undefined> {
  const { version, name } = input
  const peer = await WirePeer.connect(target, version)
  if (place === "later") {
    peer.send(encodePacket(connect(version, { clientId }), version))
    await within(patienceMs, peer.answered("connack 00"))
  }
  // What stands behind it must not be read any more.
  const behind = encodePacket(publish({ topic: "behind what is malformed" }), version)
  peer.send(...inPieces(Buffer.concat([bytesOf(input.bytes), behind]), cut, random))
  await within(patienceMs, peer.closed)
  const expected = place === "first" ? answersAtFirst(input) : answersLater(input)
  const got = peer.answers.join(", ")
  const way = `${name}, ${place === "first" ? "as the first packet" : "after CONNECT"}, ${cut} by ${target.scheme}`
  if (peer.fault !== undefined) return `${way}: ${peer.fault}`
  return got === expected ? undefined : `${way} [${input.statement}]: "${got}" and not "${expected}"`
}

/** Who has not said CONNECT has no version to be answered in, and is closed on without a word [3.1.1: MQTT-3.1.4-1]. */
function answersAtFirst({ bytes, reasonCode, version }: MalformedInput): string {
  if (!bytes.startsWith("1")) return "closed"
  if (reasonCode === ReasonCode.unsupportedProtocolVersion) return `connack ${hex(reasonCode)}, closed`
  // It has said that it speaks version 5, whatever is wrong with the rest.
  return version === 5 && bytes.includes("'MQTT' 05") ? `connack ${hex(reasonCode)}, closed` : "closed"
}

function answersLater({ bytes, reasonCode, version }: MalformedInput): string {
  if (version < 5) return "connack 00, closed"
  // Whatever is in it, it is a second CONNECT [MQTT-3.1.0-2], once its length could be read.
  const isSecond = bytes.startsWith("1") && hasGoodLength(bytes)
  const code = isSecond ? ReasonCode.protocolError : reasonCode
  return `connack 00, disconnect ${hex(code)}, closed`
}

function hasGoodLength(notation: string): boolean {
  const frames = new FrameReader(268_435_460)
  frames.takesPaddedLengths = true
  frames.append(bytesOf(notation))
  return frames.next() && !frames.isPadded
}
