import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadSettings } from "../../src/config/load.ts"
import { parseOptions, sortOptions } from "../../src/mosquitto/configuration.ts"
import { fates } from "../../src/mosquitto/setting-rules.ts"
import { planSettings, type RulesSource } from "../../src/mosquitto/settings-plan.ts"
import { tomlOf } from "../../src/mosquitto/toml.ts"

function plan(text: string, rules: RulesSource = "nothing") {
  const { settings, problems, notes } = planSettings(sortOptions(parseOptions(text, "m.conf")), rules)
  return {
    values: Object.fromEntries(settings.map(({ key, value }) => [key, value])),
    problems: problems.map(({ file, line, what }) => `${file}:${line}: ${what}`),
    notes,
    settings,
  }
}

describe("listeners", () => {
  test("none at all is this machine alone, and whoever it is; any other refuses who has no name", () => {
    expect(plan("").values).toEqual({
      listen: ["tcp://127.0.0.1:1883"],
      "security.allow_anonymous": true,
      "security.default_access": "allow",
    })
    expect(plan("allow_anonymous false").values["security.allow_anonymous"]).toBe(false)
    expect(plan("listener 1883").values).toMatchObject({
      listen: ["tcp://[::]:1883"],
      "security.allow_anonymous": false,
    })
    expect(plan("port 1884\nbind_address 10.0.0.1\nallow_anonymous true").values).toMatchObject({
      listen: ["tcp://10.0.0.1:1884"],
      "security.allow_anonymous": true,
    })
    // Whatever is said about the listener that no line opens opens it.
    expect(plan("max_connections 5\nlistener 1884").values["listen"]).toEqual([
      { url: "tcp://[::]:1883", max_connections: 5 },
      "tcp://[::]:1884",
    ])
  })

  test("keep their address, protocol and certificates", () => {
    const { values, problems } = plan(`
listener 1883 localhost
listener 8883 0.0.0.0
certfile /c.pem
keyfile /k.pem
cafile /ca.pem
listener 8884 ::1
certfile /c.pem
keyfile /k.pem
cafile /ca.pem
crlfile /crl.pem
require_certificate true
tls_version tlsv1.3
ciphers ECDHE-RSA-AES256-GCM-SHA384
listener 8083
protocol websockets
socket_domain ipv4
listener 8084
protocol websockets
certfile /c.pem
keyfile /k.pem
listener 0 /run/mqtt.sock
listener 1886 10.0.0.1
enable_proxy_protocol 2
`)
    expect(problems).toEqual([])
    expect(values["listen"]).toEqual([
      "tcp://localhost:1883",
      { url: "tls://0.0.0.0:8883", cert_file: "/c.pem", key_file: "/k.pem" },
      {
        url: "tls://[::1]:8884",
        cert_file: "/c.pem",
        key_file: "/k.pem",
        ca_file: "/ca.pem",
        crl_file: "/crl.pem",
        require_client_certificate: true,
        minimum_version: "1.3",
        ciphers: "ECDHE-RSA-AES256-GCM-SHA384",
      },
      "ws://0.0.0.0:8083",
      { url: "wss://[::]:8084", cert_file: "/c.pem", key_file: "/k.pem" },
      "unix:///run/mqtt.sock",
      { url: "tcp://10.0.0.1:1886", proxy_protocol: true },
    ])
  })

  test("say each for itself whether who has no name may come in", () => {
    const { values } = plan(
      "per_listener_settings true\nport 1882\nallow_anonymous true\nlistener 1883 127.0.0.1\nallow_anonymous true\nlistener 1884\nlistener 1885\n" +
        "listener_allow_anonymous false",
    )
    expect(values["listen"]).toEqual([
      { url: "tcp://[::]:1882", allow_anonymous: true },
      { url: "tcp://127.0.0.1:1883", allow_anonymous: true },
      "tcp://[::]:1884",
      { url: "tcp://[::]:1885", allow_anonymous: false },
    ])
    expect(values["security.allow_anonymous"]).toBe(false)
  })

  test("that would lose their encryption, or cannot be opened, are left out", () => {
    const { values, problems } = plan(
      "listener 1883\nlistener 8883\npsk_hint h\nlistener 8884\ncertfile /c\nlistener 9001\nprotocol http_api\n" +
        "listener 0\nlistener 1885 bad host",
    )
    expect(values["listen"]).toEqual(["tcp://[::]:1883"])
    expect(problems).toEqual([
      "m.conf:3: psk_hint is left out: there is no TLS with shared keys",
      "m.conf:2: listener 8883 is left out: without certfile and keyfile it would not be encrypted",
      "m.conf:4: listener 8884 is left out: without certfile and keyfile it would not be encrypted",
      "m.conf:6: listener 9001 speaks http_api, and is left out",
      "m.conf:8: listener 0 has no port, and is left out",
      "m.conf:9: listener 1885 bad host cannot be listened on as tcp://bad host:1885, which has a host that cannot be; " +
        "write tcp://HOST:PORT, IPv6 in brackets; it is left out",
    ])
  })

  test("that would ask less of their clients, or show them more, are left out too", () => {
    const certificate = "certfile /c.pem\nkeyfile /k.pem\n"
    const { values, problems } = plan(
      `listener 1883\nlistener 8883\n${certificate}capath /certs\nrequire_certificate true\n` +
        `listener 8884\n${certificate}enable_proxy_protocol 1\nlistener 1884\nmount_point tenant/\n` +
        `listener 8885\n${certificate}ciphers nonsense\n`,
    )
    expect(values["listen"]).toEqual([
      "tcp://[::]:1883",
      { url: "tls://[::]:8885", cert_file: "/c.pem", key_file: "/k.pem" },
    ])
    expect(problems).toEqual([
      "m.conf:5: capath is left out: put the certificates of the directory into one file, and name it in ca_file",
      "m.conf:2: listener 8883 is left out: without cafile no client's certificate would be asked for",
      "m.conf:7: listener 8884 is left out: PROXY headers are taken where the proxy ends the encryption or WebSocket",
      "m.conf:11: listener 1884 is left out: topics cannot be put under tenant/",
      "m.conf:16: ciphers is left out: the TLS library has none of that name",
    ])
  })

  test("take a client for whom its certificate names, where they did", () => {
    const certificates = "certfile /c.pem\nkeyfile /k.pem\ncafile /ca.pem\nrequire_certificate true\n"
    const { values, problems } = plan(
      `listener 8883\n${certificates}use_identity_as_username true\nlistener 8884\n${certificates}` +
        `listener 8885\nuse_identity_as_username true\nlistener 8084\nprotocol websockets\n${certificates}` +
        "use_identity_as_username true\n",
    )
    const files = {
      cert_file: "/c.pem",
      key_file: "/k.pem",
      ca_file: "/ca.pem",
      require_client_certificate: true,
    }
    expect(values).toMatchObject({
      "certificate.identity": "common-name",
      listen: [
        { url: "tls://[::]:8883", ...files, authenticators: ["certificate"] },
        { url: "tls://[::]:8884", ...files, authenticators: ["password"] },
      ],
    })
    expect(problems).toEqual([
      "m.conf:12: listener 8885 is left out: a certificate is a user where it is required, and at tls:// alone",
      "m.conf:14: listener 8084 is left out: a certificate is a user where it is required, and at tls:// alone",
    ])
  })

  test("share what Bantam has once for all of them, and it is said where they did not", () => {
    const { values, problems } = plan(
      "listener 1883\nmax_qos 1\nlistener 1884\nwebsockets_origin a.org, b.org",
    )
    expect(values).toMatchObject({
      "mqtt.maximum_qos": 1,
      "websocket.origins": ["a.org", "b.org"],
    })
    expect(problems).toEqual(["m.conf:2: max_qos 1 becomes mqtt.maximum_qos, which counts for all addresses"])
  })

  test("share their origins, which is said where they had others, or took any", () => {
    const web = (port: number, ...origins: readonly string[]) =>
      [`listener ${port}`, "protocol websockets", ...origins.map((each) => `websockets_origin ${each}`)].join(
        "\n",
      )
    const said =
      "m.conf:3: websockets_origin a.org becomes websocket.origins, which is that of all addresses together"
    const other = plan(`${web(8083, "a.org")}\n${web(8084, "a.org", "b.org")}`)
    expect(other.values["websocket.origins"]).toEqual(["a.org", "b.org"])
    expect(other.problems).toEqual([said])
    expect(plan(`${web(8083, "a.org")}\n${web(8084)}`).problems).toEqual([said])
    const same = plan(`listener 1883\n${web(8083, "a.org", "b.org")}\n${web(8084, "b.org, a.org")}`)
    expect(same.problems).toEqual([])
  })

  test("for IPv6 alone take IPv4 as well, which is said", () => {
    const { values, problems } = plan(
      "listener 1883\nsocket_domain ipv6\nlistener 1884 ::1\nsocket_domain ipv6\nlistener 1885\nsocket_domain ipv4",
    )
    expect(values["listen"]).toEqual(["tcp://[::]:1883", "tcp://[::1]:1884", "tcp://0.0.0.0:1885"])
    expect(problems).toEqual([
      "m.conf:2: socket_domain ipv6 becomes [::], which takes IPv4 as well: name an address in listen",
    ])
  })

  test("have each its own number of connections, and all together that of global_max_connections", () => {
    const listeners =
      "listener 1883\nmax_connections 10\nlistener 1884\nmax_connections 20000\nlistener 1885\nmax_connections -1\n"
    const listen = [
      { url: "tcp://[::]:1883", max_connections: 10 },
      { url: "tcp://[::]:1884", max_connections: 20_000 },
      "tcp://[::]:1885",
    ]
    const { values, problems } = plan(`${listeners}global_max_connections 77`)
    expect(values).toMatchObject({ listen, "limits.connections": 77 })
    expect(problems).toEqual([])
    // Without it the bound that holds unless it is set must not be lower than theirs.
    expect(plan(listeners).values).toMatchObject({ listen, "limits.connections": 20_010 })
    expect(plan("listener 1883\nmax_connections 10").values["limits.connections"]).toBeUndefined()
    expect(plan("listener 1883\nmax_connections 2000000").problems).toEqual([
      "m.conf:2: max_connections 2000000 is beyond the bounds of max_connections in listen, which is 1000000",
    ])
  })
})

