import type { ClientId, Qos, RetainHandling } from "../protocol/packet.ts"
import type { SharedPublish } from "../protocol/shared-publish.ts"
import type { PublishRun } from "../protocol/publish-run.ts"
import type { ShareName, TopicFilter, TopicName } from "../protocol/topic.ts"
import type { Ticket } from "../foundation/ticket.ts"

/** Whoever takes messages: the session of a client, connected or not, and later a rule, a bridge, a peer. */
export interface Subscriber {
  /** Tells the publisher's own subscriptions apart, for No Local [3.8.3.1]. */
  readonly clientId: ClientId | ""
  /** Its client is connected, busy or not. */
  readonly present: boolean
  /** What it takes above QoS 0 is stored before it is acknowledged to the publisher. */
  readonly isStored: boolean
  /** It can put a message on the wire at once: share groups prefer such a member [4.8.2]. */
  readonly ready: boolean
  /** Hot. Its client may read the topic, as far as anybody knows: share groups pass over a member who may not. */
  mayRead(topic: TopicName): boolean
  /** Messages it has not acknowledged yet, those in its queue included. */
  readonly load: number
  /**
   * Hot. Takes the message over: sends it, queues it, or drops it and counts that.
   *
   * @param group the share group that chose this subscriber, which wants the message back should it fail to deliver it
   * @returns what the publisher's acknowledgement must wait for, if anything
   */
  deliver(publish: SharedPublish, terms: DeliveryTerms, group: Redelivery | undefined): Ticket | undefined
  /**
   * Hot. The same for every `step`th of `[from, to)` of a run. `deliverEach` does it for whoever has no quicker way.
   */
  deliverRun(
    run: PublishRun,
    from: number,
    to: number,
    step: number,
    terms: DeliveryTerms,
    group: Redelivery | undefined,
  ): Ticket | undefined
  /** Its queue is full and its owner wants publishers refused then, rather than messages dropped. */
  refuses(publish: SharedPublish): boolean
}

/** Hands over a run message by message. @returns the last ticket: what was told together is kept together */
export function deliverEach(
  subscriber: Subscriber,
  run: PublishRun,
  from: number,
  to: number,
  step: number,
  terms: DeliveryTerms,
  group: Redelivery | undefined,
): Ticket | undefined {
  let ticket: Ticket | undefined
  for (let index = from; index < to; index += step) {
    ticket = subscriber.deliver(run.publish(index), terms, group) ?? ticket
  }
  return ticket
}

/** What the subscriptions of one subscriber that match one topic come to together [3.3.4]. */
export interface DeliveryTerms {
  /** The highest of them: the message goes out at this or its own, whichever is lower [3.8.4]. */
  readonly qos: Qos
  readonly retainAsPublished: boolean
  readonly subscriptionIdentifiers: readonly number[]
}

/** Gives a message that a member of a share group did not deliver to another member. */
export interface Redelivery {
  /** @returns what it is sure with that another has it, if anything; `nobody` when none can take it */
  redeliver(publish: SharedPublish, instead: Subscriber): Ticket | "nobody" | undefined
}

/** A subscriber's interest in a topic filter [3.8.3]. */
export interface Subscription extends DeliveryTerms {
  readonly subscriber: Subscriber
  readonly filter: TopicFilter
  readonly shareName: ShareName | undefined
  readonly noLocal: boolean
  readonly retainHandling: RetainHandling
}
