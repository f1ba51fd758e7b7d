import { describe, expect, test } from "bun:test"
import type { Packet } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { AccessRules } from "../../src/security/access/access-rules.ts"
import { AccountAuthenticator } from "../../src/security/authentication/account-authenticator.ts"
import {
  AuthenticationChain,
  anonymousAuthenticator,
} from "../../src/security/authentication/authentication.ts"
import { principalOf } from "../../src/security/identity.ts"
import { hashPassword } from "../../src/security/authentication/password.ts"
import { followStoredRules } from "../../src/security/access/stored-access-rules.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import {
  acceptedAs,
  addRules,
  rejected,
  removeRules,
  removeUser,
  saveUsers,
  storedUser,
} from "../support/accounts.ts"
import { encodePacket } from "../../src/protocol/encoder.ts"
import { connect, lasting, payloads, publish, subscribe } from "../support/packets.ts"
import type { ScriptedClient } from "../support/scripted-client.ts"
import { silentLog } from "../support/silent-log.ts"
import { bytesOf } from "../support/wire-notation.ts"
import { TestBroker } from "../support/test-broker.ts"
import { TurnedClock } from "../support/turned-clock.ts"

/*
 * Ways round the access rules, as they have been found in brokers: each is tried, and each is refused. `eve` may do what
 * is hers below eve/, `ann` owns safe/, and `root` sees everything.
 */

const rules = [
  "allow ann both safe/#",
  "allow eve both eve/#",
  "allow eve both public/${clientid}/#",
  "allow eve both rooms/${attr.room}/#",
  "allow group:guests both lobby/#",
] as const

class House {
  readonly store = new MemoryStore()
  readonly broker: TestBroker
  readonly root: ScriptedClient

  static async open(): Promise<House> {
    const store = new MemoryStore()
    const users = [
      storedUser("ann"),
      storedUser("eve", { groups: ["guests"], attributes: { room: "+" } }),
      storedUser("root", { superuser: true }),
    ]
    await saveUsers(store.accounts, ...users)
    await addRules(store.accounts, ...rules)
    const access = new AccessRules("auto", () => {})
    await followStoredRules(store, access, new TurnedClock(), silentLog)
    const authenticator = {
      authenticate: async ({ username }: { readonly username: string | undefined }) => {
        if (username === undefined) return acceptedAs(undefined)
        const account = await store.accounts.user(username)
        if (account === undefined) return rejected(ReasonCode.badUserNameOrPassword)
        return { verdict: "accept", principal: principalOf(account) } as const
      },
    }
    const broker = await TestBroker.start({ store, authenticator, authorizers: [access] })
    const root = await broker.connected("root", { username: "root" })
    root.subscribes("#")
    return new House(store, broker, root)
  }

  private constructor(store: MemoryStore, broker: TestBroker, root: ScriptedClient) {
    this.store = store
    this.broker = broker
    this.root = root
  }

  /** What anybody published, as who sees everything saw it. */
  seen(): string[] {
    return payloads(this.root.receives())
  }

  eve(words: Parameters<TestBroker["connected"]>[1] = {}): Promise<ScriptedClient> {
    return this.broker.connected("e", { username: "eve", ...words })
  }

  ann(words: Parameters<TestBroker["connected"]>[1] = {}): Promise<ScriptedClient> {
    return this.broker.connected("a", { username: "ann", ...words })
  }
}

/** The answer to one SUBSCRIBE, filter by filter. */
function asksFor(client: ScriptedClient, ...filters: readonly string[]): readonly number[] {
  client.sends(
    subscribe(
      9,
      filters.map((filter) => ({ filter })),
    ),
  )
  const suback = client.receives().find((packet) => packet.type === "suback")
  return suback?.type === "suback" ? suback.reasonCodes : []
}

function answersOf(packets: readonly Packet[]): unknown[] {
  return packets.map((packet) => ("reasonCode" in packet ? [packet.type, packet.reasonCode] : packet.type))
}

const { notAuthorized, topicFilterInvalid, topicNameInvalid } = ReasonCode

