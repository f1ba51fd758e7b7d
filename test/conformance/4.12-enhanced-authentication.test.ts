import { describe, expect, test } from "bun:test"
import type { BrokerEvent } from "../../src/broker/hook.ts"
import type { Auth, Connect, Packet } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { Credentials } from "../../src/security/authentication/credentials.ts"
import type { Authorizer } from "../../src/security/access/authorization.ts"
import type { ExchangeAuthenticator, ExchangeVerdict } from "../../src/security/authentication/exchange.ts"
import { plainPrincipal } from "../../src/security/identity.ts"
import { makeScramCredentials } from "../../src/security/authentication/scram.ts"
import { ScramAuthenticator } from "../../src/security/authentication/scram-exchange.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import { saveUsers, storedUser } from "../support/accounts.ts"
import { connect, disconnect, lasting, payloads, pingreq, publish, subscribe } from "../support/packets.ts"
import { ScramClient } from "../support/scram-client.ts"
import type { ScriptedClient } from "../support/scripted-client.ts"
import { TestBroker, type TestBrokerOptions } from "../support/test-broker.ts"
import { bytesOf } from "../support/wire-notation.ts"

const method = "OBLIGING"
const bytes = (text: string) => new TextEncoder().encode(text)

/**
 * Does what the client asks for: `more` goes on, `more TEXT` with another question, `let in NAME` and `refuse` end it, `break` is a bug. `wait` and what
 * follows it comes when the test says so.
 */
class Obliging implements ExchangeAuthenticator {
  readonly method = method
  readonly begun: Credentials[] = []
  readonly #waiting: (() => void)[] = []

  begin(credentials: Credentials) {
    this.begun.push(credentials)
    return {
      step: (data: Uint8Array | undefined) => {
        const [word, ...rest] = new TextDecoder().decode(data).split(": ")
        if (word !== "wait") return this.#verdict(word ?? "")
        return new Promise<void>((resolve) => this.#waiting.push(resolve)).then(() =>
          this.#verdict(rest.join(": ")),
        )
      },
    }
  }

  goesOn(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #verdict(said: string): ExchangeVerdict {
    if (said.startsWith("more")) return { verdict: "continue", data: bytes(said.slice(5) || "and?") }
    if (said === "break") throw new Error("a bug")
    if (said.startsWith("let in ")) {
      const [username = "", ...words] = said.slice(7).split(" ")
      const principal = { ...plainPrincipal(username), superuser: words.includes("superuser") }
      return { verdict: "accept", principal, data: words.includes("silently") ? undefined : bytes("hello") }
    }
    return { verdict: "reject", reasonCode: ReasonCode.badUserNameOrPassword, why: "it is not obliging" }
  }
}

function auth(data: string | undefined, words: Partial<Auth["properties"]> = {}, code = 0x18): Auth {
  const properties = {
    authenticationMethod: method,
    ...(data !== undefined && { authenticationData: bytes(data) }),
    ...words,
  }
  return { type: "auth", reasonCode: code as ReasonCode, properties }
}

const again = (data: string) => auth(data, {}, 0x19)
const question = auth("and?")
const welcome = {
  type: "connack",
  reasonCode: ReasonCode.success,
  properties: { authenticationMethod: method, authenticationData: bytes("hello") },
}

/** A broker that knows the method, and all that it tells of refusals. */
async function start(options: TestBrokerOptions = {}) {
  const obliging = new Obliging()
  const broker = await TestBroker.start({ exchanges: [obliging], ...options })
  const refusals: string[] = []
  broker.broker.hook.onEvent(
    "client-refused",
    ({ clientId, why }: Extract<BrokerEvent, { why: string; address: string }>) =>
      void refusals.push(`${clientId}: ${why}`),
  )
  const begins = (
    clientId: string,
    data: string,
    words: Partial<Connect["properties"]> = {},
  ): ScriptedClient => {
    const client = broker.client(clientId)
    const properties = { authenticationMethod: method, authenticationData: bytes(data), ...words }
    client.sends(connect(5, { clientId, properties }))
    return client
  }
  /** Somebody who is online, by that method. */
  const online = async (clientId: string, username = "ann", words: Parameters<typeof connect>[1] = {}) => {
    const client = broker.client(clientId)
    const properties = { authenticationMethod: method, authenticationData: bytes(`let in ${username}`) }
    await client.connects({ ...words, properties: { ...words.properties, ...properties } })
    return client
  }
  const says = async (client: ScriptedClient, ...packets: readonly (Packet | Uint8Array)[]) => {
    client.sends(...packets)
    await broker.settle()
    return client.receives()
  }
  const hears = async (client: ScriptedClient) => says(client)
  return { broker, obliging, refusals, begins, online, says, hears }
}

