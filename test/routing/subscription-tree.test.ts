import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { topicMatches, type ShareName, type TopicFilter } from "../../src/protocol/topic.ts"
import type { Subscriber, Subscription } from "../../src/routing/subscriber.ts"
import { SubscriptionTree } from "../../src/routing/subscription-tree.ts"
import { topicFilter, topicName } from "./topic-arbitraries.ts"

function subscriber(): Subscriber {
  const deliver = () => undefined
  return {
    clientId: "",
    present: true,
    isStored: false,
    ready: true,
    mayRead: () => true,
    load: 0,
    deliver,
    deliverRun: deliver,
    refuses: () => false,
  }
}

function subscription(to: Subscriber, filter: TopicFilter, shareName?: string): Subscription {
  return {
    subscriber: to,
    filter,
    shareName: shareName as ShareName | undefined,
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionIdentifiers: [],
  }
}

describe("the subscription tree", () => {
  test("matches what the specification's words match [4.7]", () => {
    fc.assert(
      fc.property(fc.uniqueArray(topicFilter, { maxLength: 20 }), topicName, (filters, topic) => {
        const tree = new SubscriptionTree("round-robin")
        const one = subscriber()
        for (const filter of filters) tree.add(subscription(one, filter))
        const found = tree.match(topic).subscriptions.map(({ filter }) => filter)
        const meant = filters.filter((filter) => topicMatches(filter, topic))
        expect(found.toSorted()).toEqual(meant.toSorted())
      }),
      { numRuns: 1_000 },
    )
  })

  const steps = fc.array(
    fc.record({
      does: fc.constantFrom("add" as const, "remove" as const),
      who: fc.integer({ min: 0, max: 2 }),
      filter: topicFilter,
      shareName: fc.constantFrom(undefined, "g", "h"),
    }),
    { maxLength: 40 },
  )

  test("holds exactly what was added and not removed, and nothing when all is removed", () => {
    fc.assert(
      fc.property(steps, topicName, (sequence, topic) => {
        const tree = new SubscriptionTree("round-robin")
        const subscribers = [subscriber(), subscriber(), subscriber()]
        const model = new Map<string, Subscription>()
        for (const { does, who, filter, shareName } of sequence) {
          const to = subscribers[who] ?? subscriber()
          const key = `${who} ${shareName} ${filter}`
          const epoch = tree.epoch
          if (does === "add") {
            const added = subscription(to, filter, shareName)
            expect(tree.add(added)).toBe(model.get(key) as Subscription)
            model.set(key, added)
            expect(tree.epoch).toBeGreaterThan(epoch)
          } else {
            const removed = tree.remove(to, filter, shareName as ShareName | undefined)
            expect(removed).toBe(model.get(key) as Subscription)
            if (model.delete(key)) expect(tree.epoch).toBeGreaterThan(epoch)
          }
        }
        const left = [...model.values()]
        expect(tree.size).toBe(left.length)
        expect(tree.sharedSize).toBe(left.filter(({ shareName }) => shareName !== undefined).length)
        const matches = tree.match(topic)
        const meant = left.filter(({ filter }) => topicMatches(filter, topic))
        const own = matches.subscriptions
        expect(new Set(own)).toEqual(new Set(meant.filter(({ shareName }) => shareName === undefined)))
        const shared = matches.groups.reduce((sum, { size }) => sum + size, 0)
        expect(shared).toBe(meant.length - own.length)
        for (const each of left) tree.remove(each.subscriber, each.filter, each.shareName)
        expect(tree.size).toBe(0)
        expect(tree.match(topic)).toEqual({ subscriptions: [], groups: [] })
      }),
      { numRuns: 300 },
    )
  })
})
