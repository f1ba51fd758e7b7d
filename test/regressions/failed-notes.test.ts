import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { disconnect, lasting, payloads } from "../support/packets.ts"
import { PromptStore } from "../support/prompt-store.ts"
import { TestBroker } from "../support/test-broker.ts"

/** A client with a will and a session that lasts, somebody who watches, and a disk that has begun to fail. */
async function onAFailingDisk(willDelayInterval = 0) {
  const store = new PromptStore()
  const broker = await TestBroker.start({ store })
  const watcher = await broker.connected("watcher")
  watcher.subscribes([{ filter: "will/#", qos: 0 }])
  const will = { topic: "will/c", payload: "gone", qos: 1, properties: { willDelayInterval } } as const
  const properties = { sessionExpiryInterval: 100 }
  const client = await broker.connected("c", { cleanStart: false, will, properties })
  store.fail("the disk is full")
  return { store, broker, watcher, client }
}

/** The broker is stopped and started again. @returns it, and somebody who watches for wills from the beginning */
async function startsAnew(broker: TestBroker, store: PromptStore) {
  const observer = await broker.connected("observer", lasting)
  observer.subscribes([{ filter: "will/#", qos: 1 }])
  const closing = broker.acceptor.close(ReasonCode.serverShuttingDown)
  await broker.settle()
  await closing
  broker.broker.close()
  const next = await TestBroker.start({ store: store.restarted() })
  return { broker: next, observer: await next.connected("observer", lasting) }
}

function disconnectedAtMs({ disk }: PromptStore): number | undefined {
  const [session] = [...disk.sessions.values()].filter(({ record }) => record.clientId === "c")
  return session?.record.disconnectedAtMs
}

describe("what happens to a session while the disk fails is noted as soon as it can be", () => {
  test("a will is not published at the next start, its client having said farewell [MQTT-3.1.2-10]", async () => {
    const { store, broker, watcher, client } = await onAFailingDisk()
    client.sends(disconnect())
    store.commit()
    expect(payloads(watcher.receives())).toEqual([])
    const next = await startsAnew(broker, store)
    await next.broker.passes(99)
    expect(payloads(next.observer.receives())).toEqual([])
  })

  test("a will that was published is not published again at the next start", async () => {
    const { store, broker, watcher, client } = await onAFailingDisk()
    client.cuts()
    expect(payloads(watcher.receives())).toEqual(["gone"])
    store.commit()
    const next = await startsAnew(broker, store)
    await next.broker.passes(99)
    expect(payloads(next.observer.receives())).toEqual([])
  })

  test("a will that waits is published once, also when it waits beyond the failure", async () => {
    const { store, broker, watcher, client } = await onAFailingDisk(10)
    client.cuts()
    store.commit()
    expect(payloads(watcher.receives())).toEqual([])
    const next = await startsAnew(broker, store)
    await next.broker.passes(99)
    expect(payloads(next.observer.receives())).toEqual(["gone"])
  })

  test("its expiry interval begins with the end of its connection, and not anew", async () => {
    const { store, broker, client } = await onAFailingDisk()
    const endedAtMs = broker.clock.now()
    client.cuts()
    await broker.passes(30)
    store.commit()
    expect(disconnectedAtMs(store)).toBe(endedAtMs)
  })

  test("a client that could not be let in leaves its session as it was", async () => {
    const { store, broker, client } = await onAFailingDisk()
    const endedAtMs = broker.clock.now()
    client.sends(disconnect())
    await broker.passes(30)
    for (let count = 0; count < 3; count++) {
      expect(await broker.client("c").asks(lasting)).toMatchObject({ reasonCode: ReasonCode.quotaExceeded })
    }
    store.commit()
    expect(disconnectedAtMs(store)).toBe(endedAtMs)
    const next = await startsAnew(broker, store)
    await next.broker.passes(60)
    expect(payloads(next.observer.receives())).toEqual([])
  })
})
