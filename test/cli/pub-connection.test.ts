import { describe, expect, test } from "bun:test"
import { Command } from "commander"
import { clientWords } from "../../cli/client-words.ts"
import {
  type ConnectionOptions,
  planConnection,
  withConnectionOptions,
} from "../../cli/connection-options.ts"

function plan(words: string) {
  const command = withConnectionOptions(new Command("test")).option("-t, --topic <topic>")
  const taken = clientWords(command, "pub", ["-o", "/dev/null", ...words.split(" ")])
  return planConnection(command.parse(taken, { from: "user" }).opts<ConnectionOptions>())
}

describe("where to connect", () => {
  const secure = { insecure: false }

  test.each([
    ["-q 0", { scheme: "tcp", host: "localhost", port: 1883 }],
    ["-h ::1 -p 1", { scheme: "tcp", host: "::1", port: 1 }],
    ["-h [::1]", { scheme: "tcp", host: "::1", port: 1883 }],
    ["--unix /run/mqtt", { scheme: "unix", path: "/run/mqtt" }],
    ["--ws", { scheme: "ws", host: "localhost", port: 8083 }],
    ["-p 8883", { scheme: "tls", host: "localhost", port: 8883, tls: secure }],
    ["-p 8883 --no-tls", { scheme: "tcp", host: "localhost", port: 8883 }],
    ["--tls-use-os-certs", { scheme: "tls", host: "localhost", port: 8883, tls: secure }],
    ["--cafile ca -h h", { scheme: "tls", host: "h", port: 8883, tls: { ...secure, caFile: "ca" } }],
    [
      "--cert c --key k --insecure -p 9",
      { scheme: "tls", host: "localhost", port: 9, tls: { certFile: "c", keyFile: "k", insecure: true } },
    ],
    ["--ws --cafile ca", { scheme: "wss", host: "localhost", port: 8084, tls: { ...secure, caFile: "ca" } }],
    ["-L mqtt://host/t", { scheme: "tcp", host: "host", port: 1883 }],
    ["-L mqtts://[::1]/t", { scheme: "tls", host: "::1", port: 8883, tls: secure }],
    ["-L wss://host:1/t", { scheme: "wss", host: "host", port: 1, tls: secure }],
    ["-L mqtt://host:1/t -h other -p 2", { scheme: "tcp", host: "other", port: 2 }],
  ])("%s", (words, target) => {
    expect(plan(words).target).toEqual(target as ReturnType<typeof plan>["target"])
  })
})

describe("who we are", () => {
  test("before MQTT 5 the identifier is random, and short enough for MQTT 3.1", () => {
    const { clientId } = plan("-V 31").client
    expect(clientId).toMatch(/^[a-z0-9]{23}$/)
    expect(plan("-V 31").client.clientId).not.toBe(clientId)
  })

  test("in MQTT 5 the server chooses it", () => {
    expect(plan("-V 5").client.clientId).toBe("")
  })

  test("-i names it, -I begins it", () => {
    expect(plan("-i ada").client.clientId).toBe("ada")
    expect(plan("-I ada-").client.clientId).toBe(`ada-${process.pid}`)
  })

  test("-L may hold user and password, and -u and -P overrule them", () => {
    const { username, password } = plan("-L mqtt://ada:secret@host/t -P other").client
    expect([username, password]).toEqual(["ada", Buffer.from("other")])
  })
})

describe("how long the session is kept", () => {
  test.each([
    ["-V 5", {}],
    ["-c -i a", { sessionExpiryInterval: 0xffff_ffff }],
    ["-c -i a -x 5", { sessionExpiryInterval: 5 }],
    ["-x -1", { sessionExpiryInterval: 0xffff_ffff }],
    ["-x ∞", { sessionExpiryInterval: 0xffff_ffff }],
    ["-x 5 -D connect session-expiry-interval 6", { sessionExpiryInterval: 6 }],
  ])("%s", (words, properties) => {
    expect(plan(words).client.properties).toEqual(properties)
  })
})