describe("Publishing where one may not is refused", () => {
  for (const version of [3, 4, 5] as const) {
    for (const qos of [0, 1, 2] as const) {
      for (const retain of [false, true]) {
        test(`in version ${version} at QoS ${qos}, retain ${retain}`, async () => {
          const house = await House.open()
          const eve = await house.eve({ version })
          const packetId = qos === 0 ? {} : { packetId: 5 }
          eve.sends(publish({ topic: "safe/door", qos, retain, payload: "open", ...packetId }))
          const answer = eve.receives()
          if (version === 5 && qos > 0) {
            expect(answersOf(answer)).toEqual([[qos === 1 ? "puback" : "pubrec", notAuthorized]])
          }
          expect(house.seen()).toEqual([])
          const late = await house.ann()
          late.subscribes("safe/#")
          expect(payloads(late.receives())).toEqual([])
        })
      }
    }
  }

  test("many at once behind one that is allowed", async () => {
    const house = await House.open()
    const eve = await house.eve()
    eve.sendsTogether(
      publish({ topic: "eve/a", payload: "mine" }),
      publish({ topic: "safe/a", payload: "one" }),
      publish({ topic: "safe/a", payload: "two" }),
      publish({ topic: "eve/a", payload: "mine again" }),
    )
    expect(house.seen()).toEqual(["mine", "mine again"])
  })

  test("by a topic alias that was set for the forbidden topic in a message that was refused", async () => {
    const house = await House.open()
    const eve = await house.eve()
    eve.sends(publish({ topic: "safe/door", payload: "one", properties: { topicAlias: 1 } }))
    eve.sends(publish({ topic: "", payload: "two", properties: { topicAlias: 1 } }))
    eve.sends(publish({ topic: "eve/x", payload: "mine", properties: { topicAlias: 1 } }))
    eve.sends(publish({ topic: "", payload: "mine too", properties: { topicAlias: 1 } }))
    expect(house.seen()).toEqual(["mine", "mine too"])
  })

  test("through a will, at CONNECT", async () => {
    const house = await House.open()
    const client = house.broker.client("e")
    const connack = await client.asks({ username: "eve", will: { topic: "safe/door", payload: "open" } })
    expect(connack).toMatchObject({ reasonCode: notAuthorized })
    expect(client.state).toBe("ended")
    expect(house.seen()).toEqual([])
  })

  test("through a will whose right is gone by the time it is published", async () => {
    const house = await House.open()
    const eve = await house.eve({ will: { topic: "lobby/door", payload: "open" } })
    await saveUsers(house.store.accounts, storedUser("eve"))
    await house.broker.settle()
    eve.cuts()
    expect(house.seen()).toEqual([])
  })

  test("under $SYS, even for who may do everything", async () => {
    const house = await House.open()
    house.root.sends(publish({ topic: "$SYS/broker/version", qos: 1, packetId: 3, payload: "forged" }))
    expect(answersOf(house.root.receives())).toEqual([["puback", notAuthorized]])
    // `$SYS/#` matches its own beginning as well [4.7.1.2].
    house.root.subscribes("$SYS/#")
    house.root.sends(publish({ topic: "$SYS", qos: 1, packetId: 4, payload: "forged" }))
    expect(answersOf(house.root.receives())).toEqual([["puback", notAuthorized]])
  })

  test("to topics that only look the same", async () => {
    const house = await House.open()
    const ann = await house.ann()
    const eve = await house.eve()
    // Another code point, another letter: a combining mark, a Cyrillic e, a full-width letter, a soft hyphen.
    for (const topic of [
      "eve\u0301/x",
      "\u0435ve/x",
      "\uff45ve/x",
      "e\u00adve/x",
      "EVE/x",
      "eve/../safe/x",
      "/eve/x",
    ]) {
      eve.sends(publish({ topic, qos: 1, packetId: 7, payload: topic }))
      // Dots are letters to MQTT, so the last but one is hers.
      const code = topic === "eve/../safe/x" ? ReasonCode.success : notAuthorized
      expect([topic, ...answersOf(eve.receives())]).toEqual([topic, ["puback", code]])
    }
    ann.receives()
  })

  test("with a NUL or a wildcard in the topic", async () => {
    const spoilt = encodePacket(publish({ topic: "eve/abc", payload: "x" }), 5)
    // Half a surrogate pair, an overlong slash, a byte that begins nothing.
    const bytes = ["ed a0 80", "c0 af 62", "ff 62 63"].map((text) => {
      const changed = new Uint8Array(spoilt)
      changed.set(bytesOf(text), 8)
      return changed
    })
    for (const each of [...["eve/\0", "eve/#", "eve/+"].map((topic) => publish({ topic })), ...bytes]) {
      const house = await House.open()
      const eve = await house.eve()
      eve.sends(each)
      expect([each, eve.state]).toEqual([each, "ended"])
      expect(house.seen()).toEqual([])
    }
  })
})