describe("4.12 a client that names an authentication method", () => {
  test("is asked in AUTH, answers in AUTH, and gets its CONNACK in the end [MQTT-4.12.0-2, 4.12.0-3, 4.12.0-5]", async () => {
    const { begins, says, hears, obliging } = await start()
    const client = begins("a", "more")
    expect(await hears(client)).toEqual([question])
    expect(await says(client, auth("more"))).toEqual([question])
    expect(await says(client, auth("let in ann"))).toMatchObject([welcome])
    expect(await says(client, pingreq)).toEqual([{ type: "pingresp" }])
    expect(obliging.begun).toMatchObject([{ clientId: "a", remoteAddress: "192.0.2.1" }])
  })

  test("may have proven enough in its CONNECT [4.12]", async () => {
    const { begins, hears } = await start()
    expect(await hears(begins("a", "let in ann"))).toMatchObject([welcome])
  })

  test("finds its method in the CONNACK also when there is no data [MQTT-4.12.0-5]", async () => {
    const { begins, hears } = await start()
    const [connack] = await hears(begins("a", "let in ann silently"))
    expect(connack).toMatchObject({ properties: { authenticationMethod: method } })
    expect(connack).not.toHaveProperty("properties.authenticationData")
  })

  test("may have no data either [3.1.2.11.10]", async () => {
    const { broker, refusals } = await start()
    const client = broker.client("a")
    const properties = { authenticationMethod: method }
    expect(await client.asks({ properties })).toMatchObject({ reasonCode: ReasonCode.badUserNameOrPassword })
    expect(refusals).toEqual(["a: it is not obliging"])
  })

  test("finds no method in its CONNACK when it named none [MQTT-4.12.0-6]", async () => {
    const { broker } = await start()
    const { properties } = await broker.client("a").connects()
    expect(properties).not.toHaveProperty("authenticationMethod")
    expect(properties).not.toHaveProperty("authenticationData")
  })

  test("is refused when we do not know the method, and the log tells which it was [MQTT-4.12.0-1]", async () => {
    const { broker, refusals } = await start()
    const client = broker.client("a")
    expect(await client.asks({ properties: { authenticationMethod: "OTHER" } })).toMatchObject({
      reasonCode: ReasonCode.badAuthenticationMethod,
    })
    expect(client.state).toBe("ended")
    expect(refusals).toEqual(["a: authentication method OTHER is not offered on tcp://127.0.0.1:1883"])
  })

  for (const [when, first, answer] of [
    ["at once", "refuse", undefined],
    ["after a question", "more", "refuse"],
  ] as const) {
    test(`is refused ${when}, and only the log tells why [MQTT-4.12.0-4]`, async () => {
      const { begins, says, refusals, broker } = await start()
      const client = begins("a", first)
      if (answer !== undefined) expect(await says(client)).toEqual([question])
      const [connack, ...more] = await says(client, ...(answer === undefined ? [] : [auth(answer)]))
      expect(connack).toMatchObject({
        type: "connack",
        reasonCode: ReasonCode.badUserNameOrPassword,
        properties: { reasonString: "bad user name or password" },
      })
      expect(more).toEqual([])
      expect(client.state).toBe("ended")
      expect(refusals).toEqual(["a: it is not obliging"])
      expect(broker.broker.sessions.size).toBe(0)
    })
  }

  test("is who the exchange found it to be: the session is that user's [5.4.2]", async () => {
    const { broker, online } = await start()
    const client = await online("a", "ann", lasting)
    client.cuts()
    const stranger = broker.client("a")
    expect(await stranger.asks({ username: "bob" })).toMatchObject({
      reasonCode: ReasonCode.clientIdentifierNotValid,
    })
    await broker.connected("a", { username: "ann" })
  })

  test("touches no session before it is let in [MQTT-3.1.4-2]", async () => {
    const { broker, begins, says } = await start()
    const first = await broker.connected("a", { username: "ann" })
    const second = begins("a", "more")
    await broker.settle()
    expect(first.state).toBe("open")
    await says(second, auth("refuse"))
    expect(first.state).toBe("open")
    const third = begins("a", "more")
    await broker.settle()
    await says(third, auth("let in ann"))
    expect(first.state).toBe("ended")
  })
})

