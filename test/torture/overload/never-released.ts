import type { Effort } from "../torture.ts"
import { floodTorture } from "./flood.ts"

/** Who publishes at QoS 2 and never says PUBREL, each as much as it may. */
export const unreleasing: Readonly<Record<Effort, number>> = { short: 10, long: 200 }
/** Who subscribes and never acknowledges. */
export const unacknowledging: Readonly<Record<Effort, number>> = { short: 50, long: 2_000 }
export const receiveMaximum: Readonly<Record<Effort, number>> = { short: 5_000, long: 20_000 }
export const inFlight = 100
export const queuedMessages = 500

const mebibyte = 1024 * 1024

export const overloadNeverReleased = floodTorture({
  name: "overload never released",
  promise: "what is never released and never acknowledged takes no more room than the limits say",
  load: "never-released-load.ts",
  settings: (effort) => [
    `limits.receive_maximum=${receiveMaximum[effort]}`,
    `limits.in_flight=${inFlight}`,
    `limits.queued_messages=${queuedMessages}`,
    "limits.when_queue_full=drop-newest",
  ],
  // 200 clients with 20,000 identifiers each would take a hundred megabytes as a list, and take two as bits.
  // A million messages that wait are a heap that the runtime's collector looks through now and then.
  bounds: (effort) => ({
    roundTripMs: 250,
    growthBytes: (effort === "long" ? 400 : 150) * mebibyte,
    keptBytes: 200 * mebibyte,
  }),
  seen: {
    counts: ["clients/protocol-errors", "publish/messages/dropped/queue-full"],
    lines: ["a queue is filling", "message dropped", "protocol error"],
  },
})
