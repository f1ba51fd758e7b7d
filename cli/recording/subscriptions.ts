import type { ProtocolVersion, Publish, Qos, SubscribeRequest } from "../../src/protocol/packet.ts"
import type { PropertiesOf } from "../../src/protocol/properties.ts"
import type { ClientRun } from "../client-run.ts"
import type { ConnectionPlan } from "../connection-options.ts"
import { beginSubscriptions } from "../sub/subscribe.ts"

/*
 * What was retained before and what is retained now are told apart by the subscription they come by. A first one asks for
 * the retained messages; a second to the same filters, which asks for none, takes its place at once. Both want the flags
 * as they were published: Mosquitto 2.0 goes on with those of the first.
 */

const forStored = 1
const forNew = 2

/** @returns false when the server refused all of the filters, which is said */
export async function subscribeForRecording(
  run: ClientRun,
  plan: ConnectionPlan,
  filters: readonly string[],
  { qos, stored }: { readonly qos: Qos; readonly stored: boolean },
): Promise<boolean> {
  const requests = (retainHandling: 0 | 2): readonly SubscribeRequest[] =>
    filters.map((filter) => ({ filter, qos, noLocal: false, retainAsPublished: true, retainHandling }))
  // Before MQTT 5 a set flag means stored. A server that knows no identifiers leaves open what it means.
  if (plan.client.version !== 5 || run.connack.subscriptionIdentifiersAvailable === false) {
    return beginSubscriptions(run, plan, requests(stored ? 0 : 2), false)
  }
  const properties = (identifier: number): PropertiesOf<"subscribe"> => ({
    ...plan.properties.subscribe,
    subscriptionIdentifiers: [identifier],
  })
  // Both leave in one write. Who refuses the first refuses the second as well.
  const first = stored ? run.client.subscribe(requests(0), properties(forStored)) : undefined
  const [granted] = await Promise.all([
    beginSubscriptions(
      run,
      { ...plan, properties: { ...plan.properties, subscribe: properties(forNew) } },
      requests(2),
      false,
    ),
    first,
  ])
  return granted
}

/** Whether it was retained before we subscribed; false where the server does not let us know. */
export function wasStored({ retain, properties }: Publish, version: ProtocolVersion): boolean {
  return retain && (version !== 5 || properties.subscriptionIdentifiers?.includes(forStored) === true)
}
