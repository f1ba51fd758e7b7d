import { afterAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { idleSettings } from "../../src/config/idle-settings.ts"
import { loadSettings } from "../../src/config/load.ts"

const directory = mkdtempSync(join(tmpdir(), "bantam-idle-"))
afterAll(() => rmSync(directory, { recursive: true }))

function idle(toml: string): readonly string[] {
  const file = join(directory, "bantam.toml")
  writeFileSync(file, toml)
  return idleSettings(loadSettings({ file })).map(({ setting }) => setting)
}

const tls = '[tls]\ncert_file = "/c"\nkey_file = "/k"\n'
const jwt = '[jwt]\nalgorithms = ["ES256"]\nkey_file = "/key"\n'
const http = '[http_authentication]\nurl = "https://id.example.org"\n'
const identity = '[certificate]\nidentity = "common-name"\n'

describe("What is set and does nothing", () => {
  test.each([
    ["", []],
    [identity, ["certificate.identity"]],
    [`listen = ["tls://127.0.0.1"]\n${tls}${identity}`, ["certificate.identity"]],
    [`listen = ["tls://127.0.0.1"]\n${tls}ca_file = "/ca"\n${identity}`, []],
    [`listen = ["wss://127.0.0.1"]\n${tls}ca_file = "/ca"\n${identity}`, []],
    [
      `listen = ["tls://127.0.0.1"]\n${tls}ca_file = "/ca"\n${identity}[security]\nauthenticators = ["password"]\n`,
      ["certificate.identity"],
    ],
    [jwt, []],
    [`${jwt}[security]\nauthenticators = ["password"]\n`, ["jwt"]],
    [http, []],
    [`${http}[security]\nauthenticators = ["password"]\n`, ["http_authentication"]],
    [`listen = ["tls://127.0.0.1"]\n${tls}crl_file = "/crl"\n`, ["tls.crl_file"]],
    [`listen = ["tls://127.0.0.1"]\n${tls}crl_file = "/crl"\nca_file = "/ca"\n`, []],
  ])("%j: %j", (toml, settings) => {
    expect(idle(toml)).toEqual(settings)
  })

  test.each(["jwt", "http", "certificate"])("an address with %s alone, which is not set up", (way) => {
    expect(idle(`listen = [{ url = "tcp://0.0.0.0", authenticators = ["${way}"] }]\n`)).toEqual([
      "tcp://0.0.0.0:1883",
    ])
    expect(idle(`listen = [{ url = "tcp://127.0.0.1", authenticators = ["${way}"] }]\n`)).toEqual([])
    expect(idle(`listen = [{ url = "tcp://0.0.0.0", authenticators = ["${way}", "scram"] }]\n`)).toEqual([])
  })

  test("users who must be known by a certificate that names none are no setting at all", () => {
    expect(() => idle("[certificate]\nknown_users_only = true\n")).toThrow(
      "certificate.known_users_only is of no use without certificate.identity; set both",
    )
  })
})