describe("general options", () => {
  test("become settings", () => {
    const { values, problems } = plan(`
max_inflight_messages 50
max_queued_messages 0
max_queued_bytes 1000000
max_packet_size 2000
max_keepalive 600
sys_interval 0
retain_available false
persistent_client_expiration 2w
global_max_connections 77
log_type error
log_type warning
`)
    expect(problems).toEqual([])
    expect(values).toMatchObject({
      "limits.in_flight": 50,
      "limits.queued_messages": 100_000_000,
      "limits.queued_bytes": 1_000_000,
      "limits.when_queue_full": "drop-newest",
      "limits.packet_bytes": 2_000,
      "mqtt.keep_alive_maximum_seconds": 600,
      "mqtt.sys_interval_seconds": 0,
      "mqtt.retain_available": false,
      "mqtt.session_expiry_maximum_seconds": 1_209_600,
      "limits.connections": 77,
      "log.level": "warn",
    })
  })

  test("are told with their place where they are lost, out of bounds or unknown, and where nothing is missed", () => {
    const { problems, notes } = plan(
      "queue_qos0_messages true\nqueue_qos0_messages false\nmax_packet_size 20\nmax_keepalive x\n" +
        "persistent_client_expiration 2\nfrobnicate 1\nconnection cloud\ntopic #\npid_file /p",
    )
    expect(problems).toEqual([
      "m.conf:1: queue_qos0_messages is left out: what comes at QoS 0 is not kept for absent clients",
      "m.conf:3: max_packet_size 20 is beyond the bounds of limits.packet_bytes, which becomes 1024",
      "m.conf:4: max_keepalive x is no number, and is left out",
      "m.conf:5: persistent_client_expiration 2 is no time, and is left out",
      "m.conf:6: frobnicate is not known, and is left out",
      "m.conf:7: connection cloud: bridges are not carried over yet",
    ])
    expect(notes).toEqual(["m.conf:9: pid_file has no counterpart: whoever starts the program knows it"])
  })

  test("refuse by default where there are ACLs, and filter what is subscribed to as the ACL file did", () => {
    expect(plan("", "ACL file").values).toMatchObject({
      "security.default_access": "deny",
      "security.wide_subscriptions": "filter",
    })
    const dynamic = plan("", "dynamic security").values
    expect(dynamic["security.default_access"]).toBe("deny")
    expect(dynamic["security.wide_subscriptions"]).toBeUndefined()
  })
})

