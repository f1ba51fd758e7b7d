import { describe, expect, test } from "bun:test"
import { acceptedAs, rejected, storedUser } from "../support/accounts.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { Authenticator } from "../../src/security/authentication/authentication.ts"
import { allVersions, lasting, named, payloads } from "../support/packets.ts"
import { principalOf } from "../../src/security/identity.ts"
import type { ClientIdBinding } from "../../src/storage/account-store.ts"
import { TestBroker } from "../support/test-broker.ts"

const byPassword: Authenticator = {
  authenticate: ({ username, password }) =>
    username === undefined || (password !== undefined && new TextDecoder().decode(password) === username)
      ? acceptedAs(username)
      : rejected(ReasonCode.badUserNameOrPassword),
}

describe("5.4.2 a session belongs to the identity that made it", () => {
  for (const version of allVersions) {
    for (const [name, stranger] of [
      ["another user", { username: "eve", password: "eve" }],
      ["nobody in particular", {}],
    ] as const) {
      for (const cleanStart of [false, true]) {
        test(`${name} who knows its client identifier is refused, and nothing happens to it (clean start ${cleanStart}), in ${named(version)}`, async () => {
          const broker = await TestBroker.start({ authenticator: byPassword })
          const watcher = await broker.connected("watcher")
          watcher.subscribes("will")
          const owner = { ...lasting, username: "ann", password: "ann" }
          const client = await broker.connected("a", { version, ...owner, will: { topic: "will" } })
          client.subscribes([{ filter: "t", qos: 1 }])
          const thief = broker.client("a", { version })
          expect(await thief.asks({ ...stranger, cleanStart })).toMatchObject({
            reasonCode: ReasonCode.clientIdentifierNotValid,
          })
          expect(thief.state).toBe("ended")
          expect(client.state).toBe("open")
          client.cuts()
          watcher.receives()
          const publisher = await broker.connected("p")
          publisher.publishes({ qos: 1, payload: "for ann" })
          const again = broker.client("a", { version })
          expect(await again.asks({ ...stranger, cleanStart })).toMatchObject({
            reasonCode: ReasonCode.clientIdentifierNotValid,
          })
          expect(again.receives()).toEqual([])
          const back = broker.client("a", { version })
          expect(await back.connects(owner)).toMatchObject({ sessionPresent: version !== 3 })
          expect(payloads(back.receives())).toEqual(["for ann"])
        })
      }
    }
  }

  test("a will that waits is not disturbed by a stranger either", async () => {
    const broker = await TestBroker.start({ authenticator: byPassword })
    const watcher = await broker.connected("watcher")
    watcher.subscribes("will")
    const client = await broker.connected("a", {
      ...lasting,
      username: "ann",
      password: "ann",
      will: { topic: "will", payload: "gone", properties: { willDelayInterval: 30 } },
    })
    client.cuts()
    await broker.client("a").asks({ cleanStart: true })
    await broker.client("a").asks({ username: "eve", password: "eve" })
    expect(watcher.receives()).toEqual([])
    await broker.passes(30)
    expect(payloads(watcher.receives())).toEqual(["gone"])
  })

  test("when the session is over, its client identifier is free for anyone", async () => {
    const broker = await TestBroker.start({ authenticator: byPassword })
    const client = await broker.connected("a", { username: "ann", password: "ann" })
    client.cuts()
    await broker.connected("a", { username: "eve", password: "eve" })
  })

  test("a wrong password changes nothing for whoever is connected [MQTT-3.1.4-2]", async () => {
    const broker = await TestBroker.start({ authenticator: byPassword })
    const client = await broker.connected("a", { ...lasting, username: "ann", password: "ann" })
    const thief = broker.client("a")
    expect(await thief.asks({ username: "ann", password: "guess" })).toMatchObject({
      reasonCode: ReasonCode.badUserNameOrPassword,
    })
    expect(client.state).toBe("open")
  })
})

describe("5.4.2 a user who is bound to client identifiers", () => {
  const bound = (clientId: ClientIdBinding) => {
    const account = storedUser("ann", { clientId })
    return TestBroker.start({
      authenticator: { authenticate: () => ({ verdict: "accept", principal: principalOf(account) }) },
    })
  }

  test("may have no other than its own", async () => {
    const broker = await bound({ kind: "exact", text: "pump" })
    await broker.connected("pump")
    for (const version of allVersions) {
      for (const other of ["pump-1", "Pump", "p"]) {
        const refusal = await broker.client(other, { version }).asks()
        expect(refusal).toMatchObject({
          reasonCode: ReasonCode.clientIdentifierNotValid,
        })
      }
    }
  })

  test("may have any that begins as its do", async () => {
    const broker = await bound({ kind: "prefix", text: "pump-" })
    await broker.connected("pump-7")
    expect(await broker.client("pump").asks()).toMatchObject({
      reasonCode: ReasonCode.clientIdentifierNotValid,
    })
  })

  test("gets one of its own where it leaves the choice to us [3.2.2.3.7]", async () => {
    const exact = await bound({ kind: "exact", text: "pump" })
    expect(await exact.client("").connects()).toMatchObject({
      properties: { assignedClientIdentifier: "pump" },
    })
    const prefix = await bound({ kind: "prefix", text: "pump-" })
    const { properties } = await prefix.client("").connects()
    expect(properties.assignedClientIdentifier).toStartWith("pump-auto-")
  })
})
