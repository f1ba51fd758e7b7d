import * as v from "valibot"
import { logFormats, logLevels } from "../foundation/log.ts"
import {
  choice,
  flag,
  text,
  texts,
  unset,
  unsetTexts,
  unsetWhole,
  unsetWords,
  whole,
  words,
} from "./kinds.ts"

const certificateIdentities = ["common-name", "dns", "email", "uri", "fingerprint"] as const

/** The ways to prove who one is, as settings name them. */
const authenticatorNames = ["certificate", "jwt", "http", "password", "scram"] as const
export type AuthenticatorName = (typeof authenticatorNames)[number]

const tlsVersions = ["1.2", "1.3"] as const

/** What a token may be signed with: HMAC with a secret, or anything else with a public key. */
const tokenAlgorithms = [
  ...(["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const),
  ...(["ES256", "ES384", "ES512", "EdDSA"] as const),
] as const
export type TokenAlgorithm = (typeof tokenAlgorithms)[number]

/**
 * Every setting there is: its description, default and bounds. Checking, the sample file, environment names and
 * the type of the settings all follow from this one table. Units stand at the end of the names.
 */
export const sections = {
  tls: {
    about: "Certificates for every tls:// and wss:// address, in PEM files. Read again at a reload.",
    keys: {
      cert_file: unset("The server's certificate, followed by its intermediates.", "/etc/bantam/cert.pem"),
      key_file: unset("The private key of that certificate.", "/etc/bantam/key.pem"),
      ca_file: unset("Who may sign client certificates. Without it none is asked for.", "/etc/bantam/ca.pem"),
      crl_file: unset("Client certificates that are revoked.", "/etc/bantam/crl.pem"),
      require_client_certificate: flag("Refuse clients without a valid certificate. Needs ca_file.", false),
      minimum_version: choice("The oldest version of TLS that is spoken.", tlsVersions, "1.2"),
      ciphers: unset(
        "What of TLS 1.2 is offered, as OpenSSL writes it. TLS 1.3 has no choice. Unset: all that is sound.",
        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
      ),
      alpn: unsetTexts(
        "Application protocols of tls:// addresses: a client that names some must name one of these. Unset: none is\n" +
          "looked at. Nothing to wss:// addresses, which speak HTTP first.",
        "mqtt",
      ),
    },
  },
  websocket: {
    about: "MQTT over WebSocket, for every ws:// and wss:// address.",
    keys: {
      paths: texts("Request paths that speak MQTT; any other is not found.", ["/mqtt", "/"]),
      origins: unsetTexts(
        "Web pages that may connect; a client that is no web page names none, and may always. Unset: any page.",
        "https://example.org",
      ),
    },
  },
  storage: {
    about: "Where sessions, queued and retained messages, users and access rules are kept.",
    keys: {
      directory: unset(
        "One directory for everything. Unset: /var/lib/bantam for root or with process.user, else bantam\n" +
          "in the user's data directory.",
        "/var/lib/bantam",
      ),
      durability: choice(
        "What an acknowledgement promises. full: it survives a power cut. normal: it survives a crash of the process.\n" +
          "none: acknowledged at once and written soon after.",
        ["full", "normal", "none"],
        "full",
      ),
      ephemeral: flag("Keep everything in memory alone; nothing survives the process.", false),
    },
  },
  security: {
    about: "Who may connect, and what becomes of what no access rule decides.",
    keys: {
      authenticators: words(
        "The ways to prove who one is, asked in this order: the first that has a verdict decides, and a\n" +
          "refusal ends it. Those that are not set up have none.\n" +
          "scram is for clients of MQTT 5 that ask for it, by SCRAM-SHA-256 or SCRAM-SHA-512, wherever it stands.",
        authenticatorNames,
        authenticatorNames,
      ),
      allow_anonymous: v.optional(
        v.pipe(
          v.union([v.literal("loopback"), v.boolean()]),
          v.title('"loopback", true or false'),
          v.description(
            'Clients without a user name: true, false, or "loopback" for those on loopback and unix addresses only.',
          ),
        ),
        "loopback",
      ),
      default_access: choice(
        "What becomes of what no rule of `bantam acl` decides: allow or deny.\n" +
          "auto: everything is allowed as long as there is neither user nor rule, and none of [certificate], [jwt] and\n" +
          "[http_authentication] is set up; nothing from then on.",
        ["auto", "allow", "deny"],
        "auto",
      ),
      wide_subscriptions: choice(
        "What becomes of a subscription that matches more than its client may read. refuse: it is refused, and MQTT 5\n" +
          "clients are told so in SUBACK. filter: it is granted as soon as some of it may be read, and the rest is\n" +
          "never sent, as Mosquitto does it. A rule for one QoS alone then denies only what it matches whole.",
        ["refuse", "filter"],
        "refuse",
      ),
      refused_publish: choice(
        "What becomes of a client that publishes what it may not. answer: the message is dropped, and MQTT 5\n" +
          "clients are told so in PUBACK or PUBREC. close: the connection is closed.",
        ["answer", "close"],
        "answer",
      ),
    },
  },
  certificate: {
    about: "What a client certificate says about a user, at tls:// and wss:// addresses that have a ca_file.",
    keys: {
      identity: v.exactOptional(
        v.pipe(
          v.picklist(certificateIdentities),
          v.title(`one of ${certificateIdentities.map((each) => JSON.stringify(each)).join(", ")}`),
          v.description(
            "What in it is the name of the user. Unset: it opens the connection, and the user is proven otherwise.\n" +
              "dns, email and uri are its alternative names, of which it must have one; fingerprint is its SHA-256 in\n" +
              "lower-case hexadecimal digits.",
          ),
          v.metadata({ example: "common-name" }),
        ),
      ),
      known_users_only: flag("Refuse whoever is no user of `bantam user`.", false),
    },
  },
  jwt: {
    about:
      "Tokens (JSON Web Tokens) as proof of who one is; docs/authentication.md says what they hold. Without\n" +
      "algorithms they prove nothing.",
    keys: {
      algorithms: unsetWords(
        "What tokens are signed with, whatever they say themselves. HS256, HS384 and HS512 need secret_file. RS256,\n" +
          "PS256, ES256 and so on to 512, and EdDSA, need key_file or jwks_url. The two kinds do not go together.",
        tokenAlgorithms,
        ["ES256"],
      ),
      secret_file: unset(
        "The shared secret: every byte of the file but one newline at its end. At least as long as the hash.",
        "/etc/bantam/token-secret",
      ),
      key_file: unset(
        "The public key: PEM (a key or a certificate), JWK or JWKS. Read again at a reload, as secret_file is.",
        "/etc/bantam/token-key.pem",
      ),
      jwks_url: unset(
        "Where the public keys are fetched, as a JWKS: https://, or http:// on this machine.",
        "https://id.example.org/.well-known/jwks.json",
      ),
      jwks_max_age_seconds: whole(
        "Fetched keys are fetched again when they are older, or when a token names another.",
        10,
        86_400,
        600,
      ),
      issuer: unset("A token must name this as its iss. Unset: any.", "https://id.example.org"),
      audience: unset("A token must name this in its aud. Unset: any.", "mqtt"),
      clock_skew_seconds: whole("How far the clock of whoever issues tokens may be off.", 0, 300, 5),
      require_expiry: flag("Refuse tokens that never expire.", true),
      source: choice("Where a client puts its token.", ["password", "username"], "password"),
      username_claim: text("The claim that is the user's name; a token without it is refused.", "sub"),
      client_id_claim: unset("The client identifier must be this claim, where a token has it.", "client_id"),
      groups_claim: text("The claim that lists the user's groups.", "groups"),
      attributes_claim: text("The claim that holds the user's attributes.", "attributes"),
      acl_claim: text("The claim that holds access rules. What they do not allow is refused.", "acl"),
      superuser_claim: unset("Whom no access rule binds, as this claim says with true.", "superuser"),
    },
  },
  http_authentication: {
    about:
      "A service of yours that is asked, by HTTP, whether a client may come in; docs/authentication.md says how.\n" +
      "Without url none is asked.",
    keys: {
      url: unset("Where to ask: https://, or http:// on this machine.", "https://id.example.org/mqtt"),
      allow_plain_http: flag("Let http:// leave this machine, for all to read: passwords too.", false),
      headers: texts('Sent along, each as "Name: value".', []),
      timeout_ms: whole("How long the answer may take.", 1, 60_000, 2_000),
      cache_seconds: whole(
        "For how long a client that was let in comes in again without a question. 0: always ask.",
        0,
        86_400,
        0,
      ),
      at_once: whole(
        "Questions under way at a time; 1,000 more may wait, the rest is told to.",
        1,
        1_000,
        50,
      ),
      on_error: choice(
        "Without an answer: deny refuses the client, pass asks the next of security.authenticators.",
        ["deny", "pass"],
        "deny",
      ),
    },
  },
  guard: {
    about:
      "What keeps out who guesses passwords or comes too often. Addresses of this machine are not held liable as a\n" +
      "whole, for everybody may stand behind a proxy. IPv6 addresses count by their /64.",
    keys: {
      failed_logins: whole(
        "Failed logins of one user name from one address before it has to wait, twice as long each time. 0: never.",
        0,
        1_000,
        5,
      ),
      failed_logins_per_address: whole(
        "Failed logins of all user names from one address before it has to wait. 0: never.",
        0,
        1_000_000,
        100,
      ),
      window_seconds: whole("In which those numbers of failures are forgiven again.", 60, 604_800, 3_600),
      longest_wait_seconds: whole("No wait for the next login is longer.", 1, 86_400, 900),
      connection_rate_per_address: whole(
        "New connections a second from one address, twice as many at once. 0: any number.",
        0,
        1_000_000,
        100,
      ),
      half_open: whole(
        "Connections that have not said CONNECT, at a time. One more, and the oldest is closed once it has been\n" +
          "silent for five seconds; for one, where limits.connections are there.",
        1,
        1_000_000,
        1_000,
      ),
      half_open_per_address: whole(
        "Those from one address. One more is closed at once. 0: any number.",
        0,
        1_000_000,
        64,
      ),
    },
  },
  limits: {
    about: "What one client, and all together, may cost.",
    keys: {
      connections: whole(
        "Network connections at a time. The limit for open files bounds it too.",
        1,
        1_000_000,
        10_000,
      ),
      connection_rate: whole(
        "New connections a second; more are closed at once. 0: any number.",
        0,
        1_000_000,
        0,
      ),
      messages_per_second: whole(
        "Messages that one client may publish; who is faster is read more slowly. 0: any number.",
        0,
        1_000_000,
        0,
      ),
      packet_bytes: whole(
        "Longest packet we take, announced to MQTT 5 clients.",
        1_024,
        268_435_460,
        10_485_760,
      ),
      connect_packet_bytes: whole("Longest packet from a client not let in yet.", 1_024, 1_048_576, 262_144),
      topic_bytes: whole("Longest topic name or filter.", 16, 65_535, 65_535),
      topic_levels: whole("Levels of a topic name or filter, one more than its slashes.", 2, 65_536, 128),
      client_id_bytes: whole("Longest client identifier.", 23, 65_535, 65_535),
      user_properties_per_packet: whole("User properties in one packet.", 0, 65_535, 128),
      subscriptions_per_client: whole("Subscriptions of one session.", 1, 1_000_000, 1_000),
      subscriptions_per_packet: whole("Topic filters in one SUBSCRIBE or UNSUBSCRIBE.", 1, 65_535, 1_000),
      in_flight: whole(
        "QoS 1 and 2 messages on their way to one client; its own Receive Maximum may be lower.",
        1,
        65_535,
        256,
      ),
      receive_maximum: whole(
        "QoS 1 and 2 messages a client may have under way to us; more ends its connection.",
        1,
        65_535,
        65_535,
      ),
      queued_messages: whole("Messages that wait for one client.", 1, 100_000_000, 100_000),
      queued_bytes: whole("Bytes of the messages that wait for one client.", 1_024, 2 ** 40, 268_435_456),
      when_queue_full: choice(
        "What gives way at either bound: the oldest waiting message, the newest, or reject: its publisher is told.",
        ["drop-oldest", "drop-newest", "reject"],
        "drop-oldest",
      ),
      queue_window: whole(
        "Waiting messages kept in memory for one connected client; the rest waits on disk.",
        1,
        1_000_000,
        1_000,
      ),
      retained_messages: whole("Retained messages of the whole broker.", 0, 100_000_000, 1_000_000),
      retained_bytes: whole("Bytes of all retained messages.", 0, 2 ** 40, 1_073_741_824),
      connect_timeout_seconds: whole("From a new connection to its CONNECT.", 1, 3_600, 10),
      write_buffer_bytes: whole(
        "Waiting in memory for a client that reads too slowly; beyond it messages queue or drop.",
        16_384,
        268_435_456,
        1_048_576,
      ),
      topic_aliases: whole("Topic aliases a client may set, announced to MQTT 5 clients.", 0, 65_535, 32),
      topic_aliases_out: whole("Topic aliases we set towards a client that allows them.", 0, 65_535, 32),
    },
  },
  mqtt: {
    about: "What we offer of the protocol.",
    keys: {
      maximum_qos: choice("Highest QoS a client may publish with.", [0, 1, 2], 2),
      retain_available: flag("Clients may publish retained messages.", true),
      wildcard_subscriptions_available: flag("Topic filters may hold + and #.", true),
      shared_subscriptions_available: flag("Topic filters may begin with $share/.", true),
      shared_subscription_strategy: choice(
        "Which member of a share group gets the next message.",
        ["round-robin", "random", "sticky", "least-inflight"],
        "round-robin",
      ),
      keep_alive_maximum_seconds: whole(
        "Longest keep alive; MQTT 5 clients that ask for more are told this one. 0: any.",
        0,
        65_535,
        0,
      ),
      session_expiry_maximum_seconds: whole(
        "Longest life of a session without a connection. 4294967295: for ever.",
        0,
        0xffff_ffff,
        0xffff_ffff,
      ),
      message_expiry_maximum_seconds: whole("Longest life of a message. 0: for ever.", 0, 0xffff_ffff, 0),
      sys_interval_seconds: whole(
        "How often the counters under $SYS are published. 0: never.",
        0,
        86_400,
        10,
      ),
      response_information: unset("Sent to MQTT 5 clients that ask for response information.", "replies/"),
      server_reference: unset(
        "Another server, named to MQTT 5 clients when this one stops.",
        "other.example.org",
      ),
    },
  },
  management: {
    about: "How `bantam status`, `clients`, `subs`, `sessions`, `retained` and `top` reach the broker.",
    keys: {
      socket: text(
        "A unix socket that the broker's own user alone may open. auto: admin.sock in the data directory, and none\n" +
          "where everything is kept in memory. off: none. Or a path of less than 108 bytes.",
        "auto",
      ),
    },
  },
  process: {
    about: "The program itself.",
    keys: {
      user: unset(
        "Whom it becomes when root starts it: NAME or NAME:GROUP. It then reads all files as that user, keys too, and\n" +
          "of root's rights keeps the one to listen at ports below 1024, if it needs it. Unset: it stays who starts it.",
        "bantam",
      ),
    },
  },
  log: {
    about: "What is written to standard error.",
    keys: {
      level: choice("The least serious line that is written.", logLevels, "info"),
      format: choice("Lines for people or for programs.", logFormats, "text"),
    },
  },
} as const

/** What a broker takes over when it reads its settings again; all else waits for its next start. */
export const reloadedSections: ReadonlySet<string> = new Set<keyof typeof sections>(["log"])

/** The keys that stand in front of the first section. */
const topLevel = {
  listen: v.optional(
    v.pipe(
      v.array(
        v.union([
          v.string(),
          v.strictObject({
            url: v.string(),
            cert_file: v.exactOptional(v.string()),
            key_file: v.exactOptional(v.string()),
            ca_file: v.exactOptional(v.string()),
            crl_file: v.exactOptional(v.string()),
            require_client_certificate: v.exactOptional(v.boolean()),
            authenticators: v.exactOptional(v.pipe(v.array(v.picklist(authenticatorNames)), v.readonly())),
            allow_anonymous: v.exactOptional(v.boolean()),
            minimum_version: v.exactOptional(v.picklist(tlsVersions)),
            ciphers: v.exactOptional(v.pipe(v.string(), v.nonEmpty())),
            alpn: v.exactOptional(v.array(v.pipe(v.string(), v.nonEmpty()))),
            proxy_protocol: v.exactOptional(v.boolean()),
            max_connections: unsetWhole(1, 1_000_000),
            max_connection_rate: unsetWhole(1, 1_000_000),
            messages_per_second: unsetWhole(1, 1_000_000),
          }),
        ]),
      ),
      v.minLength(1),
      v.readonly(),
      v.title('one or more addresses such as ["tcp://127.0.0.1:1883"]'),
      v.description(
        "Addresses to listen on: tcp://HOST:PORT, tls://HOST:PORT, ws://HOST:PORT, wss://HOST:PORT or unix:///PATH.\n" +
          "Port 0 takes a free one. A table sets keys of [tls], authenticators, allow_anonymous, max_connections,\n" +
          "max_connection_rate and messages_per_second for one of them:\n" +
          '{ url = "tls://0.0.0.0:8884", ca_file = "/etc/bantam/ca.pem", require_client_certificate = true }\n' +
          "Behind a proxy that sends PROXY headers (version 1 or 2), and that alone can connect, a tcp or unix address:\n" +
          '{ url = "tcp://10.0.0.5:1883", proxy_protocol = true }',
      ),
    ),
    ["tcp://127.0.0.1:1883"],
  ),
} as const

/** Unknown keys are refused: a misspelt limit must not silently be none. */
export const settingsSchema = v.strictObject({
  ...topLevel,
  tls: v.strictObject(sections.tls.keys),
  websocket: v.strictObject(sections.websocket.keys),
  storage: v.strictObject(sections.storage.keys),
  security: v.strictObject(sections.security.keys),
  certificate: v.strictObject(sections.certificate.keys),
  jwt: v.strictObject(sections.jwt.keys),
  http_authentication: v.strictObject(sections.http_authentication.keys),
  guard: v.strictObject(sections.guard.keys),
  limits: v.strictObject(sections.limits.keys),
  mqtt: v.strictObject(sections.mqtt.keys),
  management: v.strictObject(sections.management.keys),
  process: v.strictObject(sections.process.keys),
  log: v.strictObject(sections.log.keys),
} satisfies typeof topLevel & Record<keyof typeof sections, v.GenericSchema>)

/** The settings as they are written down: snake_case, nothing derived yet. */
export type WrittenSettings = v.InferOutput<typeof settingsSchema>

/** One setting as the schema holds it. The title says what it must be, for messages. */
export interface Setting {
  /** As in `limits.connections`. */
  readonly key: string
  readonly schema: v.GenericSchema
  readonly description: string
  /** Completes the sentence "it must be …". */
  readonly expectation: string
  /** Undefined: there is none, the setting is unset. */
  readonly fallback: unknown
  /** Stands in the sample where there is no default. */
  readonly example: unknown
}

function settingsOf(prefix: string, keys: Record<string, v.GenericSchema>): Setting[] {
  return Object.entries(keys).map(([name, schema]) => {
    const wrapped = "wrapped" in schema ? (schema.wrapped as v.GenericSchema) : schema
    return {
      key: prefix + name,
      schema,
      description: v.getDescription(wrapped) ?? "",
      expectation: v.getTitle(wrapped) ?? "",
      fallback: v.getDefault(schema),
      example: v.getMetadata(wrapped)["example"],
    }
  })
}

/** All settings by key, in the order of the sample. */
export const allSettings: ReadonlyMap<string, Setting> = new Map(
  [
    ...settingsOf("", topLevel),
    ...Object.entries(sections).flatMap(([name, section]) => settingsOf(`${name}.`, section.keys)),
  ].map((setting) => [setting.key, setting]),
)
