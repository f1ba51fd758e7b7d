import { describeEnd, ConnectionEnded } from "../../src/client/client-end.ts"
import { serverTerms } from "../../src/client/server-terms.ts"
import type { ProtocolVersion, Qos } from "../../src/protocol/packet.ts"
import { describeReasonCode } from "../../src/protocol/reason-code.ts"
import type { Visit, Visitor } from "./visit.ts"

/** What a broker was found to do. */
export interface Finding {
  readonly probe: ProbeName
  readonly found: boolean
  /** More about it, or why not. */
  readonly detail: string
}

/** A thing that a broker may be able to do. @returns more about it @throws Error that says why not */
type Probe = (visit: Visit) => Promise<string>

const text = "seen"
const payload = Buffer.from(text)

/** In the order in which they are told. */
const probes = {
  "mqtt-3.1": (visit) => speaks(visit, 3),
  "mqtt-3.1.1": (visit) => speaks(visit, 4),
  "mqtt-5": (visit) => speaks(visit, 5),
  "qos-0": (visit) => comesBack(visit, 0),
  "qos-1": (visit) => comesBack(visit, 1),
  "qos-2": (visit) => comesBack(visit, 2),
  retained: async (visit) => {
    const topic = visit.topic("retained")
    await visit.retain(await visit.open(4), topic, payload)
    const late = await visit.open(4)
    await subscribed(visit, late, topic)
    const { retain } = await late.next()
    if (!retain) throw new Error("the message came without the mark")
    return "a message met who subscribed later"
  },
  wildcards: async (visit) => {
    const visitor = await visit.open(4)
    for (const [filter, topic] of [
      ["plus/+/end", "plus/any/end"],
      ["hash/#", "hash/a/b"],
    ] as const) {
      await subscribed(visit, visitor, visit.topic(filter))
      await publishes(visitor, visit.topic(topic), 0)
      await visitor.next()
    }
    return "+ and #"
  },
  "shared-subscriptions": async (visit) => {
    const members = [await visit.open(5), await visit.open(5)]
    const topic = visit.topic("shared")
    for (const member of members) await subscribed(visit, member, `$share/check/${topic}`)
    const publisher = await visit.open(5)
    const count = 8
    for (let number = 0; number < count; number++) await publishes(publisher, topic, 1)
    // Those that came twice would be more than were sent.
    await publishes(publisher, topic, 1)
    const came = members.map(async (member) => {
      let messages = 0
      try {
        for (;;) {
          await Promise.race([member.next(), Bun.sleep(300).then(() => Promise.reject(new Error("no more")))])
          messages += 1
        }
      } catch {
        return messages
      }
    })
    const counts = await Promise.all(came)
    const sum = counts.reduce((total, each) => total + each, 0)
    if (sum !== count + 1) throw new Error(`of ${count + 1} messages ${sum} came`)
    return `each message to one of two (${counts.join(" and ")})`
  },
  "persistent-sessions": async (visit) => {
    const clientId = visit.newClientId()
    const topic = visit.topic("letters")
    const lasting = { clientId, cleanStart: false, properties: { sessionExpiryInterval: 60 } }
    const first = await visit.open(5, lasting)
    await subscribed(visit, first, topic, 1)
    await first.client.disconnect()
    await publishes(await visit.open(5), topic, 1)
    const again = await visit.open(5, { ...lasting, properties: { sessionExpiryInterval: 0 } })
    if (!again.connack.sessionPresent) throw new Error("the session was gone")
    await again.next()
    return "a message waited for its client"
  },
  "message-expiry": async (visit) => {
    const visitor = await visit.open(5)
    const topic = visit.topic("expiry")
    await subscribed(visit, visitor, topic)
    const properties = { messageExpiryInterval: 100 }
    await visitor.client.publish({ topic, payload, qos: 1, properties })
    const left = (await visitor.next()).properties.messageExpiryInterval
    if (left === undefined || left > 100) throw new Error(`100 seconds became ${left ?? "none"}`)
    return `100 seconds became ${left}`
  },
  will: async (visit) => {
    const topic = visit.topic("will")
    const mourner = await visit.open(4)
    await subscribed(visit, mourner, topic)
    const will = { topic, payload, qos: 0, retain: false, properties: {} } as const
    const lost = await visit.open(4, { will })
    lost.client.terminate()
    await mourner.next()
    return "came when its client was gone"
  },
} as const satisfies Record<string, Probe>

export type ProbeName = keyof typeof probes
export const probeNames = Object.keys(probes) as readonly ProbeName[]

/** Tries everything, one thing after the other. */
export async function probeAll(visit: Visit): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const probe of probeNames) {
    try {
      findings.push({ probe, found: true, detail: await probes[probe](visit) })
    } catch (error) {
      findings.push({ probe, found: false, detail: whyNot(error) })
    }
  }
  return findings
}

/** What the broker says of itself to a client of MQTT 5 [3.2.2.3]. */
export async function limitsOf(visit: Visit): Promise<Readonly<Record<string, number>>> {
  const { connack } = await visit.open(5)
  const terms = serverTerms(connack, 60)
  return {
    "receive-maximum": terms.receiveMaximum,
    ...(Number.isFinite(terms.maximumPacketSize) ? { "maximum-packet-size": terms.maximumPacketSize } : {}),
    "maximum-qos": terms.maximumQos,
    "topic-alias-maximum": terms.topicAliasMaximum,
    "server-keep-alive": terms.keepAliveSeconds,
  }
}

/** The broker lets us in, and does not let us do this: its rules, or its limits. */
export class ProbeRefused extends Error {}

/**
 * Round trips of a message at QoS 1, one after the other.
 *
 * @returns the median in milliseconds
 * @throws ProbeRefused
 */
export async function latencyOf(visit: Visit): Promise<number> {
  const visitor = await visit.open(4)
  const topic = visit.topic("latency")
  await subscribed(visit, visitor, topic, 1)
  const times: number[] = []
  for (let number = 0; number < 25; number++) {
    const beganAt = performance.now()
    await publishes(visitor, topic, 1)
    await visitor.next()
    times.push(performance.now() - beganAt)
  }
  return times.toSorted((one, other) => one - other)[12] ?? Number.NaN
}

async function speaks(visit: Visit, version: ProtocolVersion): Promise<string> {
  await visit.open(version)
  return "a client was let in"
}

async function comesBack(visit: Visit, qos: Qos): Promise<string> {
  const visitor = await visit.open(4)
  const topic = visit.topic(`qos-${qos}`)
  await subscribed(visit, visitor, topic, qos)
  await publishes(visitor, topic, qos)
  const came = await visitor.next()
  if (came.qos !== qos) throw new Error(`a message came at QoS ${came.qos}`)
  return "a message came back"
}

async function subscribed(visit: Visit, visitor: Visitor, filter: string, qos: Qos = 0): Promise<void> {
  const why = await visit.subscribe(visitor, filter, qos)
  if (why !== undefined) throw new ProbeRefused(`the subscription was refused: ${describeReasonCode(why)}`)
}

async function publishes({ client }: Visitor, topic: string, qos: Qos): Promise<void> {
  const { reasonCode } = await client.publish({ topic, payload, qos })
  if (reasonCode >= 0x80) throw new ProbeRefused(`the message was refused: ${describeReasonCode(reasonCode)}`)
}

function whyNot(error: unknown): string {
  if (error instanceof ConnectionEnded) return describeEnd(error.end)
  return error instanceof Error ? error.message.replace(/\.$/, "") : String(error)
}