describe("Reading what one may not is refused", () => {
  test("by filters that reach further than the right", async () => {
    const house = await House.open()
    const eve = await house.eve()
    const filters = [
      "#",
      "+/#",
      "+/+",
      "safe/#",
      "safe/+",
      "safe",
      "+/door",
      "eve/#/x",
      "$SYS/#",
      "$SYS/broker/+",
    ]
    for (const filter of filters) {
      const expected = filter === "eve/#/x" ? topicFilterInvalid : notAuthorized
      expect([filter, ...asksFor(eve, filter)]).toEqual([filter, expected])
    }
    expect(asksFor(eve, "eve/#", "safe/#", "eve/+/x")).toEqual([2, notAuthorized, 2])
  })

  test("by a share group's name in front of the filter", async () => {
    const house = await House.open()
    const eve = await house.eve()
    for (const filter of [
      "$share/g/safe/#",
      "$share/eve/safe/door",
      "$share/g/#",
      "$share/eve/#",
      "$share/g/$SYS/#",
    ]) {
      expect([filter, ...asksFor(eve, filter)]).toEqual([filter, notAuthorized])
    }
    for (const filter of ["$share/eve/", "$share//safe/#", "$share/+/safe/#", "$share/g"]) {
      expect([filter, ...asksFor(eve, filter)]).toEqual([filter, topicFilterInvalid])
    }
  })

  test("in version 3.1.1, which is told 0x80", async () => {
    const house = await House.open()
    const eve = await house.eve({ version: 4 })
    expect(asksFor(eve, "safe/#", "eve/#")).toEqual([0x80, 2])
  })

  test("of what is retained there", async () => {
    const house = await House.open()
    const ann = await house.ann()
    ann.publishes({ topic: "safe/code", retain: true, payload: "1234" })
    const eve = await house.eve()
    expect(asksFor(eve, "safe/code", "safe/#", "#")).toEqual([notAuthorized, notAuthorized, notAuthorized])
    expect(eve.receives()).toEqual([])
  })

  test("by a subscription that was granted before the right was taken away", async () => {
    const house = await House.open()
    const eve = await house.eve()
    eve.subscribes("lobby/#")
    eve.subscribes("$share/g/lobby/#")
    await saveUsers(house.store.accounts, storedUser("eve"))
    await house.broker.settle()
    house.root.publishes({ topic: "lobby/a", payload: "for guests" })
    house.root.publishes({ topic: "lobby/a", qos: 1, payload: "for guests" })
    expect(eve.receives()).toEqual([])
  })

  test("and a member of a share group who lost the right is passed over for one who has it", async () => {
    for (const qos of [0, 1] as const) {
      const house = await House.open()
      const eve = await house.eve()
      eve.subscribes([{ filter: "$share/g/lobby/#", qos }])
      house.root.subscribes([{ filter: "$share/g/lobby/#", qos }])
      await saveUsers(house.store.accounts, storedUser("eve"))
      await house.broker.settle()
      const ann = await house.broker.connected("r", { username: "root" })
      const messages = ["one", "two", "three"].map((payload, index) =>
        publish({ topic: "lobby/a", qos, payload, ...(qos === 1 && { packetId: index + 1 }) }),
      )
      house.root.receives()
      ann.sendsTogether(...messages)
      for (const message of messages) ann.sends(message)
      expect(eve.receives()).toEqual([])
      // Each comes twice to root: by its share and by its subscription to #.
      expect(house.seen()).toHaveLength(12)
      expect(house.broker.dropped).toEqual({})
    }
  })

  test("by a session that is resumed after the right was taken away, of queued and of new messages", async () => {
    const house = await House.open()
    const eve = await house.eve(lasting)
    eve.subscribes([{ filter: "lobby/#", qos: 1 }])
    eve.cuts()
    house.root.publishes({ topic: "lobby/a", qos: 1, payload: "queued" })
    const [guests] = (await house.store.accounts.accessRules()).filter(({ line }) => line.includes("lobby"))
    await removeRules(house.store.accounts, guests?.id ?? 0)
    await house.broker.settle()
    const again = await house.eve({ ...lasting, version: 5 })
    house.root.publishes({ topic: "lobby/a", qos: 1, payload: "new" })
    expect(payloads(again.receivesAndAnswers())).toEqual([])
  })

  test("of what is sent again after a reconnect", async () => {
    const house = await House.open()
    const eve = await house.eve(lasting)
    eve.subscribes([{ filter: "lobby/#", qos: 1 }])
    house.root.publishes({ topic: "lobby/a", qos: 1, payload: "unacknowledged" })
    expect(payloads(eve.receives())).toEqual(["unacknowledged"])
    eve.cuts()
    await saveUsers(house.store.accounts, storedUser("eve"))
    await house.broker.settle()
    const again = await house.eve(lasting)
    expect(payloads(again.receives())).toEqual([])
  })
})

