/*
 * What becomes of each option that is about no listener. A listener's are in listener-settings.ts.
 */

/** Bounds of Bantam's setting; 0 means no limit in Mosquitto, and the highest here. */
interface Bounds {
  readonly lowest: number
  readonly highest: number
}

export type Fate =
  /** A number, held to the bounds of the setting. */
  | ({ readonly as: "number"; readonly key: string; readonly zero: "none" | "unlimited" } & Bounds)
  | { readonly as: "flag"; readonly key: string }
  /** `<n>s`, h, d, w, m or y. */
  | { readonly as: "duration"; readonly key: string }
  /** Said where it is not what Bantam does anyhow. */
  | { readonly as: "lost"; readonly unless: readonly string[]; readonly what: string }
  /** It means nothing here, and nothing is lost with it. */
  | { readonly as: "moot"; readonly what: string }

const most = 0xffff_ffff

export const fates: Readonly<Record<string, Fate>> = {
  max_inflight_messages: number("limits.in_flight", 1, 65_535, "unlimited"),
  max_queued_messages: number("limits.queued_messages", 1, 100_000_000, "unlimited"),
  max_queued_bytes: number("limits.queued_bytes", 1_024, 2 ** 40, "unlimited"),
  max_packet_size: number("limits.packet_bytes", 1_024, 268_435_460, "unlimited"),
  global_max_connections: number("limits.connections", 1, 1_000_000, "unlimited"),
  max_keepalive: number("mqtt.keep_alive_maximum_seconds", 0, 65_535, "none"),
  sys_interval: number("mqtt.sys_interval_seconds", 0, 86_400, "none"),
  retain_available: { as: "flag", key: "mqtt.retain_available" },
  persistent_client_expiration: { as: "duration", key: "mqtt.session_expiry_maximum_seconds" },

  max_inflight_bytes: lost(["0"], "is left out: bytes on their way to a client are not counted"),
  message_size_limit: lost(
    ["0"],
    "is left out: limits.packet_bytes bounds whole packets, and ends the connection that sends a longer one",
  ),
  global_max_clients: lost(["-1", "0"], "is left out: sessions without a connection are not counted"),
  queue_qos0_messages: lost(
    ["false", "0"],
    "is left out: what comes at QoS 0 is not kept for absent clients",
  ),
  upgrade_outgoing_qos: lost(
    ["false", "0"],
    "is left out: no message comes at a higher QoS than it was published at",
  ),
  retain_expiry_interval: lost(
    ["0"],
    "is left out: mqtt.message_expiry_maximum_seconds bounds the life of all messages",
  ),
  check_retain_source: lost(
    ["false", "0"],
    "is left out: a retained message stays when its publisher loses the right to publish it",
  ),
  allow_zero_length_clientid: lost(["true", "1"], "is left out: who sends no client identifier is given one"),
  auto_id_prefix: lost([], "is left out: the identifiers that are given are Bantam's own"),
  clientid_prefixes: lost([], "is left out: bind users to a client identifier instead"),
  psk_file: lost([], "is left out: there is no TLS with shared keys"),
  memory_limit: lost(["0"], "is left out: limits bounds what clients may cost"),
  log_dest: lost(["stderr", "none"], "is left out: the log goes to standard error"),
  enable_control_api: lost(["false", "0"], "is left out: there is no control by MQTT"),
  http_dir: lost([], "is left out: no files are served"),

  autosave_interval: moot("what is acknowledged is on the disk already"),
  autosave_on_changes: moot("what is acknowledged is on the disk already"),
  persistence: moot("Bantam always keeps its state"),
  persistence_location: moot("it was read for this import alone"),
  persistence_file: moot("it was read for this import alone"),
  connection_messages: moot("they are part of the log at level info"),
  log_timestamp: moot("every line has one"),
  log_timestamp_format: moot("every line has one, in ISO 8601"),
  log_facility: moot("the log goes to standard error"),
  packet_buffer_size: moot("buffers grow as they must"),
  pid_file: moot("whoever starts the program knows it"),
  set_tcp_nodelay: moot("it is always so"),
  user: moot("it runs as whoever starts it, or as process.user says"),
  websockets_log_level: moot("there is one log"),
  websockets_headers_size: moot("it has a bound of its own"),
  retry_interval: moot("no message is sent again on a living connection"),
  store_clean_interval: moot("nothing has to be cleaned"),
}

/** Read elsewhere. */
export const readElsewhere: ReadonlySet<string> = new Set([
  "acl_file",
  "allow_anonymous",
  "log_type",
  "password_file",
  "per_listener_settings",
])

function number(key: string, lowest: number, highest: number, zero: "none" | "unlimited"): Fate {
  return { as: "number", key, lowest, highest, zero }
}

function lost(unless: readonly string[], what: string): Fate {
  return { as: "lost", unless, what }
}

function moot(what: string): Fate {
  return { as: "moot", what }
}

const secondsPer = { s: 1, h: 3_600, d: 86_400, w: 604_800, m: 2_592_000, y: 31_536_000 } as const

/** @returns undefined when it is none */
export function secondsOf(duration: string): number | undefined {
  const [, count, unit] = /^(\d+)([shdwmy])$/.exec(duration) ?? []
  if (count === undefined || unit === undefined) return undefined
  return Math.min(most, Number(count) * secondsPer[unit as keyof typeof secondsPer])
}
