import { describe, expect, test } from "bun:test"
import * as v from "valibot"
import type { Problem } from "../../src/config/config-error.ts"
import { settingsSchema, type WrittenSettings } from "../../src/config/schema.ts"
import { defaultDirectory, resolveSettings, type Settings } from "../../src/config/settings.ts"

const certificate = { cert_file: "/c", key_file: "/k" }

function resolve(
  listen: WrittenSettings["listen"],
  tls: object,
): { settings: Settings; problems: readonly string[] } {
  const problems: Problem[] = []
  const empty = {
    websocket: {},
    storage: {},
    security: {},
    certificate: {},
    jwt: {},
    http_authentication: {},
    guard: {},
    limits: {},
    mqtt: {},
    management: {},
    process: {},
    log: {},
  }
  const written = v.parse(settingsSchema, { ...empty, listen, tls })
  const settings = resolveSettings(written, {}, problems)
  return { settings, problems: problems.map(({ key, what }) => `${key} ${what}`) }
}

describe("What no access rule decides", () => {
  const access = (sections: object, default_access = "auto") => {
    const empty = { websocket: {}, storage: {}, tls: {}, certificate: {}, jwt: {}, http_authentication: {} }
    const others = {
      guard: {},
      limits: {},
      mqtt: {},
      management: {},
      process: {},
      log: {},
      security: { default_access },
    }
    const written = v.parse(settingsSchema, { ...empty, ...others, ...sections })
    return resolveSettings(written, {}, []).security.defaultAccess
  }

  test("is refused where users come from elsewhere than the store, unless the setting says otherwise", () => {
    const elsewhere = { certificate: { identity: "common-name" } }
    const service = { http_authentication: { url: "https://id.example.org/" } }
    const token = { jwt: { algorithms: ["ES256"], key_file: "/k" } }
    expect(access({})).toBe("auto")
    expect([elsewhere, service, token].map((each) => access(each))).toEqual(["deny", "deny", "deny"])
    expect(access(token, "allow")).toBe("allow")
  })
})

describe("Listeners and their certificates", () => {
  test("an encrypted address gets the files of [tls]", () => {
    const { settings, problems } = resolve(["tls://0.0.0.0"], { ...certificate, ca_file: "/ca" })
    expect(problems).toEqual([])
    expect(settings.listeners).toEqual([
      {
        url: "tls://0.0.0.0:8883",
        address: { scheme: "tls", host: "0.0.0.0", port: 8883 },
        loopback: false,
        proxyProtocol: false,
        tls: {
          certFile: "/c",
          keyFile: "/k",
          caFile: "/ca",
          requireClientCertificate: false,
          minimumVersion: "1.2",
        },
        authenticators: ["certificate", "jwt", "http", "password", "scram"],
        allowsAnonymous: false,
        maxConnections: undefined,
        maxConnectionRate: undefined,
        messagesPerSecond: undefined,
      },
    ])
  })

  test("each lets in whom the settings let in, unless it has a word of its own", () => {
    const own = { url: "tcp://0.0.0.0:1884", authenticators: [], allow_anonymous: true }
    const { settings } = resolve(["tcp://127.0.0.1", "tcp://0.0.0.0", own], {})
    expect(settings.listeners.map((each) => [each.authenticators, each.allowsAnonymous])).toEqual([
      [["certificate", "jwt", "http", "password", "scram"], true],
      [["certificate", "jwt", "http", "password", "scram"], false],
      [[], true],
    ])
  })

  test("an address may have limits of its own", () => {
    const own = { url: "tcp://0.0.0.0", max_connections: 5, max_connection_rate: 6, messages_per_second: 7 }
    const { settings } = resolve([own], {})
    expect(settings.listeners).toMatchObject([
      { maxConnections: 5, maxConnectionRate: 6, messagesPerSecond: 7, tls: undefined },
    ])
  })

  test("an address may have files of its own", () => {
    const own = { url: "wss://0.0.0.0", ca_file: "/own", require_client_certificate: true }
    const { settings } = resolve(["wss://127.0.0.1", own], { ...certificate, crl_file: "/crl" })
    expect(settings.listeners.map(({ tls }) => tls)).toEqual([
      {
        certFile: "/c",
        keyFile: "/k",
        crlFile: "/crl",
        requireClientCertificate: false,
        minimumVersion: "1.2",
      },
      {
        certFile: "/c",
        keyFile: "/k",
        crlFile: "/crl",
        caFile: "/own",
        requireClientCertificate: true,
        minimumVersion: "1.2",
      },
    ])
  })

  test("an address may speak TLS in its own way, and a wss address has no use for alpn", () => {
    const shared = { ...certificate, minimum_version: "1.3", alpn: ["mqtt"] }
    const own = { url: "tls://127.0.0.1", minimum_version: "1.2" as const, ciphers: "HIGH", alpn: ["x"] }
    const { settings, problems } = resolve([own, "tls://127.0.0.1", "wss://127.0.0.1"], shared)
    expect(problems).toEqual([])
    expect(settings.listeners.map(({ tls }) => tls)).toMatchObject([
      { minimumVersion: "1.2", ciphers: "HIGH", alpn: ["x"] },
      { minimumVersion: "1.3", alpn: ["mqtt"] },
      { minimumVersion: "1.3" },
    ])
    expect(settings.listeners[2]?.tls).not.toHaveProperty("alpn")
  })

  test("behind a proxy even an address of this machine is open to any", () => {
    const { settings, problems } = resolve(
      [
        { url: "tcp://127.0.0.1", proxy_protocol: true },
        { url: "unix:///run/b", proxy_protocol: true },
      ],
      {},
    )
    expect(problems).toEqual([])
    expect(settings.listeners).toMatchObject([
      { proxyProtocol: true, loopback: false },
      { proxyProtocol: true, loopback: false },
    ])
  })

  test.each([
    [
      [{ url: "tls://a", proxy_protocol: true }],
      certificate,
      "listen asks for PROXY headers at tls://a; end the encryption or WebSocket at the proxy, and make it tcp://",
    ],
    [
      [{ url: "ws://a", proxy_protocol: true }],
      {},
      "listen asks for PROXY headers at ws://a; end the encryption or WebSocket at the proxy, and make it tcp://",
    ],
    [
      [{ url: "wss://a", alpn: ["mqtt"] }],
      certificate,
      "listen gives alpn to wss://a, which speaks HTTP first; leave it out",
    ],
    [
      [{ url: "tls://a", alpn: ["é".repeat(128)] }],
      certificate,
      "listen has tls://a, whose alpn has a name of more than 255 bytes; choose a shorter one",
    ],
    [["tls://a"], {}, "listen has tls://a, which needs a certificate; set tls.cert_file and tls.key_file"],
    [
      ["tls://a"],
      { ...certificate, require_client_certificate: true },
      "listen has tls://a, which cannot check client certificates; set tls.ca_file to who signs them",
    ],
    [
      [{ url: "tcp://a", cert_file: "/c" }],
      {},
      "listen gives keys of [tls] to tcp://a, which is not encrypted; make it tls:// or wss://",
    ],
    [
      ["tcp://a:b"],
      {},
      'listen has "tcp://a:b", which has a port that cannot be; choose 0 to 65535, 0 takes a free one',
    ],
  ])("%j with %j is refused", (listen, tls, problem) => {
    expect(resolve(listen, tls).problems).toEqual([problem])
  })
})

