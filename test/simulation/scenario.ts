import type { ShareStrategy } from "../../src/routing/share-groups.ts"
import { type Persona, personas } from "./persona.ts"
import type { Random } from "../support/random.ts"
import type { SimulatedLimits } from "./simulated-broker.ts"
import { type Climate, climate } from "./weather.ts"

/** Who takes part, in which broker, and what goes wrong how often. All of it follows from the seed. */
export interface Scenario {
  readonly personas: readonly Persona[]
  readonly limits: SimulatedLimits
  readonly shareStrategy: ShareStrategy
  /** What a connection's output may hold before its client counts as slow. */
  readonly highWaterBytes: number
  /** Messages that wait for the disk before publishers are slowed. */
  readonly behindMessages: number
  readonly climate: Climate
}

export function scenario(random: Random): Scenario {
  const bounds = random.weighted([
    { weight: 6, queuedMessages: 100_000, whenFull: "drop-oldest" },
    { weight: 1, queuedMessages: random.between(2, 12), whenFull: "drop-oldest" },
    { weight: 1, queuedMessages: random.between(2, 12), whenFull: "drop-newest" },
    { weight: 2, queuedMessages: random.between(2, 12), whenFull: "reject" },
  ] as const)
  const { queuedMessages = 100_000, whenFull = "drop-oldest" } = bounds ?? {}
  return {
    personas: personas(random).map((persona) => (whenFull === "reject" ? hearing(persona) : persona)),
    limits: {
      ...usualLimits,
      queuedMessages,
      whenFull,
      inFlight: random.pick([1, 2, 5, 256] as const),
      receiveMaximum: random.pick([2, 5, 20] as const),
      windowMessages: random.pick([1, 2, 5, 1000] as const),
    },
    shareStrategy: random.pick(["round-robin", "sticky", "least-inflight"] as const),
    highWaterBytes: random.pick([32, 200, 65_536] as const),
    behindMessages: random.pick([Number.POSITIVE_INFINITY, 2, 8] as const),
    climate: climate(random),
  }
}

/**
 * Before MQTT 5 a publisher is refused by closing its connection. One whose own queue is full would be closed before
 * it could read from that queue, each time it comes back: so it does not subscribe.
 */
function hearing(persona: Persona): Persona {
  return persona.version === 4 && persona.publishes
    ? { ...persona, subscriptions: [], isFickle: false }
    : persona
}

const usualLimits: SimulatedLimits = {
  connectionRate: 0,
  connectionRatePerAddress: 0,
  halfOpen: 1_000,
  halfOpenPerAddress: 0,
  messagesPerSecond: 0,
  connections: 1_000,
  packetBytes: 1_048_576,
  connectPacketBytes: 262_144,
  clientIdBytes: 256,
  connectTimeoutMs: 10_000,
  inFlight: 256,
  receiveMaximum: 256,
  topicAliases: 0,
  topicAliasesOut: 8,
  subscriptionsPerClient: 100,
  subscriptionsPerPacket: 100,
  userPropertiesPerPacket: 8,
  maximumQos: 2,
  retainAvailable: true,
  wildcardSubscriptionAvailable: true,
  sharedSubscriptionAvailable: true,
  keepAliveMaximumSeconds: 0,
  sessionExpiryMaximumSeconds: 0xffff_ffff,
  messageExpiryMaximumSeconds: 0,
  refusedPublish: "answer",
  responseInformation: "",
  serverReference: "",
  queuedMessages: 100_000,
  queuedBytes: 268_435_456,
  whenFull: "drop-oldest",
  windowMessages: 1_000,
  retainedMessages: 1_000,
  retainedBytes: 1_048_576,
}
