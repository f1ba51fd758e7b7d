import { encodePacket } from "../../../src/protocol/encoder.ts"
import type { WatchedBroker } from "../../failure/watched-broker.ts"
import { connect, pingreq } from "../../support/packets.ts"
import { bytesOf } from "../../support/wire-notation.ts"
import { Random } from "../../support/random.ts"
import type { Torture, Trial } from "../torture.ts"
import { tryAmongOthers } from "./among-others.ts"
import { inPieces, within } from "./pieces.ts"
import { type Violation, violations } from "./violations.ts"
import { everyWay, someWay, type Way } from "./ways.ts"
import { WirePeer } from "./wire-peer.ts"

/** Longer than any answer takes. */
const patienceMs = 20_000
/** Of the long form: each row in each way. */
const longRounds = 34

interface Attempt extends Way {
  readonly violation: Violation
}

const settings = {
  roomy: ["limits.receive_maximum=2", "limits.user_properties_per_packet=2"],
  narrow: [
    ...["limits.packet_bytes=1024", "limits.client_id_bytes=23", "limits.topic_aliases=0"],
    ...["limits.subscriptions_per_packet=2", "limits.subscriptions_per_client=2"],
    ...["mqtt.maximum_qos=1", "mqtt.retain_available=false"],
    ...["mqtt.wildcard_subscriptions_available=false", "mqtt.shared_subscriptions_available=false"],
  ],
} as const satisfies Record<Violation["broker"], readonly string[]>

export const protocolViolations: Torture = {
  name: "protocol violations",
  promise:
    "whoever breaks a rule of the conversation is told by the right reason code, and nobody else notices",
  async run(trial) {
    for (const broker of ["roomy", "narrow"] as const) await tryThose(broker, trial)
    // A table that has lost some of them is noticed.
    trial.atLeast("rows", violations.length, 195)
  },
}

async function tryThose(kind: Violation["broker"], trial: Trial): Promise<void> {
  const words = settings[kind].flatMap((setting) => ["--set", setting])
  const random = new Random(trial.seed)
  let number = 0
  await tryAmongOthers(
    trial,
    { words, filter: "behind", of: ` of the ${kind} broker` },
    (broker) => attemptsOf(kind, trial, broker, random),
    (attempt) => {
      trial.count("violations")
      return tried(attempt, `${kind}-${number++}`, random)
    },
  )
}

/** Short: each row twice, in whatever way chance has it. Long: in every way, again and again. */
function attemptsOf(
  kind: Violation["broker"],
  trial: Trial,
  broker: WatchedBroker,
  random: Random,
): Attempt[] {
  const chosen = violations.filter((violation) => violation.broker === kind)
  if (trial.effort === "long") {
    const round = everyWay(broker).flatMap((way) => chosen.map((violation) => ({ violation, ...way })))
    return Array.from({ length: longRounds }, () => round).flat()
  }
  return [...chosen, ...chosen].map((violation) => ({ violation, ...someWay(broker, random) }))
}

/** @returns what was wrong; undefined: nothing */
async function tried(
  { violation, target, cut }: Attempt,
  clientId: string,
  random: Random,
): Promise<string | undefined> {
  const { name, version, says, isFirst, answers } = violation
  const peer = await WirePeer.connect(target, version)
  const before = isFirst ? [] : [encodePacket(connect(version, { clientId }), version)]
  const isClosed = answers.endsWith("closed")
  // Who is let stay answers in order, so that all has come before this.
  const behind = isClosed ? [] : [encodePacket(pingreq, version)]
  const hasOwnPing = answers.endsWith("pingresp")
  const bytes = Buffer.concat([...before, bytesOf(says), ...(hasOwnPing ? [] : behind)])
  peer.send(...inPieces(bytes, cut, random))
  const expected = [...(isFirst ? [] : ["connack 00"]), ...answers.split(", ")]
  if (!isClosed && !hasOwnPing) expected.push("pingresp")
  const pings = expected.filter((answer) => answer === "pingresp").length
  await within(patienceMs, isClosed ? peer.closed : peer.answered("pingresp", pings))
  const got = peer.answers.join(", ")
  if (!isClosed) await within(patienceMs, peer.leave())
  const way = `${name}, ${cut} by ${target.scheme}`
  if (peer.fault !== undefined) return `${way}: ${peer.fault}`
  if (got !== expected.join(", ")) {
    return `${way} [${violation.statements.join(", ")}]: "${got}" and not "${expected.join(", ")}"`
  }
  return peer.answers.at(-1) === "closed" ? undefined : `${way}: it is not let go`
}
