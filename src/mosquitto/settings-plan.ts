import { allSettings } from "../config/schema.ts"
import type { LogLevel } from "../foundation/log.ts"
import {
  type Configuration,
  isYes,
  lastOf,
  type ListenerSection,
  type Option,
  problemOf,
} from "./configuration.ts"
import { type ListenEntry, namesUsers, openedListeners, planListener } from "./listener-settings.ts"
import type { Problem } from "./problem.ts"
import { type Fate, fates, readElsewhere, secondsOf } from "./setting-rules.ts"
import type { PlannedSetting } from "./toml.ts"

export interface PlannedSettings {
  readonly settings: readonly PlannedSetting[]
  readonly problems: readonly Problem[]
  /** Options that are not needed any more. */
  readonly notes: readonly string[]
}

/** What decides what may be done; nothing: everybody may do everything. */
export type RulesSource = "nothing" | "ACL file" | "dynamic security"

export function planSettings(configuration: Configuration, rules: RulesSource): PlannedSettings {
  return new SettingsPlanner(configuration).plan(rules)
}

class SettingsPlanner {
  readonly #configuration: Configuration
  readonly #listeners: readonly ListenerSection[]
  readonly #settings: PlannedSetting[] = []
  readonly #problems: Problem[] = []
  readonly #notes: string[] = []

  constructor(configuration: Configuration) {
    this.#configuration = configuration
    this.#listeners = openedListeners(configuration)
  }

  plan(rules: RulesSource): PlannedSettings {
    this.#listen()
    this.#put(
      "security.default_access",
      rules === "nothing" ? "allow" : "deny",
      rules === "nothing" ? "there is no ACL, so everything is allowed" : "what no ACL grants is refused",
    )
    if (rules === "ACL file") {
      const comment =
        "grants a SUBSCRIBE wider than the rights, as Mosquitto does; refuse would tell the client"
      this.#put("security.wide_subscriptions", "filter", comment)
    }
    for (const option of this.#configuration.general) this.#general(option)
    this.#logLevel()
    this.#shared("max_qos", "mqtt.maximum_qos", 0, 2)
    this.#shared("max_topic_alias", "limits.topic_aliases", 0, 65_535)
    this.#shared("max_topic_alias_broker", "limits.topic_aliases_out", 0, 65_535)
    this.#allConnections()
    this.#origins()
    for (const { at } of this.#configuration.bridges) {
      this.#problems.push(problemOf(at, `${at.value}: bridges are not carried over yet`))
    }
    return { settings: this.#settings, problems: this.#problems, notes: this.#notes }
  }

  #listen(): void {
    const { general, defaultListener } = this.#configuration
    const sections = this.#listeners
    // Those of the default listener count for nobody where it is not opened, but are not to vanish unseen.
    const planned = sections.map((section) => ({ section, ...planListener(section) }))
    if (!sections.includes(defaultListener))
      planned.push({ section: defaultListener, ...planListener(defaultListener) })
    for (const { problems, notes } of planned) {
      this.#problems.push(...problems)
      this.#notes.push(...notes)
    }
    if (sections.length === 0) {
      const own = lastOf([...general, ...defaultListener.options], "allow_anonymous")
      this.#put("listen", ["tcp://127.0.0.1:1883"], "no listener: this machine alone, whoever it is")
      this.#put("security.allow_anonymous", own === undefined || isYes(own.value), commentOf(own))
      return
    }
    const named = planned.find(({ section, entry }) => entry !== undefined && namesUsers(section.options))
    if (named !== undefined) {
      const option = lastOf(named.section.options, "use_identity_as_username")
      this.#put("certificate.identity", "common-name", commentOf(option))
    }
    const entries = planned.flatMap(({ section: { options }, entry }): ListenEntry[] => {
      if (entry === undefined) return []
      const own = lastOf(options, "listener_allow_anonymous") ?? lastOf(options, "allow_anonymous")
      const table = typeof entry === "string" ? { url: entry } : entry
      const more = {
        // Where a certificate only opens the connection.
        ...(named !== undefined && "ca_file" in table && !namesUsers(options)
          ? { authenticators: ["password"] }
          : {}),
        ...(own === undefined ? {} : { allow_anonymous: isYes(own.value) }),
        ...this.#connections(options),
      }
      return [Object.keys(more).length === 0 ? entry : { ...table, ...more }]
    })
    if (entries.length > 0) this.#put("listen", entries, sections.map(({ at }) => commentOf(at)).join(", "))
    const anonymous = lastOf(general, "allow_anonymous")
    this.#put("security.allow_anonymous", isYes(anonymous?.value ?? "false"), commentOf(anonymous))
  }