describe("the settings file", () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bantam-mosquitto-"))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test("is one that Bantam reads, with the place of each line in a comment", () => {
    const { settings } = plan(
      'listener 1883\nlistener 8883\ncertfile /c "x"\\y.pem\nkeyfile /k.pem\ncafile /ca.pem\nrequire_certificate 1\n' +
        "use_identity_as_username 1\nmax_qos 2\nmax_inflight_messages 7",
    )
    const toml = tomlOf(settings, "m.conf")
    const file = join(folder, "bantam.toml")
    writeFileSync(file, toml)
    const { listeners, limits } = loadSettings({ file })
    expect(listeners.map(({ url, tls }) => `${url} ${tls?.certFile}`)).toEqual([
      "tcp://[::]:1883 undefined",
      'tls://[::]:8883 /c "x"\\y.pem',
    ])
    expect(limits.inFlight).toBe(7)
    expect(toml).toContain("# m.conf:9: max_inflight_messages 7\nin_flight = 7\n")
  })
  test("is one that Bantam reads, whatever the options are", () => {
    const file = join(folder, "bantam.toml")
    const listener = (
      "listener port bind_address protocol certfile keyfile cafile crlfile require_certificate tls_version ciphers " +
      "enable_proxy_protocol max_connections max_qos max_topic_alias websockets_origin allow_anonymous use_identity_as_username " +
      "per_listener_settings listener_allow_anonymous socket_domain log_type"
    ).split(" ")
    const words =
      "1 2 -1 0 7000000000 true false websockets 1883 /x.pem ipv4 HIGH tlsv1.3 all 2d 9999999999y a,b".split(
        " ",
      )
    const addresses = ["0 /run/x.sock", "1884 ::1", "8883 localhost", "1885 a_b", '/a"b', "\u007f", ""]
    const value = fc.oneof(fc.constantFrom(...words, ...addresses), fc.string())
    const line = fc.tuple(fc.constantFrom(...Object.keys(fates), ...listener), value)
    fc.assert(
      fc.property(fc.array(line, { maxLength: 25 }), (lines) => {
        const { settings } = plan(lines.map((each) => each.join(" ")).join("\n"))
        writeFileSync(file, tomlOf(settings, "m.conf"))
        expect(() => loadSettings({ file })).not.toThrow()
      }),
      { numRuns: 300 },
    )
  })
})