describe("The data directory", () => {
  test("of root is where system services keep theirs", () => {
    expect(defaultDirectory({ HOME: "/root" }, 0)).toBe("/var/lib/bantam")
  })

  test("of a user is in the user's data directory", () => {
    expect(defaultDirectory({ HOME: "/home/a" }, 1000)).toBe("/home/a/.local/share/bantam")
    expect(defaultDirectory({ HOME: "/home/a", XDG_DATA_HOME: "/x" }, 1000)).toBe("/x/bantam")
    expect(defaultDirectory({ HOME: "/home/a", XDG_DATA_HOME: "x" }, 1000)).toBe(
      "/home/a/.local/share/bantam",
    )
  })
})

describe("The admin socket", () => {
  const socketOf = (management: object, storage: object) => {
    const others = { websocket: {}, security: {}, certificate: {}, jwt: {}, http_authentication: {}, tls: {} }
    const more = { guard: {}, limits: {}, mqtt: {}, process: {}, log: {} }
    const problems: Problem[] = []
    const written = v.parse(settingsSchema, { ...others, ...more, management, storage })
    const { socket, tooLong } = resolveSettings(written, {}, problems).management
    if (tooLong !== undefined) return `too long: ${tooLong}`
    return problems.length === 0 ? socket : problems.map(({ key, what }) => `${key} ${what}`)
  }
  const long = `/${"x".repeat(107)}`

  test("is in the data directory, if there is one that leaves room for its name", () => {
    expect(socketOf({}, { directory: "/data" })).toBe("/data/admin.sock")
    expect(socketOf({}, { directory: "/data", ephemeral: true })).toBeUndefined()
    expect(socketOf({}, { directory: long })).toBe(`too long: ${long}/admin.sock`)
  })

  test("may be elsewhere or nowhere, and a path that the system would cut off is refused", () => {
    expect(socketOf({ socket: "/run/b.sock" }, { ephemeral: true })).toBe("/run/b.sock")
    expect(socketOf({ socket: "off" }, { directory: "/data" })).toBeUndefined()
    expect(socketOf({ socket: long.slice(0, 107) }, {})).toBe(long.slice(0, 107))
    expect(socketOf({ socket: long }, {})).toEqual([
      `management.socket would be ${long}, and a socket's path has less than 108 bytes; name a shorter one, or "off"`,
    ])
  })
})