describe("4.12 until its CONNACK a client with a method", () => {
  for (const packet of [
    pingreq,
    publish({ topic: "t" }),
    publish({ topic: "t", qos: 1, packetId: 1 }),
    subscribe(1, "t"),
    connect(5, { clientId: "a" }),
  ]) {
    test(`may not send ${packet.type.toUpperCase()} [MQTT-3.1.2-30]`, async () => {
      const { broker, begins, says, refusals } = await start()
      const watcher = await broker.connected("watcher")
      watcher.subscribes("#")
      const client = begins("a", "more")
      await says(client)
      expect(await says(client, packet)).toMatchObject([
        { type: "connack", reasonCode: ReasonCode.protocolError },
      ])
      expect(client.state).toBe("ended")
      expect(watcher.receives()).toEqual([])
      expect(refusals).toEqual([`a: ${packet.type} before CONNACK [MQTT-3.1.2-30]`])
    })
  }

  for (const [name, packet] of [
    ["by another method [MQTT-4.12.0-5]", auth("let in ann", { authenticationMethod: "OTHER" })],
    ["that begins anew [MQTT-4.12.0-3]", again("let in ann")],
    ["that says success [MQTT-4.12.0-3]", auth("let in ann", {}, 0)],
    ["without a method [3.15.2.2.2]", bytesOf("f0 02 18 00")],
    ["without anything [3.15.2.2.2]", bytesOf("f0 00")],
  ] as const) {
    test(`may not send an AUTH ${name}`, async () => {
      const { begins, says } = await start()
      const client = begins("a", "more")
      await says(client)
      expect(await says(client, packet)).toMatchObject([
        { type: "connack", reasonCode: ReasonCode.protocolError },
      ])
      expect(client.state).toBe("ended")
    })
  }

  test("may not have data without a method [3.1.2.11.10]", async () => {
    const { broker } = await start()
    const client = broker.client("a")
    expect(await client.asks({ properties: { authenticationData: bytes("let in ann") } })).toMatchObject({
      reasonCode: ReasonCode.protocolError,
    })
    expect(client.state).toBe("ended")
  })

  test("may say DISCONNECT, and is gone without a word [MQTT-3.1.2-30]", async () => {
    const { broker, begins, says, refusals } = await start()
    const client = begins("a", "more")
    await says(client)
    expect(await says(client, disconnect())).toEqual([])
    expect(client.state).toBe("closed")
    expect(refusals).toEqual([])
    expect(broker.acceptor.size).toBe(0)
  })

  test("has the time that it has for its CONNECT, and its questions give it no more", async () => {
    const { broker, begins, says, hears, refusals } = await start()
    const client = begins("a", "more")
    await hears(client)
    await broker.passes(5)
    expect(await says(client, auth("more"))).toEqual([question])
    await broker.passes(4)
    expect(client.state).toBe("open")
    await broker.passes(1)
    expect(await hears(client)).toMatchObject([{ type: "connack", reasonCode: ReasonCode.notAuthorized }])
    expect(client.state).toBe("ended")
    expect(refusals).toEqual(["a: authentication was not over in time"])
  })

  test("has no more time when it is us who are slow", async () => {
    const { broker, begins, obliging, hears } = await start()
    const client = begins("a", "wait: let in ann")
    await broker.passes(10)
    expect(await hears(client)).toMatchObject([{ type: "connack", reasonCode: ReasonCode.notAuthorized }])
    obliging.goesOn()
    expect(await hears(client)).toEqual([])
    expect(broker.broker.sessions.size).toBe(0)
    expect(broker.counters.clientsConnected).toBe(0)
  })

  test("is read no further while we think, however much it sends", async () => {
    const { broker, begins, says, obliging } = await start()
    const client = begins("a", "wait: more")
    expect(client.socket.paused).toBe(true)
    obliging.goesOn()
    await says(client)
    expect(client.socket.paused).toBe(false)
    await says(client, auth("wait: let in ann"))
    expect(client.socket.paused).toBe(true)
    obliging.goesOn()
    expect(await says(client)).toMatchObject([welcome])
    expect(client.socket.paused).toBe(false)
    expect(broker.counters.clientsConnected).toBe(1)
  })

  test("is not asked for ever", async () => {
    const { begins, says, hears, refusals } = await start()
    const client = begins("a", "more")
    await hears(client)
    for (let step = 2; step <= 10; step++) expect(await says(client, auth("more"))).toEqual([question])
    expect(await says(client, auth("let in ann"))).toMatchObject([
      { type: "connack", reasonCode: ReasonCode.notAuthorized },
    ])
    expect(client.state).toBe("ended")
    expect(refusals).toEqual(["a: no end after 10 steps of OBLIGING"])
  })

  test("may not be sent more than it takes [MQTT-3.1.2-24]", async () => {
    const { begins, hears } = await start()
    const room = begins("room", "more", { maximumPacketSize: 22 })
    expect(await hears(room)).toEqual([question])
    const none = begins("none", "more", { maximumPacketSize: 21 })
    expect(await hears(none)).toMatchObject([{ type: "connack", reasonCode: ReasonCode.packetTooLarge }])
    expect(none.state).toBe("ended")
  })

  test("is not let in by a CONNACK that has no room for the method [MQTT-4.12.0-5]", async () => {
    const { broker, begins, hears } = await start()
    const client = begins("a", "let in ann", { maximumPacketSize: 30 })
    expect(await hears(client)).toMatchObject([{ type: "connack", reasonCode: ReasonCode.packetTooLarge }])
    expect(broker.broker.sessions.size).toBe(0)
  })

  test("is taken at no more than a stranger's length", async () => {
    const { begins, hears, says } = await start({ limits: { connectPacketBytes: 1_024 } })
    const client = begins("a", "more")
    await hears(client)
    expect(await says(client, auth("x".repeat(1_024)))).toMatchObject([
      { type: "connack", reasonCode: ReasonCode.packetTooLarge },
    ])
  })
})

