import { encodePacket } from "../../../src/protocol/encoder.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import { connect, pingreq } from "../../support/packets.ts"
import { bytesOf } from "../../support/wire-notation.ts"
import { Random } from "../../support/random.ts"
import type { Torture, Trial } from "../torture.ts"
import { Bystander } from "./bystander.ts"
import { crowdOf, type Cut, cuts, inPieces, within } from "./pieces.ts"
import { type Violation, violations } from "./violations.ts"
import { WirePeer } from "./wire-peer.ts"

const atATime = 32
/** Longer than any answer takes. */
const patienceMs = 20_000

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
    trial.figure("rows", violations.length)
  },
}

async function tryThose(kind: Violation["broker"], trial: Trial): Promise<void> {
  const words = settings[kind].flatMap((setting) => ["--set", setting])
  const broker = await WatchedBroker.serving({ words: ["--ephemeral", "--port", "0", ...words] })
  const bystander = await Bystander.of(broker, "behind")
  const random = new Random(trial.seed)
  const port = broker.port("tcp")
  const chosen = violations.filter((violation) => violation.broker === kind)
  const attempts = Array.from({ length: trial.effort === "long" ? 200 : 2 }, (_, round) =>
    chosen.map((violation) => ({ violation, cut: cuts[round % cuts.length] ?? "whole" })),
  ).flat()
  let number = 0
  await crowdOf(attempts, atATime, async ({ violation, cut }) => {
    const wrong = await tried(violation, cut, port, `${kind}-${number++}`, random)
    trial.count("violations")
    if (wrong !== undefined) trial.wrong(wrong)
  })
  const complaint = await bystander.complaint()
  if (complaint !== undefined) trial.wrong(complaint)
  for (const { message, error } of broker.all("bug")) trial.wrong(`${message}: ${String(error)}`)
  trial.bounded(`exit code of the ${kind} broker`, (await broker.stop()) ?? 255, 0)
}

/** @returns what was wrong; undefined: nothing */
async function tried(
  violation: Violation,
  cut: Cut,
  port: number,
  clientId: string,
  random: Random,
): Promise<string | undefined> {
  const { name, version, says, isFirst, answers } = violation
  const peer = await WirePeer.connect({ scheme: "tcp", host: "127.0.0.1", port }, version)
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
  if (!isClosed) await peer.leave()
  if (peer.fault !== undefined) return `${name}: ${peer.fault}`
  if (got === expected.join(", ")) return undefined
  return `${name}, ${cut} [${violation.statements.join(", ")}]: "${got}" and not "${expected.join(", ")}"`
}
