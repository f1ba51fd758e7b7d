import type { DropReason } from "../foundation/counters.ts"
import type { Message } from "../protocol/message.ts"
import type { ClientId } from "../protocol/packet.ts"
import type { SharedPublish } from "../protocol/shared-publish.ts"
import type { PublishRun } from "../protocol/publish-run.ts"
import type { TopicFilter, TopicName } from "../protocol/topic.ts"
import { deliverEach, type DeliveryTerms, type Subscriber, type Subscription } from "../routing/subscriber.ts"
import type { SubscriptionTree } from "../routing/subscription-tree.ts"

/** What happens in a broker besides messages. */
export type BrokerEvent =
  | {
      readonly kind: "client-connected"
      readonly clientId: ClientId
      readonly username: string | undefined
      readonly address: string
      readonly version: string
      readonly sessionPresent: boolean
    }
  | {
      readonly kind: "client-disconnected"
      readonly clientId: ClientId
      readonly username: string | undefined
      readonly why: string
    }
  | {
      readonly kind: "client-refused"
      readonly clientId: string
      readonly username: string | undefined
      readonly address: string
      /** The address that it came in by. */
      readonly listener: string
      /** It said CONNECT, and who it is; false for what knocks and never asks to be let in. */
      readonly hasAsked: boolean
      readonly why: string
    }
  | { readonly kind: "session-taken-over"; readonly clientId: ClientId }
  | { readonly kind: "session-expired"; readonly clientId: ClientId }
  | { readonly kind: "subscribed"; readonly clientId: ClientId; readonly filter: string }
  | { readonly kind: "unsubscribed"; readonly clientId: ClientId; readonly filter: string }
  | {
      readonly kind: "message-dropped"
      /** Whose loss it is; empty for the broker itself. */
      readonly clientId: ClientId | ""
      readonly why: DropReason
      /** Undefined when it is not known, or there are several. */
      readonly topic: TopicName | undefined
      readonly messages: number
      /** Their topics, payloads and properties; an estimate where only the store had them, 0 where nobody knows. */
      readonly bytes: number
    }
  | {
      /** A queue has passed four fifths of a bound. Not told again before it was below one half of both. */
      readonly kind: "queue-filling"
      readonly clientId: ClientId
      readonly messages: number
      readonly bytes: number
    }

export type BrokerEventKind = BrokerEvent["kind"]
type EventOf<Kind extends BrokerEventKind> = Extract<BrokerEvent, { readonly kind: Kind }>

/** Takes a listener away again. */
export type Unlisten = () => void

/**
 * The one door inside: messages by filter, events by kind. A listener that throws is reported and harms nobody else;
 * watching costs nothing while nobody listens.
 */
export class Hook {
  readonly #tree: SubscriptionTree
  readonly #bug: (error: unknown) => void
  readonly #listeners = new Map<BrokerEventKind, Set<(event: BrokerEvent) => void>>()

  /** @param bug takes what a listener threw */
  constructor(tree: SubscriptionTree, bug: (error: unknown) => void) {
    this.#tree = tree
    this.#bug = bug
  }

  onMessage(filter: TopicFilter, listener: (message: Message) => void): Unlisten {
    const subscriber = new Listener(listener, this.#bug)
    const subscription: Subscription = {
      subscriber,
      filter,
      shareName: undefined,
      qos: 2,
      noLocal: false,
      retainAsPublished: true,
      retainHandling: 2,
      subscriptionIdentifiers: [],
    }
    this.#tree.add(subscription)
    return () => void this.#tree.remove(subscriber, filter, undefined)
  }

  onEvent<Kind extends BrokerEventKind>(kind: Kind, listener: (event: EventOf<Kind>) => void): Unlisten {
    const listeners = this.#listeners.get(kind) ?? new Set()
    this.#listeners.set(kind, listeners)
    // The map files listeners by kind, so each is only ever told events of its own.
    const told = listener as (event: BrokerEvent) => void
    listeners.add(told)
    return () => void listeners.delete(told)
  }

  /** Asked before an event is made, where making it would cost something. */
  hears(kind: BrokerEventKind): boolean {
    return (this.#listeners.get(kind)?.size ?? 0) > 0
  }

  tell(event: BrokerEvent): void {
    for (const listener of this.#listeners.get(event.kind) ?? []) {
      try {
        listener(event)
      } catch (error) {
        this.#bug(error)
      }
    }
  }
}

class Listener implements Subscriber {
  readonly clientId = ""
  readonly present = true
  readonly isStored = false
  readonly ready = true
  readonly load = 0
  readonly #listener: (message: Message) => void
  readonly #bug: (error: unknown) => void

  constructor(listener: (message: Message) => void, bug: (error: unknown) => void) {
    this.#listener = listener
    this.#bug = bug
  }

  mayRead(): boolean {
    return true
  }

  deliver(publish: SharedPublish): undefined {
    try {
      this.#listener(publish.message)
    } catch (error) {
      this.#bug(error)
    }
  }

  deliverRun(run: PublishRun, from: number, to: number, step: number, terms: DeliveryTerms): undefined {
    deliverEach(this, run, from, to, step, terms, undefined)
  }

  refuses(): boolean {
    return false
  }
}