describe("4.12 a client in a hurry", () => {
  for (const [how, think] of [
    ["at once", ""],
    ["after thinking", "wait: "],
  ] as const) {
    test(`may send its AUTH before the question, answered ${how}`, async () => {
      const { broker, obliging, hears } = await start()
      const client = broker.client("a")
      const properties = { authenticationMethod: method, authenticationData: bytes(`${think}more`) }
      client.sendsTogether(
        connect(5, { clientId: "a", properties }),
        auth(`${think}more`),
        auth("let in ann"),
      )
      await broker.settle()
      obliging.goesOn()
      await broker.settle()
      obliging.goesOn()
      expect(await hears(client)).toMatchObject([question, question, welcome])
    })

    for (const packet of [pingreq, auth("more"), publish({ topic: "t" })]) {
      test(`may not send ${packet.type.toUpperCase()} behind its last AUTH, let in ${how} [MQTT-3.1.2-30]`, async () => {
        const { broker, obliging, hears, begins } = await start()
        const client = begins("a", "more")
        await hears(client)
        client.sendsTogether(auth(`${think}let in ann`), packet)
        await broker.settle()
        obliging.goesOn()
        expect(await hears(client)).toMatchObject([{ type: "connack", reasonCode: ReasonCode.protocolError }])
        expect(client.state).toBe("ended")
        expect(broker.broker.sessions.size).toBe(0)
      })
    }

    test(`may say DISCONNECT behind its last AUTH, and is not let in, answered ${how}`, async () => {
      const { broker, obliging, hears, begins } = await start()
      const client = begins("a", "more")
      await hears(client)
      client.sendsTogether(auth(`${think}let in ann`), disconnect())
      await broker.settle()
      obliging.goesOn()
      expect(await hears(client)).toEqual([])
      expect(client.state).toBe("closed")
      expect(broker.broker.sessions.size).toBe(0)
    })

    test(`cannot hide that it was refused behind a DISCONNECT, answered ${how}`, async () => {
      const { broker, obliging, begins, hears, refusals } = await start()
      const client = begins("a", "more")
      await hears(client)
      client.sendsTogether(auth(`${think}refuse`), disconnect())
      await broker.settle()
      obliging.goesOn()
      await broker.settle()
      expect(refusals).toEqual(["a: it is not obliging"])
    })
  }
})