describe("A name is never wider than itself", () => {
  for (const clientId of ["+", "#", "a/b", "+/#", "/"]) {
    test(`as the client identifier ${clientId} in a placeholder`, async () => {
      const house = await House.open()
      const eve = await house.broker.connected(clientId, { username: "eve" })
      for (const filter of [`public/${clientId}/#`, "public/+/#", "public/#"]) {
        const [code] = asksFor(eve, filter)
        expect([filter, code === notAuthorized || code === topicFilterInvalid]).toEqual([filter, true])
      }
      eve.sends(publish({ topic: "public/a/b/x", qos: 1, packetId: 7, payload: "x" }))
      expect(answersOf(eve.receives())).toEqual([["puback", notAuthorized]])
    })
  }

  test("as an attribute in a placeholder", async () => {
    const house = await House.open()
    const eve = await house.eve()
    expect(asksFor(eve, "rooms/+/#", "rooms/1/#")).toEqual([notAuthorized, notAuthorized])
  })

  test("as a user called everyone, anonymous, or group:guests", async () => {
    const house = await House.open()
    const names = [
      "everyone",
      "anonymous",
      "group:guests",
      "user:ann",
      "client:a",
      "ann ",
      "Ann",
      "an\u006e\u0303",
    ]
    await saveUsers(house.store.accounts, ...names.map((name) => storedUser(name)))
    for (const name of names) {
      const client = await house.broker.connected(`c-${name}`, { username: name })
      expect([name, ...asksFor(client, "safe/#", "lobby/#")]).toEqual([name, notAuthorized, notAuthorized])
    }
  })
})

describe("Somebody else's session is not to be had", () => {
  for (const cleanStart of [true, false]) {
    test(`nor kicked or ended (clean start ${cleanStart})`, async () => {
      const house = await House.open()
      const ann = await house.ann(lasting)
      ann.subscribes([{ filter: "safe/#", qos: 1 }])
      const thief = house.broker.client("a")
      expect(await thief.asks({ username: "eve", cleanStart })).toMatchObject({
        reasonCode: ReasonCode.clientIdentifierNotValid,
      })
      expect(ann.state).toBe("open")
      ann.cuts()
      house.root.publishes({ topic: "safe/a", qos: 1, payload: "for ann" })
      await house.broker.client("a").asks({ username: "eve", cleanStart })
      await house.broker.client("a").asks({ cleanStart })
      const back = await house.ann({ cleanStart: false })
      expect(payloads(back.receives())).toEqual(["for ann"])
    })
  }

  test("by whoever takes the name of a user that was removed", async () => {
    const house = await House.open()
    const ann = await house.ann()
    await removeUser(house.store.accounts, "ann")
    await house.broker.settle()
    expect(ann.state).toBe("ended")
    expect(await house.broker.client("a").asks({ username: "ann" })).toMatchObject({
      reasonCode: ReasonCode.badUserNameOrPassword,
    })
  })
})

