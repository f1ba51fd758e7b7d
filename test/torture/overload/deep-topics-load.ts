import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import { FloodClient, onePacketId, publish, subscribe, unsubscribe } from "./flood-client.ts"
import { flood, type Findings } from "./flood-side.ts"

/** 65,535 bytes, which is all that the wire can carry: 60,000 levels and more. */
const deepest = `${"a/".repeat(32_767)}a`
const empties = "/".repeat(65_535)
const topics = [deepest, empties, `${"/".repeat(60_000)}x`]
const filters = [
  ...topics,
  `${"+/".repeat(32_767)}+`,
  `${"+/".repeat(32_766)}a/#`,
  `$share/g/${"+/".repeat(30_000)}+`,
]

await flood(async ({ port, effort }, findings) => {
  const rounds = effort === "long" ? 200 : 10
  for (let round = 0; round < rounds; round++) {
    for (const topic of topics) {
      for (const version of [4, 5] as const) {
        for (const retain of [false, true]) await publishes(port, topic, version, retain, findings)
        await leavesWill(port, topic, version, findings)
      }
    }
    await subscribes(port, findings)
  }
})

/** The connection is closed on whoever does: a topic name that is none breaks a rule. */
async function publishes(
  port: number,
  topic: string,
  version: 4 | 5,
  retain: boolean,
  findings: Findings,
): Promise<void> {
  for (const qos of [0, 1, 2] as const) {
    const client = await FloodClient.connect(port, { clientId: "deep", version })
    client.send(publish(topic, "", { qos, retain, packetId: qos === 0 ? undefined : onePacketId }))
    findings.is("the connection of who publishes too deeply is ended", await client.isEnded(), true)
    const told = client.last("disconnect")?.reasonCode
    findings.is(
      "told to who publishes too deeply",
      told,
      version === 5 ? ReasonCode.topicNameInvalid : undefined,
    )
    findings.count("deep topics published")
  }
}

async function leavesWill(port: number, topic: string, version: 4 | 5, findings: Findings): Promise<void> {
  const will = { topic, payload: Buffer.from("gone"), qos: 1, retain: true, properties: {} } as const
  const client = await FloodClient.connect(port, { clientId: "deep", version, will })
  findings.is("the connection of who leaves a will too deep is ended", await client.isEnded(), true)
  const told = client.last("connack")?.reasonCode
  if (version === 5) findings.is("told to who leaves a will too deep", told, ReasonCode.topicNameInvalid)
  else findings.is("an old client who leaves a will too deep is let in", told === ReasonCode.success, false)
  findings.count("deep wills")
}

async function subscribes(port: number, findings: Findings): Promise<void> {
  const client = await FloodClient.connect(port, { clientId: "deep" })
  client.send(subscribe(["shallow", ...filters], 1))
  await client.until("suback", 1)
  const [granted, ...refused] = client.last("suback")?.reasonCodes ?? []
  findings.is("told to who subscribes to something else as well", granted, ReasonCode.grantedQos1)
  for (const code of refused)
    findings.is("told to who subscribes too deeply", code, ReasonCode.topicFilterInvalid)
  client.send(unsubscribe(["shallow", ...filters]))
  await client.until("unsuback", 1)
  const [removed, ...unknown] = client.last("unsuback")?.reasonCodes ?? []
  findings.is("told to who unsubscribes from something else as well", removed, ReasonCode.success)
  for (const code of unknown)
    findings.is("told to who unsubscribes too deeply", code, ReasonCode.topicFilterInvalid)
  findings.count("deep filters", 2 * filters.length)
  await client.cut()
}
