import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ConfigError } from "../../src/config/config-error.ts"
import { type Flag, loadSettings, parseAssignment, type Sources } from "../../src/config/load.ts"

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "bantam-config-"))
})
afterAll(() => rmSync(directory, { recursive: true }))

function file(text: string): string {
  const path = join(directory, "bantam.toml")
  writeFileSync(path, text)
  return path
}

/** The problems, with the changing path of the file taken off. */
function problems(sources: Sources): readonly string[] {
  try {
    loadSettings(sources)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((line) => line.replace(`${directory}/`, ""))
    throw error
  }
  return []
}

const set = (text: string): Flag => parseAssignment(text)

describe("What is wrong is told", () => {
  test("without the secret that stands there", () => {
    const path = file(
      '[http_authentication]\nurl = "https://a.example"\nheaders = "Authorization: Bearer s3cret"\n',
    )
    expect(problems({ file: path })).toEqual([
      "bantam.toml: http_authentication.headers must be an array of texts; what stands there is not repeated here",
    ])
  })
})

describe("Settings come from the file, then the environment, then flags", () => {
  test("each source overrules those before it", () => {
    const path = file("[limits]\nconnections = 1\nin_flight = 2\ntopic_levels = 3\n")
    const environment = { BANTAM_LIMITS_IN_FLIGHT: "20", BANTAM_LIMITS_TOPIC_LEVELS: "30" }
    const { limits } = loadSettings({ file: path, environment, flags: [set("limits.topic_levels=300")] })
    expect([limits.connections, limits.inFlight, limits.topicLevels]).toEqual([1, 20, 300])
  })

  test("of two flags for one setting the later one counts", () => {
    const flags = [set("log.level=debug"), set("log.level=error")]
    expect(loadSettings({ flags }).log.level).toBe("error")
  })

  test("an empty file is the defaults", () => {
    expect(loadSettings({ file: file("") })).toEqual(loadSettings({}))
  })

  test("text is read as whatever the setting takes", () => {
    const environment = {
      BANTAM_LISTEN: "tcp://127.0.0.1:1, unix:///run/mqtt.sock",
      BANTAM_SECURITY_ALLOW_ANONYMOUS: "false",
      BANTAM_MQTT_MAXIMUM_QOS: "1",
      BANTAM_LIMITS_CONNECTIONS: "5_000",
      BANTAM_WEBSOCKET_ORIGINS: "",
      BANTAM_MQTT_SERVER_REFERENCE: "1883",
    }
    const settings = loadSettings({ environment })
    expect(settings.listeners.map(({ url }) => url)).toEqual(["tcp://127.0.0.1:1", "unix:///run/mqtt.sock"])
    expect(settings.security.allowAnonymous).toBe(false)
    expect(settings.mqtt.maximumQos).toBe(1)
    expect(settings.limits.connections).toBe(5_000)
    expect(settings.websocket.origins).toEqual([])
    expect(settings.mqtt.serverReference).toBe("1883")
  })

  test("a value may hold an equals sign, and an origin a comma-free list", () => {
    const flags = [
      set("mqtt.response_information=a=b"),
      set("websocket.origins=https://a.example,https://b.example"),
    ]
    const settings = loadSettings({ flags })
    expect(settings.mqtt.responseInformation).toBe("a=b")
    expect(settings.websocket.origins).toEqual(["https://a.example", "https://b.example"])
  })
})

