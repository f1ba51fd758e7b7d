import { userName } from "../access.ts"
import { Belt, readFour, stamp } from "../../src/client/belt.ts"
import type { LoadClient } from "../../src/client/load-client.ts"
import { connectLoadClient, type Doors } from "../load-client.ts"
import type { Traffic } from "../scenario-kinds.ts"
import { inBatches } from "./in-batches.ts"

/** As many as brokers give without being asked for more. */
const aliasesTaken = 10

/** A client that publishes, and what it publishes. */
export interface TrafficPublisher {
  readonly client: LoadClient
  readonly belt: Belt
}

export function connectSubscribers(doors: Doors, traffic: Traffic): Promise<LoadClient[]> {
  const { transport, persistent, aliases, qos, named } = traffic
  return connectAll(traffic.subscribers, async (index) => {
    const client = await connectLoadClient(doors, {
      clientId: `subscriber-${index}`,
      version: traffic.subscriberVersion(index),
      transport,
      persistent,
      topicAliasMaximum: aliases ? aliasesTaken : 0,
      ...(named && { username: userName(index) }),
    })
    await client.subscribe(traffic.filters(index), qos)
    return client
  })
}

export function connectBystanders(doors: Doors, { bystanders, qos }: Traffic): Promise<LoadClient[]> {
  return connectAll(bystanders.length, async (index) => {
    const client = await connectLoadClient(doors, { clientId: `bystander-${index}` })
    await client.subscribe(bystanders[index] ?? [], qos)
    return client
  })
}

/**
 * @param burst the most messages that a publisher writes at a time
 * @throws Error when the broker does not take what the traffic asks of it
 */
export function connectPublishers(
  doors: Doors,
  traffic: Traffic,
  burst: number,
): Promise<TrafficPublisher[]> {
  return connectAll(traffic.publishers, async (index) => {
    const version = traffic.publisherVersion(index)
    const { transport, named } = traffic
    const client = await connectLoadClient(doors, {
      clientId: `publisher-${index}`,
      version,
      transport,
      ...(named && { username: userName(index) }),
    })
    if (traffic.aliases && client.terms.topicAliasMaximum < traffic.topics(index).length) {
      throw new Error(`the broker takes no more than ${client.terms.topicAliasMaximum} topic aliases`)
    }
    return { client, belt: new Belt(index, traffic, version, burst) }
  })
}

/** Sees that what one subscriber gets of a publisher comes in order and once. */
export class SequenceCheck {
  readonly #last: Float64Array

  constructor(publishers: number) {
    this.#last = new Float64Array(publishers).fill(-1)
  }

  /** Hot. @returns whether the message is later in its publisher's sequence than all before it */
  isNext(payload: Uint8Array, start: number): boolean {
    const publisher = readFour(payload, start + stamp.publisher)
    const sequence = readFour(payload, start + stamp.sequence)
    const isNext = sequence > (this.#last[publisher] ?? Infinity)
    this.#last[publisher] = sequence
    return isNext
  }
}

async function connectAll<Client>(
  count: number,
  connect: (index: number) => Promise<Client>,
): Promise<Client[]> {
  const clients: Client[] = []
  await inBatches(count, async (index) => {
    clients[index] = await connect(index)
  })
  return clients
}
