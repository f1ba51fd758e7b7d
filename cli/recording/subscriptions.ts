import type { ProtocolVersion, Publish, Qos, SubscribeRequest } from "../../src/protocol/packet.ts"
import type { PropertiesOf } from "../../src/protocol/properties.ts"
import type { ClientRun } from "../client-run.ts"
import type { ConnectionPlan } from "../connection-options.ts"
import { subscribe } from "../sub.ts"

/*
 * What was retained before and what is published now are told apart by the subscription they come by. The retained
 * messages are asked for by a first one; a second to the same filters takes its place at once, which asks for no
 * retained messages and for the retain flags as they were published.
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
    filters.map((filter) => ({
      filter,
      qos,
      noLocal: false,
      retainAsPublished: retainHandling === 2,
      retainHandling,
    }))
  // Before MQTT 5 a set flag means stored. A server that knows no identifiers leaves open what it means.
  if (plan.client.version !== 5 || run.connack.subscriptionIdentifiersAvailable === false) {
    const asPublished = requests(stored ? 0 : 2).map((request) => ({ ...request, retainAsPublished: true }))
    return subscribe(run, plan, asPublished)
  }
  const properties = (identifier: number): PropertiesOf<"subscribe"> => ({
    ...plan.properties.subscribe,
    subscriptionIdentifiers: [identifier],
  })
  // Both leave in one write. Who refuses the first refuses the second as well.
  const first = stored ? run.client.subscribe(requests(0), properties(forStored)) : undefined
  const [granted] = await Promise.all([
    subscribe(
      run,
      { ...plan, properties: { ...plan.properties, subscribe: properties(forNew) } },
      requests(2),
    ),
    first,
  ])
  return granted
}

/** Whether it was retained before we subscribed; false where the server does not let us know. */
export function wasStored({ retain, properties }: Publish, version: ProtocolVersion): boolean {
  return retain && (version !== 5 || properties.subscriptionIdentifiers?.includes(forStored) === true)
}
