import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { type ShareName, subscriptionFilterText, type TopicFilter } from "../../src/protocol/topic.ts"
import type { Subscriber, Subscription } from "../../src/routing/subscriber.ts"
import { SessionSubscriptions } from "../../src/session/session-subscriptions.ts"

const subscription = fc
  .record({ filter: fc.nat(11).map(String), shareName: fc.constantFrom("g", undefined) })
  .map(({ filter, shareName }): Subscription => ({
    subscriber: {} as Subscriber,
    filter: filter as TopicFilter,
    shareName: shareName as ShareName | undefined,
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionIdentifiers: [],
  }))

describe("the subscriptions of a session", () => {
  test("are each filter and share name once, few or many", () => {
    const step = fc.record({ does: fc.constantFrom("put", "put", "delete"), subscription })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const subscriptions = new SessionSubscriptions()
        const model = new Map<string, Subscription>()
        for (const { does, subscription } of steps) {
          if (does === "put") {
            subscriptions.put(subscription)
            model.set(subscriptionFilterText(subscription), subscription)
          } else {
            subscriptions.delete(subscription)
            model.delete(subscriptionFilterText(subscription))
          }
          expect(subscriptions.get(subscription)).toBe(model.get(subscriptionFilterText(subscription)))
          expect(subscriptions.size).toBe(model.size)
          expect([...subscriptions]).toEqual([...model.values()])
        }
        subscriptions.clear()
        expect(subscriptions.size).toBe(0)
      }),
    )
  })
})