describe("4.12 an exchange that breaks off", () => {
  for (const [when, data] of [
    ["while it is asked", "more"],
    ["while we think", "wait: let in ann"],
    ["while we think of a question", "wait: more"],
  ] as const) {
    test(`leaves nothing behind of a client that is gone ${when}`, async () => {
      const { broker, obliging, begins, hears } = await start()
      const client = begins("a", data)
      await hears(client)
      client.cuts()
      const { packetsSent } = broker.counters
      obliging.goesOn()
      await broker.settle()
      expect(broker.counters.packetsSent).toBe(packetsSent)
      expect(broker.broker.sessions.size).toBe(0)
      expect(broker.counters.clientsConnected).toBe(0)
      expect(broker.acceptor.size).toBe(0)
    })
  }

  test("ends when the broker does", async () => {
    const { broker, begins, hears } = await start()
    const client = begins("a", "more")
    await hears(client)
    const closing = broker.acceptor.close(ReasonCode.serverShuttingDown)
    expect(client.receives()).toEqual([])
    await closing
    expect(client.state).toBe("ended")
    expect(broker.acceptor.size).toBe(0)
  })

  test.each([["break"], ["wait: break"]])("by a bug of ours (%s) ends that one connection", async (data) => {
    const { broker, obliging, begins } = await start()
    const other = await broker.connected("other")
    const client = begins("a", data)
    obliging.goesOn()
    await expect(broker.settle()).rejects.toThrow("a bug ended a connection")
    expect(client.state).toBe("ended")
    expect(other.state).toBe("open")
  })
})