describe("A login that is no login is refused:", () => {
  const secret = "secret"
  const passwordHash = hashPassword(secret)

  async function verdictOn(username: string | undefined, password: Uint8Array | undefined) {
    const { accounts } = new MemoryStore()
    await saveUsers(accounts, storedUser("ann", { passwordHash: await passwordHash }))
    const chain = new AuthenticationChain([new AccountAuthenticator(accounts, silentLog)])
    return chain.authenticate({
      clientId: "a",
      username,
      password,
      remoteAddress: "192.0.2.1",
      certificate: undefined,
      listener: "tcp",
    })
  }

  const attempts: readonly [string, string | undefined, Uint8Array | undefined][] = [
    ["no name at all", undefined, Buffer.from(secret)],
    ["an empty name", "", Buffer.from(secret)],
    ["no password", "ann", undefined],
    ["an empty password", "ann", Buffer.from("")],
    ["the hash itself", "ann", Buffer.from("$argon2id$v=19$m=19456,t=2,p=1$")],
    ["a password with a NUL behind it", "ann", Buffer.from(`${secret}\0`)],
    ["a password with a newline behind it", "ann", Buffer.from(`${secret}\n`)],
    ["a password in other letters", "ann", Buffer.from("SECRET")],
    ["a password that looks the same", "ann", Buffer.from("s\u0435cret")],
    ["bytes that are no UTF-8", "ann", Uint8Array.of(0xff, 0xfe, 0x00, 0x80)],
    ["a password of 65,535 bytes", "ann", new Uint8Array(65_535).fill(0x61)],
    ["a name with a NUL behind it", "ann\0", Buffer.from(secret)],
    ["a name in other letters", "ANN", Buffer.from(secret)],
    ["a name that looks the same", "\u0430nn", Buffer.from(secret)],
    ["a name of 65,535 bytes", "a".repeat(65_535), Buffer.from(secret)],
    ["SQL for a name", "' OR 1=1 --", Buffer.from(secret)],
    ["a pattern for a name", "%", Buffer.from(secret)],
  ]

  for (const [what, username, password] of attempts) {
    test(what, async () => {
      expect(await verdictOn(username, password)).toMatchObject({ verdict: "reject" })
    })
  }

  test("and all of them look the same from outside, but for who shows no name", async () => {
    const codes = new Set<unknown>()
    for (const [, username, password] of attempts) {
      if (username === undefined) continue
      const verdict = await verdictOn(username, password)
      codes.add(verdict.verdict === "reject" ? verdict.reasonCode : verdict)
    }
    expect([...codes]).toEqual([ReasonCode.badUserNameOrPassword])
  })

  test("but the right one is let in", async () => {
    expect(await verdictOn("ann", Buffer.from(secret))).toMatchObject({ verdict: "accept" })
  })

  test("packets sent behind a CONNECT that is refused are not looked at", async () => {
    const house = await House.open()
    const client = house.broker.client("e")
    client.sends(
      connect(5, { clientId: "e", username: "nobody" }),
      publish({ topic: "eve/x", payload: "x" }),
      subscribe(1, "#"),
    )
    await house.broker.settle()
    expect(client.receives()).toHaveLength(1)
    expect(house.seen()).toEqual([])
  })

  test("nobody in particular is let in only where the listener says so", async () => {
    const nobody = {
      clientId: "a",
      username: undefined,
      password: undefined,
      remoteAddress: "",
      certificate: undefined,
      listener: "",
    }
    const { accounts } = new MemoryStore()
    const links = [new AccountAuthenticator(accounts, silentLog)]
    expect(await new AuthenticationChain(links).authenticate(nobody)).toMatchObject({ verdict: "reject" })
    const open = new AuthenticationChain([...links, anonymousAuthenticator])
    expect(await open.authenticate(nobody)).toMatchObject({ verdict: "accept" })
    expect(await open.authenticate({ ...nobody, username: "" })).toMatchObject({ verdict: "reject" })
  })
})

describe("Topics that cannot be are no way round either", () => {
  test("an empty one, and one of too many levels", async () => {
    const house = await House.open()
    const eve = await house.eve()
    expect(asksFor(eve, "eve/".repeat(200), "eve/#")).toEqual([topicFilterInvalid, 2])
    eve.sends(publish({ topic: `eve${"/x".repeat(200)}`, payload: "x" }))
    expect(eve.receives()).toMatchObject([{ type: "disconnect", reasonCode: topicNameInvalid }])
  })
})
