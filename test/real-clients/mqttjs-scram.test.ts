import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import type { IClientOptions } from "mqtt"
import type { IAuthPacket } from "mqtt-packet"
import { makeScramCredentials } from "../../src/security/authentication/scram.ts"
import { type ScramMechanism, scramMechanisms } from "../../src/storage/account-store.ts"
import { openAccounts } from "../../src/storage/open-store.ts"
import { saveUsers, storedUser } from "../support/accounts.ts"
import { ScramClient } from "../support/scram-client.ts"
import { RecordingClient } from "./recording-client.ts"
import { type Served, serve } from "./served.ts"

const continueAuthentication = 0x18
const reAuthenticate = 0x19

describe("MQTT.js proves who it is by SCRAM", () => {
  let served: Served
  const clients: RecordingClient[] = []
  beforeAll(async () => {
    served = await serve()
    const accounts = openAccounts(served.directory)
    const scram = await makeScramCredentials("pencil")
    await saveUsers(accounts, storedUser("alice", { scram, superuser: true }))
    accounts.close()
  }, 60_000)
  afterAll(async () => {
    for (const { client } of clients) client.end(true)
    await served.close()
  })

  /** @param words beside what SCRAM needs */
  function begin(
    scheme: "tcp" | "tls",
    scram: ScramClient,
    words: IClientOptions = {},
    at = served,
  ): RecordingClient {
    const url = `${scheme === "tcp" ? "mqtt" : "mqtts"}://localhost:${at.port(scheme)}`
    const recording = new RecordingClient(url, {
      ca: readFileSync(served.caFile),
      protocolVersion: 5,
      properties: { authenticationMethod: scram.mechanism, authenticationData: scram.first() },
      ...words,
    })
    clients.push(recording)
    answer(recording, scram, () => {})
    return recording
  }

  /** @param done takes the data of the AUTH that ends a re-authentication */
  function answer(
    { client }: RecordingClient,
    scram: ScramClient,
    done: (data: Buffer | undefined) => void,
  ): void {
    client.handleAuth = ({ reasonCode, properties }, callback) => {
      if (reasonCode !== continueAuthentication) {
        done(properties?.authenticationData)
        callback()
        return
      }
      scram.final(properties?.authenticationData ?? Buffer.alloc(0)).then(
        (data) => callback(undefined, auth(scram.mechanism, continueAuthentication, data)),
        (error: Error) => callback(error),
      )
    }
  }

  function auth(
    authenticationMethod: ScramMechanism,
    reasonCode: number,
    authenticationData: Buffer,
  ): IAuthPacket {
    return { cmd: "auth", reasonCode, properties: { authenticationMethod, authenticationData } }
  }

  /** @returns the data of the AUTH that ends it */
  function proveAgain(recording: RecordingClient, scram: ScramClient): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      answer(recording, scram, resolve)
      recording.client["_sendPacket"](auth(scram.mechanism, reAuthenticate, scram.first()))
    })
  }

  for (const scheme of ["tcp", "tls"] as const) {
    for (const mechanism of scramMechanisms) {
      test(`with the right password it is let in, and knows that it is us, by ${mechanism} over ${scheme}`, async () => {
        const scram = new ScramClient(mechanism, "alice", "pencil")
        const alice = begin(scheme, scram)
        const { properties } = await alice.connack
        expect(properties?.authenticationMethod).toBe(mechanism)
        expect(scram.trusts(properties?.authenticationData)).toBe(true)
        const topic = `scram/${mechanism}/${scheme}`
        await alice.client.subscribeAsync(topic, { qos: 1 })
        await alice.client.publishAsync(topic, "hello", { qos: 1 })
        expect(await alice.nextTexts(1)).toEqual(["1 hello"])
      })

      for (const [what, name, password] of [
        ["a wrong password", "alice", "pen"],
        ["an unknown user", "nobody", "pencil"],
      ] as const) {
        test(`with ${what} it is refused, by ${mechanism} over ${scheme}`, async () => {
          const stranger = begin(scheme, new ScramClient(mechanism, name, password))
          await expect(stranger.connack).rejects.toMatchObject({ code: 0x86 })
        })
      }
    }

    test(`it proves again who it is while messages come and go, over ${scheme} [4.12.1]`, async () => {
      const alice = begin(scheme, new ScramClient("SCRAM-SHA-512", "alice", "pencil"))
      await alice.connack
      const topic = `scram/again/${scheme}`
      await alice.client.subscribeAsync(topic, { qos: 1 })
      const scram = new ScramClient("SCRAM-SHA-512", "alice", "pencil")
      const proven = proveAgain(alice, scram)
      await alice.client.publishAsync(topic, "meanwhile", { qos: 1 })
      expect(await alice.nextTexts(1)).toEqual(["1 meanwhile"])
      expect(scram.trusts(await proven)).toBe(true)
      await alice.client.publishAsync(topic, "afterwards", { qos: 1 })
      expect(await alice.nextTexts(1)).toEqual(["1 afterwards"])
    })

    test(`it is sent away when it cannot prove that again, over ${scheme} [MQTT-4.12.1-2]`, async () => {
      const alice = begin(scheme, new ScramClient("SCRAM-SHA-512", "alice", "pencil"))
      await alice.connack
      const left = new Promise<number | undefined>((resolve) => {
        alice.client.on("disconnect", ({ reasonCode }) => resolve(reasonCode))
      })
      void proveAgain(alice, new ScramClient("SCRAM-SHA-512", "alice", "pen"))
      expect(await left).toBe(0x87)
    })
  }

  test("by a method that we do not have it is refused [MQTT-4.12.0-1]", async () => {
    const scram = new ScramClient("SCRAM-SHA-256", "alice", "pencil")
    const properties = { authenticationMethod: "SCRAM-SHA-1", authenticationData: scram.first() }
    await expect(begin("tcp", scram, { properties }).connack).rejects.toMatchObject({ code: 0x8c })
  })

  test("it is refused where the settings leave SCRAM out", async () => {
    const without = await serve(["security.authenticators=password"])
    const scram = new ScramClient("SCRAM-SHA-256", "alice", "pencil")
    await expect(begin("tcp", scram, {}, without).connack).rejects.toMatchObject({ code: 0x8c })
    await without.close()
  })
})
