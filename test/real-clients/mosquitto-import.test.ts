import { Glob } from "bun"
import { afterEach, beforeEach, expect, test } from "bun:test"
import { existsSync, unlinkSync } from "node:fs"
import { join } from "node:path"
import { type BrokerProcess, executable, startBroker } from "../../scripts/executable.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { ConnectWords } from "../support/packets.ts"
import { puback, pubcomp, publish, pubrec, pubrel, subscribe } from "../support/packets.ts"
import { MosquittoBroker } from "./mosquitto-broker.ts"
import { RunningProgram } from "./program-output.ts"
import { describeWith, mosquittoBroker } from "./tools.ts"
import { WireClient } from "./wire-client.ts"

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text))

const lasting = { cleanStart: false } as const
const lasting5 = { cleanStart: false, properties: { sessionExpiryInterval: 3600 } } as const

describeWith("mosquitto", mosquittoBroker(), "what a real Mosquitto has is moved to Bantam", (program) => {
  let mosquitto: MosquittoBroker
  let broker: BrokerProcess | undefined
  beforeEach(() => {
    mosquitto = new MosquittoBroker(program)
  })
  afterEach(async () => {
    await broker?.stop()
    broker = undefined
    await mosquitto.remove()
  })

  /** Runs one of Mosquitto's programs to its end. */
  async function tool(name: string, ...words: readonly string[]): Promise<void> {
    await new RunningProgram([name, ...words]).rest()
  }

  const client = (version: 4 | 5, words: ConnectWords) => WireClient.connect(mosquitto.socket, version, words)

  /** @returns a client that is let in, and whether it has a session already */
  async function letIn(version: 4 | 5, words: ConnectWords) {
    const connected = await client(version, words)
    const { reasonCode, sessionPresent } = await connected.next("connack")
    expect(reasonCode).toBe(ReasonCode.success)
    return { client: connected, sessionPresent }
  }

  async function subscribed(version: 4 | 5, words: ConnectWords, filter: string): Promise<WireClient> {
    const { client: subscriber } = await letIn(version, words)
    subscriber.send(subscribe(1, [{ filter, qos: 2, retainAsPublished: version === 5 }]))
    await subscriber.next("suback")
    return subscriber
  }

  async function published(words: Parameters<typeof publish>[0], as: ConnectWords = {}): Promise<void> {
    const { client: publisher } = await letIn(5, { clientId: "publisher", ...as })
    publisher.send(publish({ qos: 1, packetId: 1, ...words }))
    await publisher.next("puback")
    await publisher.leave()
  }

  /** Tries out the same with either broker; a publisher is told in MQTT 5. */
  async function mayPublish(words: ConnectWords, topic: string): Promise<boolean> {
    const { client: publisher } = await letIn(5, words)
    publisher.send(publish({ topic, qos: 1, packetId: 1 }))
    const { reasonCode } = await publisher.next("puback")
    await publisher.leave()
    return reasonCode !== ReasonCode.notAuthorized
  }

  interface Report {
    readonly exitCode: number
    readonly counts: Readonly<Record<string, unknown>>
    readonly warnings: readonly string[]
  }

  /** Stops Mosquitto, imports what it has, and serves it from the same socket. */
  async function move(): Promise<Report> {
    await mosquitto.stop()
    const path = await executable()
    const data = mosquitto.path("data")
    const importing = Bun.spawn({
      cmd: [path, "import", "mosquitto", mosquitto.configuration, "--data", data, "--json"],
      env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
    })
    const report = JSON.parse(await importing.stdout.text())
    if (existsSync(mosquitto.socket)) unlinkSync(mosquitto.socket)
    broker = await startBroker(path, { words: ["--config", join(data, "bantam.toml")] })
    const { users, groups, rules, denies, patterns, sessions, subscriptions, queued, retained, warnings } =
      report
    return {
      exitCode: await importing.exited,
      counts: { users, groups, rules, denies, patterns, sessions, subscriptions, queued, retained },
      warnings: warnings.map(({ what }: { readonly what: string }) => what),
    }
  }

  test("messages that waited for an absent client come once, in their order and with all they carry", async () => {
    await mosquitto.start("allow_anonymous true\n")
    await (await subscribed(4, { clientId: "old", ...lasting }, "home/#")).leave()
    await (await subscribed(5, { clientId: "new", ...lasting5 }, "home/#")).leave()
    const properties = {
      contentType: "text/plain",
      responseTopic: "answers",
      correlationData: new Uint8Array([0, 255]),
      userProperties: [["unit", "celsius"] as const],
    }
    await published({
      topic: "home/lamp",
      payload: "on",
      retain: true,
      properties: { ...properties, messageExpiryInterval: 4_000_000 },
    })
    await published({ topic: "home/door", payload: "open" })
    const { counts } = await move()
    expect(counts).toMatchObject({ sessions: 2, subscriptions: 2, queued: 4, retained: 1 })

    const old = await letIn(4, { clientId: "old", ...lasting })
    expect(old.sessionPresent).toBe(true)
    for (const [topic, payload] of [
      ["home/lamp", "on"],
      ["home/door", "open"],
    ] as const) {
      const message = await old.client.next("publish")
      expect(message).toMatchObject({
        topic,
        qos: 1,
        dup: false,
        retain: false,
        payload: bytesOf(payload),
      })
      if (message.packetId !== undefined) old.client.send(puback(message.packetId))
    }
    const { client: young } = await letIn(5, { clientId: "new", ...lasting5 })
    const lamp = await young.next("publish")
    expect(lamp).toMatchObject({ topic: "home/lamp", retain: true })
    const { messageExpiryInterval = 0, ...others } = lamp.properties
    expect(others).toEqual(properties)
    expect(messageExpiryInterval).toBeGreaterThan(3_990_000)

    const { client: late } = await letIn(4, { clientId: "late" })
    late.send(subscribe(1, "home/+"))
    await late.next("suback")
    expect(await late.next("publish")).toMatchObject({ topic: "home/lamp", retain: true, qos: 1 })
  })

  test("a conversation at QoS 2 goes on where it was, under its packet identifier [4.3.3]", async () => {
    await mosquitto.start("allow_anonymous true\n")
    const receiver = await subscribed(4, { clientId: "receiver", ...lasting }, "news")
    const { client: sender } = await letIn(4, { clientId: "sender", ...lasting })
    for (const [packetId, payload] of [
      [11, "first"],
      [12, "second"],
    ] as const) {
      sender.send(publish({ topic: "news", payload, qos: 2, packetId }))
      await sender.next("pubrec")
      sender.send(pubrel(packetId))
      await sender.next("pubcomp")
    }
    const first = await receiver.next("publish")
    const second = await receiver.next("publish")
    receiver.send(pubrec(first.packetId ?? 0))
    await receiver.next("pubrel")
    // Received, answered with PUBREC, and not released: Mosquitto has given it to nobody yet.
    sender.send(publish({ topic: "news", payload: "third", qos: 2, packetId: 13 }))
    await sender.next("pubrec")
    await receiver.leave()
    await sender.leave()
    const { counts } = await move()
    expect(counts).toMatchObject({ sessions: 2, queued: 3 })

    const { client: back } = await letIn(4, { clientId: "receiver", ...lasting })
    expect((await back.next("pubrel")).packetId).toBe(first.packetId as never)
    expect(await back.next("publish")).toMatchObject({
      packetId: second.packetId,
      dup: true,
      payload: bytesOf("second"),
    })
    const third = await back.next("publish")
    expect(third).toMatchObject({ dup: false, payload: bytesOf("third") })
    const { client: again } = await letIn(4, { clientId: "sender", ...lasting })
    again.send(pubrel(13))
    expect((await again.next("pubcomp")).packetId).toBe(13 as never)
    back.send(pubcomp(first.packetId ?? 0))
    for (const { packetId = 0 } of [second, third]) {
      back.send(pubrec(packetId))
      await back.next("pubrel")
      back.send(pubcomp(packetId))
    }
    // Nothing came twice: the next message is a new one.
    await published({ topic: "news", payload: "fourth" })
    expect((await back.next("publish")).payload).toEqual(bytesOf("fourth"))
  })

  test("users log in with their passwords, whatever hashed them, and may what they might", async () => {
    const passwords = mosquitto.write("passwd", "")
    await tool("mosquitto_passwd", "-b", passwords, "alice", "wonder land")
    await tool("mosquitto_passwd", "-H", "sha512", "-b", passwords, "bob", "builder")
    const plain = mosquitto.write("plain", "carol:sings\n")
    await tool("mosquitto_passwd", "-U", plain)
    mosquitto.write("passwd", (await Bun.file(passwords).text()) + (await Bun.file(plain).text()))
    const acl = mosquitto.write(
      "acl",
      "topic read open/#\n" +
        "user alice\ntopic readwrite home/#\ntopic deny home/safe\ntopic read $SYS/#\n" +
        "user bob\ntopic write news\ntopic write secret/bob\n" +
        "pattern readwrite devices/%u/%c/#\npattern deny secret/#\n",
    )
    await mosquitto.start(`allow_anonymous true\npassword_file ${passwords}\nacl_file ${acl}\n`)

    const alice = { clientId: "desk", username: "alice", password: "wonder land" }
    const bob = { clientId: "van", username: "bob", password: "builder" }
    const carol = { clientId: "desk", username: "carol", password: "sings" }
    async function decisions(): Promise<boolean[]> {
      const asked = [
        [alice, "home/lamp"],
        [alice, "home/safe"],
        [alice, "devices/alice/desk/x"],
        [alice, "devices/alice/van/x"],
        [bob, "news"],
        [bob, "secret/bob"],
        [bob, "home/lamp"],
        [carol, "devices/carol/desk"],
        [carol, "secret/x"],
        [{ clientId: "x" }, "open/door"],
      ] as const
      const answers: boolean[] = []
      for (const [who, topic] of asked) answers.push(await mayPublish(who, topic))
      return answers
    }
    const before = await decisions()
    expect(before).toEqual([true, false, true, false, true, true, false, true, false, false])
    const { counts } = await move()
    expect(counts).toMatchObject({
      users: { total: 3, sha512: 1, "sha512-pbkdf2": 2 },
      rules: 8,
      denies: 2,
      patterns: 2,
    })
    expect(await decisions()).toEqual(before)
    const refused = await client(5, { ...alice, password: "wonderland" })
    expect((await refused.next("connack")).reasonCode).toBe(ReasonCode.badUserNameOrPassword)
    const { client: reader } = await letIn(5, alice)
    reader.send(
      subscribe(2, [{ filter: "home/#" }, { filter: "office/#" }, { filter: "$SYS/broker/uptime" }]),
    )
    // The first is wider than what she may read, which is granted as Mosquitto does. It grants the second too, in vain.
    expect((await reader.next("suback")).reasonCodes).toEqual([
      ReasonCode.grantedQos2,
      ReasonCode.notAuthorized,
      ReasonCode.grantedQos2,
    ])
  })

  test("a session belongs to the user that made it, though Mosquitto writes its name for others too", async () => {
    await mosquitto.start("allow_anonymous true\n")
    await (await subscribed(4, { clientId: "a", username: "bob", ...lasting }, "t")).leave()
    await (await subscribed(4, { clientId: "b", ...lasting }, "t")).leave()
    const { warnings } = await move()
    expect(warnings).toEqual([expect.stringContaining('sessions belong to users that no file has, "bob"')])
    expect((await letIn(4, { clientId: "b", ...lasting })).sessionPresent).toBe(true)
    const stranger = await client(5, { clientId: "a", ...lasting })
    expect((await stranger.next("connack")).reasonCode).toBe(ReasonCode.clientIdentifierNotValid)
  })

  test("roles, groups and clients of dynamic security decide as they did, by priority", async () => {
    const file = mosquitto.path("dynsec.json")
    await tool("mosquitto_ctrl", "dynsec", "init", file, "admin", "secret of the admin")
    const plugin = dynamicSecurityPlugin()
    await mosquitto.start(`allow_anonymous true\nplugin ${plugin}\nplugin_opt_config_file ${file}\n`)
    const { client: admin } = await letIn(5, {
      clientId: "admin",
      username: "admin",
      password: "secret of the admin",
    })
    admin.send(subscribe(1, "$CONTROL/dynamic-security/v1/response"))
    await admin.next("suback")
    const send = (topic: string, allow: boolean, priority = 0) => {
      return { acltype: "publishClientSend", topic, allow, priority }
    }
    const commands = [
      { command: "createRole", rolename: "writer", acls: [send("a/secret", false, 2), send("a/#", true, 1)] },
      { command: "createRole", rolename: "keeper", acls: [send("a/secret", true)] },
      {
        command: "createRole",
        rolename: "reader",
        acls: [{ acltype: "subscribePattern", topic: "a/#", allow: true }],
      },
      { command: "createGroup", groupname: "all", roles: [{ rolename: "writer" }, { rolename: "reader" }] },
      { command: "createGroup", groupname: "guests", roles: [{ rolename: "reader" }] },
      { command: "createClient", username: "ada", password: "countess", groups: [{ groupname: "all" }] },
      {
        command: "createClient",
        username: "bea",
        password: "keeps",
        roles: [{ rolename: "keeper" }],
        groups: [{ groupname: "all" }],
      },
      { command: "createClient", username: "cyd", password: "bound", clientid: "her-phone" },
      { command: "createClient", username: "dot", password: "gone" },
      { command: "disableClient", username: "dot" },
      { command: "setAnonymousGroup", groupname: "guests" },
    ]
    admin.send(
      publish({
        topic: "$CONTROL/dynamic-security/v1",
        payload: JSON.stringify({ commands }),
        qos: 1,
        packetId: 2,
      }),
    )
    await admin.next("puback")
    const { payload } = await admin.next("publish")
    expect(new TextDecoder().decode(payload)).not.toContain("error")
    await admin.leave()

    const ada = { clientId: "x", username: "ada", password: "countess" }
    const bea = { clientId: "y", username: "bea", password: "keeps" }
    async function decisions(): Promise<unknown[]> {
      const answers: unknown[] = []
      for (const who of [ada, bea, { clientId: "z" }]) {
        for (const topic of ["a/b", "a/secret", "c"]) answers.push(await mayPublish(who, topic))
        const { client: reader } = await letIn(5, who)
        reader.send(subscribe(1, [{ filter: "a/b" }, { filter: "c" }]))
        answers.push((await reader.next("suback")).reasonCodes)
        await reader.leave()
      }
      for (const words of [
        { clientId: "her-phone", username: "cyd", password: "bound" },
        { clientId: "another", username: "cyd", password: "bound" },
        { clientId: "dots", username: "dot", password: "gone" },
      ]) {
        const asking = await client(5, words)
        answers.push((await asking.next("connack")).reasonCode === ReasonCode.success)
      }
      return answers
    }
    const before = await decisions()
    expect(before).toEqual(
      [
        [true, false, false, [ReasonCode.grantedQos2, ReasonCode.notAuthorized]],
        [true, true, false, [ReasonCode.grantedQos2, ReasonCode.notAuthorized]],
        [false, false, false, [ReasonCode.grantedQos2, ReasonCode.notAuthorized]],
        [true, false, false],
      ].flat(),
    )
    const { counts, warnings } = await move()
    expect(counts).toMatchObject({ users: { total: 5, "sha512-pbkdf2": 5 }, groups: 4 })
    expect(warnings).toEqual([expect.stringContaining("ACLs about $CONTROL are left out")])
    expect(await decisions()).toEqual(before)
  })
})

/** Beside the other plugins of the system. */
function dynamicSecurityPlugin(): string {
  const [found] = new Glob("lib/**/mosquitto_dynamic_security.so").scanSync({ cwd: "/usr", absolute: true })
  if (found === undefined) throw new Error("mosquitto_dynamic_security.so is not installed")
  return found
}
