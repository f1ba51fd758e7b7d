import { CommandError } from "../output.ts"
import type { BenchOptions } from "./options.ts"
import type { Extent, Plan, Shape } from "./plan.ts"
import { isEven, Topology } from "./topology.ts"
import { usualBytes, usualInFlight, usualMs, usualTopics, usualWarmUpMs } from "./usual.ts"

/** What the packets of all publishers, and what the subscribers remember, may take of memory. */
const mostBytes = 512 * 1024 * 1024

/** @throws CommandError */
export function planOf(shape: Shape, options: BenchOptions): Plan {
  const mark = crypto.randomUUID().slice(0, 6)
  const perSecond = options.rate === "max" ? undefined : options.rate
  const { publishers = 0, subscribers = 0, clients = 0, qos = 0 } = options
  if (shape === "offline" && qos === 0)
    throw new CommandError("-q 0: messages of QoS 0 need not wait for anybody; use 1 or 2")
  if (options.require !== undefined && options.compare !== undefined) {
    throw new CommandError("--require and --compare exclude each other: leave one out")
  }
  const inFlight = options.inFlight ?? usualInFlight(publishers, subscribers, perSecond !== undefined)
  const plan: Plan = {
    shape,
    publishers,
    subscribers,
    topics: options.topics ?? usualTopics(shape, publishers, subscribers),
    hearing: options.share === true ? "shared" : shape === "fanout" || shape === "fanin" ? "all" : "apart",
    version: options.protocolVersion,
    keepAliveSeconds: options.keepalive,
    idPrefix: options.idPrefix ?? `bench-${mark}`,
    topicPrefix: options.topic ?? `bench/${mark}`,
    qos,
    payloadBytes: options.size ?? usualBytes,
    inFlight: shape === "conn" ? clients : inFlight,
    perSecond,
    connectsPerSecond: options.connectRate,
    extent: extentOf(options),
  }
  checkSize(plan)
  return plan
}

function extentOf({ for: ms, warmUp, count }: BenchOptions): Extent {
  if (count === undefined) return { by: "time", warmUpMs: warmUp ?? usualWarmUpMs, ms: ms ?? usualMs }
  if (ms !== undefined) throw new CommandError("--count and --for exclude each other: leave one out")
  if (warmUp !== undefined)
    throw new CommandError("--warm-up goes with --for: with --count everything counts")
  return { by: "count", count }
}

function checkSize(plan: Plan): void {
  const { subscribers, publishers, topics, payloadBytes } = plan
  if (!isEven(plan)) {
    throw new CommandError(
      `--subscribers ${subscribers} --topics ${topics}: each topic must have as many subscribers; choose a multiple`,
    )
  }
  const { lanes } = new Topology(plan, "")
  const packets = Math.max(publishers, topics) * (payloadBytes + 64)
  if (packets + subscribers * lanes * 12 > mostBytes) {
    throw new CommandError(
      "that load does not fit into memory: fewer --publishers, --subscribers or --topics, or a smaller --size",
    )
  }
}