describe("4.12.1 a client that proves again who it is", () => {
  test("is asked, and told that it succeeded [4.12.1, MQTT-4.12.0-5]", async () => {
    const { online, says, obliging } = await start()
    const client = await online("a")
    expect(await says(client, again("more"))).toEqual([question])
    expect(await says(client, auth("let in ann"))).toEqual([auth("hello", {}, 0)])
    expect(await says(client, again("let in ann silently"))).toEqual([auth(undefined, {}, 0)])
    expect(obliging.begun.map(({ username }) => username)).toEqual([undefined, "ann", "ann"])
  })

  test("publishes and receives meanwhile [4.12.1]", async () => {
    const { broker, online, says, hears, obliging } = await start()
    const client = await online("a")
    client.subscribes("t")
    const other = await broker.connected("other")
    other.subscribes("t")
    expect(await says(client, again("wait: more"), publish({ topic: "t", payload: "1" }))).toHaveLength(1)
    obliging.goesOn()
    expect(await hears(client)).toEqual([question])
    other.publishes({ topic: "t", payload: "2" })
    expect(payloads(await says(client, publish({ topic: "t", payload: "3" })))).toEqual(["2", "3"])
    expect(payloads(other.receives())).toEqual(["1", "2", "3"])
    expect(await says(client, auth("let in ann"))).toEqual([auth("hello", {}, 0)])
  })

  test("is from then on who it is now", async () => {
    // Superusers are asked about first.
    const nobodyPublishes: Authorizer = { publish: () => "deny", subscribe: () => "pass" }
    const { online, says } = await start({ authorizers: [nobodyPublishes] })
    const client = await online("a")
    const attempt = publish({ qos: 1, packetId: 1 })
    expect(await says(client, attempt)).toMatchObject([{ reasonCode: ReasonCode.notAuthorized }])
    await says(client, again("let in ann superuser"))
    expect(await says(client, attempt)).toMatchObject([{ reasonCode: ReasonCode.noMatchingSubscribers }])
  })

  test("is disconnected when it fails, and its will is published [MQTT-4.12.1-2]", async () => {
    const { broker, online, says, refusals } = await start()
    const watcher = await broker.connected("watcher")
    watcher.subscribes("will")
    const client = await online("a", "ann", { will: { topic: "will", payload: "gone" } })
    expect(await says(client, again("refuse"))).toMatchObject([
      {
        type: "disconnect",
        reasonCode: ReasonCode.notAuthorized,
        properties: { reasonString: "not authorized" },
      },
    ])
    expect(client.state).toBe("ended")
    expect(refusals).toEqual(["a: it is not obliging"])
    expect(payloads(watcher.receives())).toEqual(["gone"])
  })

  test("may not be another user than before [5.4.2]", async () => {
    const { online, says, refusals } = await start()
    const client = await online("a", "ann")
    expect(await says(client, again("let in bob"))).toMatchObject([
      { type: "disconnect", reasonCode: ReasonCode.notAuthorized },
    ])
    expect(client.state).toBe("ended")
    expect(refusals).toEqual(["a: it is another user than before: bob"])
  })

  for (const [name, packets] of [
    ["by another method [MQTT-4.12.1-1]", [auth("let in ann", { authenticationMethod: "OTHER" }, 0x19)]],
    ["that goes on with nothing", [auth("more")]],
    ["that says success", [auth("more", {}, 0)]],
    ["that says success in an exchange", [again("more"), auth("more", {}, 0)]],
    ["that begins a second time during the first", [again("more"), again("more")]],
    ["that begins a second time while we think", [again("wait: more"), again("more")]],
    [
      "by another method in the midst of it",
      [again("more"), auth("more", { authenticationMethod: "OTHER" })],
    ],
    ["that goes on before it was asked", [again("wait: more"), auth("more")]],
  ] as const) {
    test(`may not send an AUTH ${name}`, async () => {
      const { online, broker } = await start()
      const client = await online("a")
      for (const packet of packets) {
        client.sends(packet)
        await broker.settle()
      }
      expect(client.receives().at(-1)).toMatchObject({
        type: "disconnect",
        reasonCode: ReasonCode.protocolError,
      })
      expect(client.state).toBe("ended")
    })
  }

  test("is not asked for ever", async () => {
    const { online, says } = await start()
    const client = await online("a")
    await says(client, again("more"))
    for (let step = 2; step <= 10; step++) expect(await says(client, auth("more"))).toEqual([question])
    expect(await says(client, auth("let in ann"))).toMatchObject([
      { type: "disconnect", reasonCode: ReasonCode.notAuthorized },
    ])
  })

  test("may be gone before it is known who it is", async () => {
    const { broker, online, says, obliging } = await start()
    for (const data of ["wait: let in ann", "wait: more", "wait: refuse", "more"]) {
      const client = await online("a")
      await says(client, again(data))
      client.cuts()
      obliging.goesOn()
      await broker.settle()
      expect(broker.broker.sessions.size).toBe(0)
      expect(broker.counters.clientsConnected).toBe(0)
    }
  })

  test("may not be sent more than it takes [MQTT-3.1.2-24]", async () => {
    const { online, says } = await start()
    const client = await online("a", "ann", { properties: { maximumPacketSize: 60 } })
    expect(await says(client, again(`more ${"?".repeat(60)}`))).toMatchObject([
      { type: "disconnect", reasonCode: ReasonCode.notAuthorized },
    ])
  })

  test("ends by a bug of ours, and nobody else does", async () => {
    const { broker, online } = await start()
    const other = await broker.connected("other")
    const client = await online("a")
    client.sends(again("break"))
    await expect(broker.settle()).rejects.toThrow("a bug ended a connection")
    expect(client.state).toBe("ended")
    expect(other.state).toBe("open")
  })
})

