import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import type { Authorizer } from "../../../src/security/access/authorization.ts"
import { DeferredStore } from "../../support/deferred-store.ts"
import { allQos, allVersions, lasting, named, payloads, publish, subscribe } from "../../support/packets.ts"
import { TestBroker, type TestBrokerOptions } from "../../support/test-broker.ts"

const nothingSecret: Authorizer = {
  publish: (_, topic) => (topic === "secret" ? "deny" : "pass"),
  subscribe: () => "pass",
}

async function brokerThat(refusedPublish: "answer" | "close", options: TestBrokerOptions = {}) {
  const broker = await TestBroker.start({
    ...options,
    authorizers: [nothingSecret],
    limits: { refusedPublish },
  })
  const watcher = await broker.connected("watcher", lasting)
  watcher.subscribes([{ filter: "#", qos: 1 }])
  return { broker, watcher }
}

const secret = { topic: "secret", payload: "psst" }

for (const version of allVersions) {
  describe(`security.refused_publish, in ${named(version)}:`, () => {
    for (const qos of allQos) {
      const words = { ...secret, qos, ...(qos > 0 && { packetId: 7 }) }

      test(`answer leaves the connection open at QoS ${qos} [MQTT-3.3.5-2]`, async () => {
        const { broker, watcher } = await brokerThat("answer")
        const client = await broker.connected("a", { version })
        client.sends(publish(words), publish({ topic: "open", payload: "x" }))
        const reasonCode = version === 5 ? ReasonCode.notAuthorized : ReasonCode.success
        expect(client.receives()).toMatchObject(
          [[], [{ type: "puback", packetId: 7, reasonCode }], [{ type: "pubrec", packetId: 7, reasonCode }]][
            qos
          ] ?? [],
        )
        expect(client.state).toBe("open")
        expect(payloads(watcher.receives())).toEqual(["x"])
        expect(broker.dropped).toEqual({ "not-authorized": 1 })
      })

      for (const retain of [false, true]) {
        test(`close ends the connection at QoS ${qos}${retain ? " of a retained message" : ""}, and its will is published [4.13.1]`, async () => {
          const { broker, watcher } = await brokerThat("close")
          const client = await broker.connected("a", { version, will: { topic: "will", payload: "gone" } })
          client.sendsTogether(
            publish({ topic: "open", payload: "before" }),
            publish({ ...words, retain }),
            publish({ topic: "open", payload: "behind" }),
            subscribe(8, "#"),
          )
          expect(client.receives()).toMatchObject(
            version === 5 ? [{ type: "disconnect", reasonCode: ReasonCode.notAuthorized }] : [],
          )
          expect(client.state).toBe("ended")
          expect(payloads(watcher.receives())).toEqual(["before", "gone"])
          expect(broker.dropped).toEqual({ "not-authorized": 1 })
        })
      }
    }

    test("close waits until what was published before is answered", async () => {
      const store = new DeferredStore()
      const { broker, watcher } = await brokerThat("close", { store })
      const client = await broker.connected("a", { version })
      store.hold()
      client.sendsTogether(
        publish({ topic: "open", qos: 1, packetId: 1, payload: "before" }),
        publish(secret),
        publish(secret),
        publish({ topic: "open", qos: 1, packetId: 2, payload: "behind" }),
      )
      expect(client.receives()).toEqual([])
      expect(client.state).toBe("open")
      store.commit()
      const ends = version === 5 ? [{ type: "disconnect", reasonCode: ReasonCode.notAuthorized }] : []
      expect(client.receives()).toMatchObject([{ type: "puback", packetId: 1 }, ...ends])
      expect(client.state).toBe("ended")
      expect(payloads(watcher.receives())).toEqual(["before"])
    })
  })
}

test("Who is closed in the middle of what it sent has no subscription from the rest of it", async () => {
  const { broker } = await brokerThat("close")
  const client = await broker.connected("a")
  const { size } = broker.broker.subscriptions
  client.sendsTogether(publish(secret), publish(secret), subscribe(8, "later"))
  expect(client.state).toBe("ended")
  expect(broker.broker.subscriptions.size).toBe(size)
})
