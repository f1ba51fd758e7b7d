import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { IClientOptions, IDisconnectPacket } from "mqtt"
import { type BrokerProcess, executable, portOf, startBroker } from "../../scripts/executable.ts"
import { keyPairFor, publicPem, signed } from "../support/tokens.ts"
import { RecordingClient } from "./recording-client.ts"

const issuer = keyPairFor("ES256")

/** By the wall's clock, which the broker has. */
function token(sub: string, seconds: number, claims: object = {}): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + seconds
  return signed({ sub, exp, ...claims }, issuer.privateKey, { alg: "ES256" })
}

describe("MQTT.js is let in by whom others vouch for", () => {
  let folder: string
  let broker: BrokerProcess
  const clients: RecordingClient[] = []
  const service = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { username, password } = (await request.json()) as Record<string, unknown>
      const acl = [{ permission: "allow", action: "all", topic: "homes/${username}/#" }]
      return Response.json(
        password === "opensesame" ? { result: "allow", acl, username } : { result: "deny" },
      )
    },
  })

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "vouched-"))
    const keyFile = join(folder, "key.pem")
    writeFileSync(keyFile, publicPem(issuer))
    const settings = [
      "security.allow_anonymous=false",
      "jwt.algorithms=ES256",
      `jwt.key_file=${keyFile}`,
      `http_authentication.url=${service.url.href}`,
    ]
    const words = ["--ephemeral", "--port", "0", ...settings.flatMap((each) => ["--set", each])]
    broker = await startBroker(await executable(), { words })
  }, 60_000)
  afterAll(async () => {
    for (const { client } of clients) client.end(true)
    await service.stop(true)
    expect([await broker.stop(), broker.errors]).toEqual([0, []])
    rmSync(folder, { recursive: true })
  })

  function connecting(username: string, password: string, options: IClientOptions = {}): RecordingClient {
    const url = `mqtt://127.0.0.1:${portOf(broker, "tcp")}`
    const client = new RecordingClient(url, { username, password, ...options })
    clients.push(client)
    return client
  }

  async function refusalOf(
    username: string,
    password: string,
    options: IClientOptions = {},
  ): Promise<string> {
    return connecting(username, password, options).connack.then(() => "let in", String)
  }

  for (const protocolVersion of [4, 5] as const) {
    test(`a token, in version ${protocolVersion}, and what its rules allow`, async () => {
      const acl = { acl: ["allow both homes/${username}/#"] }
      const ann = connecting("ann", await token("ann", 60, acl), { protocolVersion })
      await ann.connack
      await ann.client.subscribeAsync("homes/ann/#", { qos: 1 })
      await ann.client.publishAsync("homes/bob/door", "open", { qos: 1 }).catch(() => {})
      await ann.client.publishAsync("homes/ann/door", "open", { qos: 1 })
      expect(await ann.nextTexts(1)).toEqual(["1 open"])
      for (const refused of [token("bob", 60), token("ann", -60), "x.y.z"]) {
        expect(await refusalOf("ann", await refused, { protocolVersion })).toMatch(
          /Bad (User Name|username) or Password/i,
        )
      }
    })

    test(`a service, in version ${protocolVersion}, and what its rules allow`, async () => {
      const ann = connecting("ann", "opensesame", { protocolVersion })
      await ann.connack
      await ann.client.subscribeAsync("homes/ann/#", { qos: 1 })
      await ann.client.publishAsync("homes/ann/door", "shut", { qos: 1 })
      expect(await ann.nextTexts(1)).toEqual(["1 shut"])
      expect(await refusalOf("ann", "opensaysme", { protocolVersion })).toMatch(/Bad user ?name or Password/i)
    })
  }

  test("until its token expires, though it sends nothing and has no keep alive", async () => {
    const ann = connecting("ann", await token("ann", 2), { protocolVersion: 5, keepalive: 0 })
    const goodbye = Promise.withResolvers<IDisconnectPacket>()
    ann.client.on("disconnect", goodbye.resolve)
    const older = connecting("ann", await token("ann", 2), { protocolVersion: 4, keepalive: 0 })
    const closed = Promise.withResolvers<void>()
    older.client.on("close", () => closed.resolve())
    await Promise.all([ann.connack, older.connack])
    expect(await goodbye.promise).toMatchObject({
      reasonCode: 0xa0,
      properties: { reasonString: "the token has expired" },
    })
    await closed.promise
  })
})