  #general(option: Option): void {
    const { name, file, line } = option
    const fate: Fate | undefined = Object.hasOwn(fates, name) ? fates[name] : undefined
    if (fate !== undefined) this.#meet(option, fate)
    else if (!readElsewhere.has(name))
      this.#problems.push({ file, line, what: `${name} is not known, and is left out` })
  }

  #meet(option: Option, fate: Fate): void {
    const { name, value, file, line } = option
    switch (fate.as) {
      case "number": {
        const written = Number(value)
        if (!/^-?\d+$/.test(value)) return this.#left(option, `${value} is no number, and is left out`)
        if (written < 0) return
        const meant = written === 0 && fate.zero === "unlimited" ? fate.highest : written
        const held = Math.min(fate.highest, Math.max(fate.lowest, meant))
        if (held !== meant)
          this.#left(option, `${value} is beyond the bounds of ${fate.key}, which becomes ${held}`)
        // Mosquitto drops what comes last.
        if (name.startsWith("max_queued_"))
          this.#put("limits.when_queue_full", "drop-newest", commentOf(option))
        return this.#put(fate.key, held, commentOf(option))
      }
      case "flag":
        return this.#put(fate.key, isYes(value), commentOf(option))
      case "duration": {
        const seconds = secondsOf(value)
        if (seconds === undefined) return this.#left(option, `${value} is no time, and is left out`)
        return this.#put(fate.key, seconds, commentOf(option))
      }
      case "lost":
        if (!fate.unless.includes(value.toLowerCase())) this.#left(option, fate.what)
        return
      case "moot":
        this.#notes.push(`${file}:${line}: ${name} has no counterpart: ${fate.what}`)
    }
  }

  /** The most talkative of them counts. */
  #logLevel(): void {
    const options = this.#configuration.general.filter(({ name }) => name === "log_type")
    const types = new Set(options.map(({ value }) => value))
    if (types.size === 0) return
    const level: LogLevel =
      types.has("all") || types.has("debug")
        ? "debug"
        : types.has("information") ||
            types.has("notice") ||
            types.has("subscribe") ||
            types.has("unsubscribe")
          ? "info"
          : types.has("warning")
            ? "warn"
            : "error"
    this.#put("log.level", level, commentOf(options[0]))
  }

  /** An option that each listener has for itself, and Bantam once for all. */
  #shared(name: string, key: string, lowest: number, highest: number): void {
    const options = this.#listeners.flatMap((section) => lastOf(section.options, name) ?? [])
    const [first] = options
    if (first === undefined) return
    const values = new Set(options.map(({ value }) => value))
    if (values.size > 1 || options.length < this.#listeners.length)
      this.#left(first, `${first.value} becomes ${key}, which counts for all addresses`)
    const value = Number(first.value)
    if (Number.isInteger(value) && value >= lowest && value <= highest)
      this.#put(key, value, commentOf(first))
    else this.#left(first, `${first.value} is beyond the bounds of ${key}, and is left out`)
  }

  /** Of one address. */
  #connections(options: readonly Option[]): { readonly max_connections?: number } {
    const option = lastOf(options, "max_connections")
    const most = connectionsOf(option)
    if (option === undefined || most === undefined) return {}
    const held = Math.min(1_000_000, most)
    if (held !== most)
      this.#left(
        option,
        `${option.value} is beyond the bounds of max_connections in listen, which is ${held}`,
      )
    return { max_connections: held }
  }

  /** The bound of all addresses together is not to be below what each of them may have. */
  #allConnections(): void {
    if (this.#settings.some(({ key }) => key === "limits.connections")) return
    const given = this.#listeners.flatMap(({ options }) => lastOf(options, "max_connections") ?? [])
    const sum = given.reduce((total, option) => total + (connectionsOf(option) ?? 0), 0)
    if (sum > Number(allSettings.get("limits.connections")?.fallback)) {
      const from = `the sum of ${given.map(commentOf).join(", ")}`
      this.#put("limits.connections", Math.min(1_000_000, sum), from)
    }
  }

  #origins(): void {
    const web = this.#listeners
      .map(({ options }) => ({
        isWeb: lastOf(options, "protocol")?.value === "websockets",
        given: options.filter(({ name }) => name === "websockets_origin"),
      }))
      .filter(({ isWeb, given }) => isWeb || given.length > 0)
      .map(({ given }) => ({ given, origins: originsOf(given) }))
    const [first] = web.flatMap(({ given }) => given)
    const all = new Set(web.flatMap(({ origins }) => [...origins]))
    if (first === undefined || all.size === 0) return
    if (web.some(({ origins }) => origins.size < all.size))
      this.#left(first, `${first.value} becomes websocket.origins, which is that of all addresses together`)
    this.#put("websocket.origins", [...all], commentOf(first))
  }

  #left(option: Option, what: string): void {
    this.#problems.push(problemOf(option, what))
  }

  /** The last one counts. */
  #put(key: string, value: PlannedSetting["value"], from: string): void {
    const at = this.#settings.findIndex((setting) => setting.key === key)
    if (at >= 0) this.#settings.splice(at, 1)
    this.#settings.push({ key, value, from })
  }
}

function originsOf(options: readonly Option[]): ReadonlySet<string> {
  return new Set(options.flatMap(({ value }) => value.split(/[\s,]+/).filter((each) => each !== "")))
}

/** Undefined where there is no limit, or what Mosquitto would not start with. */
function connectionsOf(option: Option | undefined): number | undefined {
  return option !== undefined && /^\d+$/.test(option.value) && Number(option.value) > 0
    ? Number(option.value)
    : undefined
}

function commentOf(option: Option | undefined): string {
  return option === undefined
    ? "the default"
    : `${option.file}:${option.line}: ${option.name} ${option.value}`
}
