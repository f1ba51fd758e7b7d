import type { ConnectTarget } from "../../../src/transport/connect.ts"
import type { WatchedBroker } from "../../failure/watched-broker.ts"
import type { Random } from "../../support/random.ts"
import { type Cut, cuts } from "./pieces.ts"

/** How bytes come to the broker. */
export interface Way {
  readonly target: ConnectTarget
  readonly cut: Cut
}

export function everyWay(broker: WatchedBroker): Way[] {
  const { tcp, ws } = targetsOf(broker)
  return cuts.flatMap((cut) => [tcp, ws].map((target) => ({ target, cut })))
}

/** As chance has it, which prefers TCP. */
export function someWay(broker: WatchedBroker, random: Random): Way {
  const { tcp, ws } = targetsOf(broker)
  return { target: random.oneIn(8) ? ws : tcp, cut: cuts[random.below(cuts.length)] ?? "whole" }
}

function targetsOf(broker: WatchedBroker): { readonly tcp: ConnectTarget; readonly ws: ConnectTarget } {
  const target = (scheme: "tcp" | "ws") => ({ scheme, host: "127.0.0.1", port: broker.port(scheme) })
  return { tcp: target("tcp"), ws: target("ws") }
}
