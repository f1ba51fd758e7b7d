import type { Problem } from "./problem.ts"

/** One line of a mosquitto.conf. */
export interface Option {
  readonly name: string
  /** Empty when there is none. */
  readonly value: string
  readonly file: string
  readonly line: number
}

/** Options from one file, in their order. */
export function parseOptions(text: string, file: string): readonly Option[] {
  return text.split("\n").flatMap((written, index) => {
    // A comment begins in the first column; anywhere else the sign belongs to a value.
    if (written.startsWith("#")) return []
    const [, name, value = ""] = /^\s*(\S+)(?:\s+(.*?))?\s*$/.exec(written) ?? []
    return name === undefined ? [] : [{ name, value, file, line: index + 1 }]
  })
}

/** A listener, the default one included, which has no line of its own. */
export interface ListenerSection {
  readonly at: Option | undefined
  readonly options: readonly Option[]
}

export interface BridgeSection {
  readonly at: Option
  readonly options: readonly Option[]
}

export interface PluginSection {
  readonly at: Option
  /** By name without `plugin_opt_`. */
  readonly options: ReadonlyMap<string, Option>
}

/** A mosquitto.conf, taken apart into what its lines are about. */
export interface Configuration {
  /** About the broker as a whole. */
  readonly general: readonly Option[]
  /** The options that stand in front of the first `listener`. */
  readonly defaultListener: ListenerSection
  readonly listeners: readonly ListenerSection[]
  readonly bridges: readonly BridgeSection[]
  readonly plugins: readonly PluginSection[]
  readonly problems: readonly Problem[]
}

/** Those that belong to the listener they stand behind. */
const listenerOptions: ReadonlySet<string> = new Set(
  (
    "accept_protocol_versions bind_address bind_interface cafile capath certfile ciphers ciphers_tls1.3 crlfile " +
    "dhparamfile disable_client_cert_date_checks enable_proxy_protocol http_dir keyfile listener_allow_anonymous " +
    "listener_auto_id_prefix max_connections max_qos max_topic_alias max_topic_alias_broker mount_point port protocol " +
    "proxy_protocol_v2_require_tls psk_hint require_certificate socket_domain tls_engine tls_engine_kpass_sha1 " +
    "tls_keyform tls_version use_identity_as_username use_subject_as_username use_username_as_clientid " +
    "websockets_headers_size websockets_log_level websockets_origin"
  ).split(" "),
)

/** Those that belong to the listener they stand behind once `per_listener_settings` is true, and to all otherwise. */
const securityOptions: ReadonlySet<string> = new Set(
  "acl_file allow_anonymous allow_zero_length_clientid auto_id_prefix password_file psk_file".split(" "),
)

const bridgeOptions: ReadonlySet<string> = new Set(
  (
    "address addresses bridge_alpn bridge_attempt_unsubscribe bridge_bind_address bridge_cafile bridge_capath " +
    "bridge_certfile bridge_ciphers bridge_ciphers_tls1.3 bridge_identity bridge_insecure bridge_keyfile " +
    "bridge_max_packet_size bridge_max_topic_alias bridge_outgoing_retain bridge_protocol_version bridge_psk " +
    "bridge_receive_maximum bridge_reload_type bridge_require_ocsp bridge_session_expiry_interval " +
    "bridge_tcp_keepalive bridge_tcp_user_timeout bridge_tls_use_os_certs bridge_tls_version cleansession clientid " +
    "idle_timeout keepalive_interval local_cleansession local_clientid local_password local_username " +
    "notification_topic notifications notifications_local_only password remote_clientid remote_password " +
    "remote_username restart_timeout round_robin start_type threshold topic try_private username"
  ).split(" "),
)

/** What the lines of one file stand behind. */
interface Sections {
  listener: { readonly at: Option | undefined; readonly options: Option[] }
  bridge: { readonly at: Option; readonly options: Option[] } | undefined
  plugin: { readonly at: Option; readonly options: Map<string, Option> } | undefined
}

/**
 * Sorts options by what they are about.
 *
 * @param options of all files in the order in which Mosquitto reads them. Each file has sections of its own: one that is
 *   included begins without any, and the main file goes on behind it with those that it had
 */
export function sortOptions(options: readonly Option[]): Configuration {
  const general: Option[] = []
  const defaults: Option[] = []
  const listeners: { readonly at: Option; readonly options: Option[] }[] = []
  const bridges: { readonly at: Option; readonly options: Option[] }[] = []
  const plugins: { readonly at: Option; readonly options: Map<string, Option> }[] = []
  const problems: Problem[] = []
  const perListener = options.some(({ name, value }) => name === "per_listener_settings" && isYes(value))
  const sectionsByFile = new Map<string, Sections>()
  for (const option of options) {
    const { name, file } = option
    const sections: Sections = sectionsByFile.get(file) ?? {
      listener: { at: undefined, options: defaults },
      bridge: undefined,
      plugin: undefined,
    }
    sectionsByFile.set(file, sections)
    if (name === "listener") {
      const opened = { at: option, options: [] }
      listeners.push(opened)
      sections.listener = opened
    } else if (name === "connection") {
      const opened = { at: option, options: [] }
      bridges.push(opened)
      sections.bridge = opened
    } else if (name === "plugin" || name === "global_plugin" || name === "auth_plugin") {
      const opened = { at: option, options: new Map<string, Option>() }
      plugins.push(opened)
      sections.plugin = opened
    } else if (/^(plugin|auth)_opt_./.test(name)) {
      if (sections.plugin === undefined)
        problems.push(problemOf(option, "stands behind no plugin, and is left out"))
      else sections.plugin.options.set(name.replace(/^(plugin|auth)_opt_/, ""), option)
    } else if (bridgeOptions.has(name)) {
      if (sections.bridge === undefined)
        problems.push(problemOf(option, "stands behind no connection, and is left out"))
      else sections.bridge.options.push(option)
    } else if (listenerOptions.has(name) || (perListener && securityOptions.has(name))) {
      const { at, options: own } = sections.listener
      own.push(option)
      // Mosquitto moves its listeners when one more comes, and goes on writing where this one was.
      if (at !== undefined && listeners.at(-1)?.at !== at)
        problems.push(
          problemOf(
            option,
            `stands behind an include_dir that opens listeners, where Mosquitto may lose it: it counts for ${at.value}`,
          ),
        )
    } else {
      general.push(option)
    }
  }
  return {
    general,
    defaultListener: { at: undefined, options: defaults },
    listeners,
    bridges,
    plugins,
    problems,
  }
}

/** A sentence about an option that begins with its name. */
export function problemOf({ file, line, name }: Option, what: string): Problem {
  return { file, line, what: `${name} ${what}` }
}

/** How Mosquitto reads a switch. */
export function isYes(value: string): boolean {
  return /^(true|1)$/i.test(value)
}

/** The last one counts. */
export function lastOf(options: readonly Option[], name: string): Option | undefined {
  return options.findLast((option) => option.name === name)
}