describe("A wrong setting is one line that says where, what and the remedy", () => {
  test.each([
    [
      "[limits]\nconections = 5",
      "bantam.toml: limits.conections is no setting; did you mean limits.connections?",
    ],
    ["[limits]\nspeed = 5", "bantam.toml: limits.speed is no setting; `bantam config print` lists them all"],
    ["nonsense = 5", "bantam.toml: nonsense is no setting; `bantam config print` lists them all"],
    ["[nonsense]\na = 5", "bantam.toml: nonsense is no setting; `bantam config print` lists them all"],
    ["limits = 5", "bantam.toml: limits is a section; write [limits] and its keys below"],
    [
      '[limits]\nconnections = "many"',
      'bantam.toml: limits.connections is "many", but must be a whole number from 1 to 1_000_000',
    ],
    [
      "[limits]\nconnections = 0",
      "bantam.toml: limits.connections is 0, but must be a whole number from 1 to 1_000_000",
    ],
    [
      "[limits]\nin_flight = 65536",
      "bantam.toml: limits.in_flight is 65536, but must be a whole number from 1 to 65_535",
    ],
    [
      "[limits]\nin_flight = 1.5",
      "bantam.toml: limits.in_flight is 1.5, but must be a whole number from 1 to 65_535",
    ],
    ["[mqtt]\nmaximum_qos = 3", "bantam.toml: mqtt.maximum_qos is 3, but must be one of 0, 1, 2"],
    [
      '[storage]\ndurability = "most"',
      'bantam.toml: storage.durability is "most", but must be one of "full", "normal", "none"',
    ],
    [
      '[security]\nallow_anonymous = "yes"',
      'bantam.toml: security.allow_anonymous is "yes", but must be "loopback", true or false',
    ],
    ['[storage]\nephemeral = "yes"', 'bantam.toml: storage.ephemeral is "yes", but must be true or false'],
    [
      '[storage]\ndirectory = ""',
      'bantam.toml: storage.directory is "", but must be a text that is not empty',
    ],
    [
      "listen = []",
      'bantam.toml: listen is [], but must be one or more addresses such as ["tcp://127.0.0.1:1883"]',
    ],
    [
      'listen = [{ url = "tls://a:1", cert = "x" }]',
      'bantam.toml: listen is [{"url":"tls://a:1","cert":"x"}], but must be one or more addresses such as ["tcp://127.0.0.1:1883"]',
    ],
  ])("in the file: %j", (text, problem) => {
    expect(problems({ file: file(text) })).toEqual([problem])
  })

  test("all problems are told at once, from every source", () => {
    const path = file("[limits]\nconnections = 0\nin_flight = 0")
    expect(
      problems({ file: path, environment: { BANTAM_LOG_LEVEL: "loud" }, flags: [set("log.format=xml")] }),
    ).toEqual([
      "bantam.toml: limits.connections is 0, but must be a whole number from 1 to 1_000_000",
      "bantam.toml: limits.in_flight is 0, but must be a whole number from 1 to 65_535",
      'BANTAM_LOG_LEVEL: log.level is "loud", but must be one of "debug", "info", "warn", "error"',
      '--set: log.format is "xml", but must be one of "text", "json"',
    ])
  })

  test("text that is not TOML is found by its line", () => {
    expect(
      problems({ file: file('listen = [\n  "tcp://127.0.0.1:1883",\n]\n[log]\nlevel =\nformat = "json"\n') }),
    ).toEqual(["bantam.toml:5: Missing value after '='; values must be on the same line"])
  })

  test("a file that is not there is named", () => {
    expect(problems({ file: join(directory, "absent.toml") })).toEqual([
      "absent.toml: cannot be read (ENOENT); check the path and who may read it",
    ])
  })

  test("a flag without an equals sign, or for a setting that does not exist", () => {
    expect(() => parseAssignment("limits.connections")).toThrow(
      '--set: "limits.connections" is no setting; write SECTION.KEY=VALUE',
    )
    expect(problems({ flags: [set("limits.conections=5")] })).toEqual([
      "--set: limits.conections is no setting; did you mean limits.connections?",
    ])
    expect(problems({ flags: [set("nonsense.a=5")] })).toEqual([
      "--set: nonsense.a is no setting; `bantam config print` lists them all",
    ])
  })

  test("a number from the environment is held to its bounds", () => {
    expect(problems({ environment: { BANTAM_LIMITS_IN_FLIGHT: "" } })).toEqual([
      'BANTAM_LIMITS_IN_FLIGHT: limits.in_flight is "", but must be a whole number from 1 to 65_535',
    ])
  })
})

describe("Environment variables", () => {
  test("a misspelt one is an error that names it", () => {
    expect(problems({ environment: { BANTAM_LIMIT_CONNECTIONS: "5" } })).toEqual([
      "BANTAM_LIMIT_CONNECTIONS: is no setting; did you mean BANTAM_LIMITS_CONNECTIONS?",
    ])
    expect(problems({ environment: { BANTAM_LIMITS_SPEED: "5" } })).toEqual([
      "BANTAM_LIMITS_SPEED: is no setting; `bantam config print` lists them all",
    ])
  })

  test("those of others that share the prefix are left alone", () => {
    const environment = {
      BANTAM_SERVICE_HOST: "10.0.0.1",
      BANTAM_PORT: "tcp://10.0.0.1:1883",
      BANTAM_PORT_1883_TCP_ADDR: "10.0.0.1",
      BANTAM_ADMIN_PASSWORD: "secret",
      BANTAM_ADMIN_PASSWORD_FILE: "/run/secret",
    }
    expect(loadSettings({ environment })).toEqual(loadSettings({}))
  })

  test("BANTAM_DATA is the short name of the data directory; the long one overrules it", () => {
    const short = { BANTAM_DATA: "/data" }
    expect(loadSettings({ environment: short }).storage.directory).toBe("/data")
    const both = { BANTAM_STORAGE_DIRECTORY: "/long", ...short }
    expect(loadSettings({ environment: both }).storage.directory).toBe("/long")
  })
})
