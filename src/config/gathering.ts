import * as v from "valibot"
import { ConfigError, type Problem } from "./config-error.ts"
import { nearest } from "./nearest.ts"
import { allSettings, type Setting, sections, settingsSchema, type WrittenSettings } from "./schema.ts"
import { type Environment, resolveSettings, type Settings } from "./settings.ts"
import { readToml } from "./toml.ts"

/** The environment variable of a setting: `limits.connections` is `BANTAM_LIMITS_CONNECTIONS`. */
export function environmentName(key: string): string {
  return `BANTAM_${key.replace(".", "_").toUpperCase()}`
}

/** Settings whose values are for nobody who reads a log. */
const secrets: ReadonlySet<string> = new Set(["http_authentication.headers"])

/** Written values from all sources, each with where it came from. */
export class Gathering {
  readonly #values: Record<string, unknown> = Object.fromEntries(
    Object.keys(sections).map((name) => [name, {}]),
  )
  readonly #origins = new Map<string, string>()
  readonly #problems: string[] = []

  /** @throws ConfigError when there is no reading it at all */
  takeFile(path: string): void {
    for (const [name, value] of Object.entries(readToml(path))) {
      if (!Object.hasOwn(sections, name)) {
        this.#put(name, value, path)
      } else if (isTable(value)) {
        for (const [key, inner] of Object.entries(value)) this.#put(`${name}.${key}`, inner, path)
      } else {
        this.#problems.push(`${path}: ${name} is a section; write [${name}] and its keys below`)
      }
    }
  }

  takeEnvironment(environment: Environment): void {
    // The data directory has a short name as well, which every command knows.
    const data = environment["BANTAM_DATA"]
    if (data !== undefined) this.takeText("storage.directory", data, "BANTAM_DATA")
    const keys = new Map([...allSettings.keys()].map((key) => [environmentName(key), key]))
    for (const [name, value] of Object.entries(environment)) {
      if (!name.startsWith("BANTAM_") || value === undefined || name === "BANTAM_DATA") continue
      const key = keys.get(name)
      if (key !== undefined) this.takeText(key, value, name)
      else this.#unknownVariable(name, [...keys.keys()])
    }
  }

  /** @param origin where it was written, for messages */
  takeText(key: string, text: string, origin: string): void {
    const setting = allSettings.get(key)
    this.#put(key, setting === undefined ? text : readAs(setting, text), origin)
  }

  /** @param origin where they were written, for messages */
  takeItems(key: string, items: readonly string[], origin: string): void {
    this.#put(key, items, origin)
  }

  /**
   * @param secureAddress listened at as well, if no other address is encrypted
   * @throws ConfigError with every problem there is
   */
  settings(environment: Environment, secureAddress?: string): Settings {
    const checked = v.safeParse(settingsSchema, this.#values)
    if (!checked.success) {
      // One line for each key, however many items of an array are wrong.
      const wrong = new Set(
        checked.issues.map(({ path = [] }) => settingKey(path.map(({ key }) => String(key)))),
      )
      for (const key of wrong) this.#say(this.#whatIsWrong(key))
      throw new ConfigError(this.#problems)
    }
    const problems: Problem[] = []
    const written = withSecureAddress(checked.output, secureAddress)
    const settings = resolveSettings(written, environment, problems)
    for (const problem of problems) this.#say(problem)
    if (this.#problems.length > 0) throw new ConfigError(this.#problems)
    return settings
  }

  #put(key: string, value: unknown, origin: string): void {
    const [section = "", name] = key.split(/\.(.*)/s)
    const table = name === undefined ? this.#values : this.#values[section]
    this.#origins.set(key, origin)
    if (isTable(table)) table[name ?? section] = value
    else this.#say({ key, what: unknownKey(key) })
  }

  #whatIsWrong(key: string): Problem {
    const setting = allSettings.get(key)
    if (setting === undefined) return { key, what: unknownKey(key) }
    if (secrets.has(key)) {
      return { key, what: `must be ${setting.expectation}; what stands there is not repeated here` }
    }
    const [section = "", name] = key.split(".")
    const table = name === undefined ? this.#values : this.#values[section]
    const value = isTable(table) ? table[name ?? section] : undefined
    return { key, what: `is ${JSON.stringify(value)}, but must be ${setting.expectation}` }
  }

  #say({ key, what }: Problem): void {
    this.#problems.push(`${this.#origins.get(key) ?? "default"}: ${key} ${what}`)
  }

  /**
   * A misspelt variable is an error; one that only shares the prefix is somebody else's. Kubernetes, for one,
   * sets BANTAM_PORT and BANTAM_SERVICE_HOST for a service called bantam.
   */
  #unknownVariable(name: string, known: readonly string[]): void {
    const like = nearest(name, known)
    const inSection = Object.keys(sections).some((section) =>
      name.startsWith(`BANTAM_${section.toUpperCase()}_`),
    )
    if (like !== undefined) this.#problems.push(`${name}: is no setting; did you mean ${like}?`)
    else if (inSection) this.#problems.push(`${name}: is no setting; ${unknownKeyRemedy}`)
  }
}

const unknownKeyRemedy = "`bantam config print` lists them all"

function unknownKey(key: string): string {
  const like = nearest(key, [...allSettings.keys()])
  return like === undefined ? `is no setting; ${unknownKeyRemedy}` : `is no setting; did you mean ${like}?`
}

/** Takes the first reading of the text that the setting accepts; otherwise the text itself, to be complained about. */
function readAs({ schema }: Setting, text: string): unknown {
  const readings: unknown[] = [text]
  if (/^-?\d[\d_]*$/.test(text)) readings.push(Number(text.replaceAll("_", "")))
  if (text === "true" || text === "false") readings.push(text === "true")
  readings.push(text === "" ? [] : text.split(",").map((item) => item.trim()))
  return readings.find((reading) => v.is(schema, reading)) ?? text
}

/** The setting that a place inside the settings belongs to: `listen.0.url` to `listen`. */
function settingKey(path: readonly string[]): string {
  return path.slice(0, Object.hasOwn(sections, path[0] ?? "") ? 2 : 1).join(".")
}

function withSecureAddress(written: WrittenSettings, address: string | undefined): WrittenSettings {
  const { listen } = written
  const isSecure = listen.some((each) =>
    /^(tls|mqtts|ssl|wss):/.test(typeof each === "string" ? each : each.url),
  )
  return address === undefined || isSecure ? written : { ...written, listen: [...listen, address] }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