describe("4.12 SCRAM, the example of the specification", () => {
  async function scram() {
    const store = new MemoryStore()
    const scram = await makeScramCredentials("pencil")
    await saveUsers(
      store.accounts,
      storedUser("alice", { scram }),
      storedUser("bound", { scram, clientId: { kind: "prefix", text: "bound-" } }),
    )
    const exchanges = [new ScramAuthenticator("SCRAM-SHA-256", store.accounts)]
    const broker = await TestBroker.start({ store, exchanges })
    const packet = (reasonCode: ReasonCode, authenticationData: Uint8Array): Auth => {
      return {
        type: "auth",
        reasonCode,
        properties: { authenticationMethod: "SCRAM-SHA-256", authenticationData },
      }
    }
    const dataOf = (client: ScriptedClient): Uint8Array => {
      const [answer] = client.receives()
      if (answer === undefined || !("properties" in answer)) throw new Error("no answer")
      const { authenticationData } = answer.properties as Auth["properties"]
      if (authenticationData === undefined) throw new Error(`no data: ${JSON.stringify(answer)}`)
      return new Uint8Array(authenticationData)
    }
    return { broker, packet, dataOf }
  }

  test("lets in who knows the password, and again", async () => {
    const { broker, packet, dataOf } = await scram()
    const client = broker.client("a")
    const first = new ScramClient("SCRAM-SHA-256", "alice", "pencil")
    const properties = { authenticationMethod: "SCRAM-SHA-256", authenticationData: first.first() }
    client.sends(connect(5, { clientId: "a", properties }))
    await broker.settle()
    client.sends(packet(ReasonCode.continueAuthentication, await first.final(dataOf(client))))
    await broker.settle()
    expect(first.trusts(dataOf(client))).toBe(true)

    const second = new ScramClient("SCRAM-SHA-256", "alice", "pencil")
    client.sends(packet(ReasonCode.reAuthenticate, second.first()))
    await broker.settle()
    client.sends(packet(ReasonCode.continueAuthentication, await second.final(dataOf(client))))
    await broker.settle()
    expect(second.trusts(dataOf(client))).toBe(true)
    expect(client.state).toBe("open")
  })

  test.each([
    ["bound-1", ReasonCode.success],
    ["unbound", ReasonCode.clientIdentifierNotValid],
  ])("lets a user call itself what its account says, and nothing else: %s", async (clientId, reasonCode) => {
    const { broker, packet, dataOf } = await scram()
    const client = broker.client(clientId)
    const knows = new ScramClient("SCRAM-SHA-256", "bound", "pencil")
    const properties = { authenticationMethod: "SCRAM-SHA-256", authenticationData: knows.first() }
    client.sends(connect(5, { clientId, properties }))
    await broker.settle()
    client.sends(packet(ReasonCode.continueAuthentication, await knows.final(dataOf(client))))
    await broker.settle()
    expect(client.receives()).toMatchObject([{ type: "connack", reasonCode }])
  })

  test("tells a stranger nothing of whether it is the name or the password that is wrong", async () => {
    const { broker, packet, dataOf } = await scram()
    const answers = []
    const refusals: string[] = []
    broker.broker.hook.onEvent(
      "client-refused",
      ({ clientId, username, why }) => void refusals.push(`${clientId} ${username}: ${why}`),
    )
    for (const username of ["alice", "nobody"]) {
      const client = broker.client(username)
      const guess = new ScramClient("SCRAM-SHA-256", username, "pen")
      const properties = { authenticationMethod: "SCRAM-SHA-256", authenticationData: guess.first() }
      client.sends(connect(5, { clientId: "a", properties }))
      await broker.settle()
      client.sends(packet(ReasonCode.continueAuthentication, await guess.final(dataOf(client))))
      await broker.settle()
      answers.push(client.receives())
      expect(client.state).toBe("ended")
    }
    expect(refusals).toEqual(["a alice: wrong password", "a nobody: no such user"])
    expect(answers[0]).toMatchObject([{ type: "connack", reasonCode: ReasonCode.badUserNameOrPassword }])
    expect(answers[1]).toEqual(answers[0] as Packet[])
  })
})
