import { filterCovers } from "../../src/mosquitto/filter-relations.ts"
import type { RetainHandling, SubscribeRequest } from "../../src/protocol/packet.ts"
import { describeReasonCode, isError } from "../../src/protocol/reason-code.ts"
import { parseSubscriptionFilter, wireTopicLimits } from "../../src/protocol/topic.ts"
import type { ClientRun } from "../client-run.ts"
import type { ConnectionOptions, ConnectionPlan } from "../connection-options.ts"
import { CommandError } from "../output.ts"
import type { Expectation } from "./expectation.ts"

/** What to subscribe to, and how. */
export interface SubscribeOptions extends ConnectionOptions {
  readonly topic?: readonly string[]
  readonly unsubscribe?: readonly string[]
  readonly hideRetained?: true
  readonly retainAsPublished?: true
  readonly retainHandling?: RetainHandling
}

/**
 * The filters to subscribe to: those of -t, or those that the expectations are about.
 *
 * @throws CommandError there are none, or one is none
 */
export function filtersOf(
  { topic, unsubscribe = [] }: SubscribeOptions,
  expectations: readonly Expectation[],
): readonly string[] {
  const filters = topic ?? withoutCovered(expectations.flatMap(({ subscription }) => subscription ?? []))
  for (const filter of topic ?? []) checkFilter("-t", filter)
  for (const filter of unsubscribe) checkFilter("-U", filter)
  if (filters.length > 0 || unsubscribe.length > 0) return filters
  throw new CommandError("no topic: add -t FILTER")
}

/** For two subscriptions that overlap, a server may send a message twice [3.3.4]; and it would count twice. */
function withoutCovered(filters: readonly string[]): readonly string[] {
  const distinct = [...new Set(filters)]
  return distinct.filter(
    (filter) => !distinct.some((other) => other !== filter && filterCovers(other, filter)),
  )
}

/** @throws CommandError */
export function checkFilter(flag: string, text: string): void {
  if (parseSubscriptionFilter(text, wireTopicLimits) !== undefined) return
  throw new CommandError(`${flag} ${text}: in a topic filter + fills a whole level, and # the last one`)
}

/**
 * Makes the subscriptions and ends those of -U.
 *
 * @param needsAll one that is refused is a failure
 * @returns false when there is nothing to wait for
 */
export async function subscribe(
  run: ClientRun,
  plan: ConnectionPlan,
  filters: readonly string[],
  options: SubscribeOptions,
  needsAll: boolean,
): Promise<boolean> {
  const requests = filters.map((filter) => requestOf(filter, options))
  const granted = await Promise.all([
    beginSubscriptions(run, plan, requests, needsAll),
    ...(options.unsubscribe ?? []).map((filter) => end(run, plan, filter)),
  ])
  return !granted.includes(false)
}

function requestOf(
  filter: string,
  { qos, retainAsPublished, retainHandling, hideRetained, asMosquitto }: SubscribeOptions,
): SubscribeRequest {
  return {
    filter,
    qos,
    noLocal: false,
    retainAsPublished: retainAsPublished === true,
    // Mosquitto does not have sent what it would not print; who removes retained messages must see them.
    retainHandling: retainHandling ?? (hideRetained === true && asMosquitto === true ? 2 : 0),
  }
}

/**
 * @param needsAll one that is refused is a failure
 * @returns false when the server refused all of them, or one of those that are all needed
 */
export async function beginSubscriptions(
  run: ClientRun,
  { manner, properties }: ConnectionPlan,
  requests: readonly SubscribeRequest[],
  needsAll: boolean,
): Promise<boolean> {
  if (requests.length === 0) return true
  const { reasonCodes } = await run.client.subscribe(requests, properties.subscribe)
  const [first] = reasonCodes
  if (first !== undefined && reasonCodes.every(isError)) {
    run.fail(manner.allDenied(first))
    return false
  }
  let isEnough = true
  for (const [index, code] of reasonCodes.entries()) {
    if (!isError(code)) continue
    const filter = requests[index]?.filter ?? ""
    const denied = needsAll ? manner.responseDenied(filter, code) : manner.someDenied(filter, code)
    if (denied !== undefined) run.fail(denied)
    isEnough &&= !needsAll
  }
  return isEnough
}

/** Ends a subscription. That one is refused is told of, and no failure. */
async function end(run: ClientRun, { properties }: ConnectionPlan, filter: string): Promise<boolean> {
  const { reasonCodes } = await run.client.unsubscribe([filter], properties.unsubscribe)
  for (const code of reasonCodes) {
    if (isError(code)) run.warn(`unsubscribe from ${filter} refused: ${describeReasonCode(code)}`)
  }
  return true
}
