import { existsSync } from "node:fs"
import { basename, join } from "node:path"
import { type AclEntry, parseAclFile } from "./acl-file.ts"
import {
  type Configuration,
  isYes,
  lastOf,
  type ListenerSection,
  type Option,
  type PluginSection,
  problemOf,
} from "./configuration.ts"
import { parseDatabase } from "./database.ts"
import { type DynamicSecurity, parseDynamicSecurity } from "./dynamic-security.ts"
import { parsePasswordFile, type SavedUser } from "./password-file.ts"
import { namesUsers, openedListeners } from "./listener-settings.ts"
import type { Problem } from "./problem.ts"
import { readBytes, readConfiguration, readText } from "./read-files.ts"
import type { SavedState } from "./saved-state.ts"
import { readSqliteDatabase } from "./sqlite-database.ts"

/** All that Mosquitto has, read and not yet judged. */
export interface Installation {
  readonly configuration: Configuration
  readonly users: readonly SavedUser[]
  /** Undefined: there is no ACL file, so there is nothing that nobody may. */
  readonly acl: { readonly file: string; readonly entries: readonly AclEntry[] } | undefined
  readonly dynamic: { readonly file: string; readonly security: DynamicSecurity } | undefined
  readonly state: { readonly file: string; readonly saved: SavedState } | undefined
  readonly problems: readonly Problem[]
}

/** @throws MosquittoFileError, StoreError something cannot be read */
export function readInstallation(path: string): Installation {
  return new InstallationReader(readConfiguration(path)).read()
}

class InstallationReader {
  readonly #configuration: Configuration
  readonly #listeners: readonly ListenerSection[]
  readonly #problems: Problem[]

  constructor(configuration: Configuration) {
    this.#configuration = configuration
    this.#listeners = openedListeners(configuration)
    this.#problems = [...configuration.problems]
  }

  read(): Installation {
    const plugins = this.#pluginFiles()
    const dynamic = plugins.dynamic === undefined ? undefined : this.#dynamic(plugins.dynamic)
    return {
      configuration: this.#configuration,
      users: this.#users([...this.#files("password_file"), ...plugins.passwords]),
      acl: this.#acl([...this.#files("acl_file"), ...plugins.acls], dynamic !== undefined),
      dynamic,
      state: this.#state(plugins.sqlite),
      problems: this.#problems,
    }
  }

  /** What the plugins that are known are told to read. */
  #pluginFiles() {
    const passwords: Option[] = []
    const acls: Option[] = []
    let dynamic: Option | undefined
    let sqlite: PluginSection | undefined
    const perListener = lastOf(this.#configuration.general, "per_listener_settings")
    const ownPlugins = isYes(perListener?.value ?? "") && this.#listeners.length > 1
    for (const plugin of this.#configuration.plugins) {
      const name = basename(plugin.at.value)
      const needed = (option: string, take: (found: Option) => void) => {
        const found = plugin.options.get(option)
        if (found === undefined)
          return this.#say(plugin.at, `${plugin.at.value} names no ${option}, and is left out`)
        if (ownPlugins && plugin.at.name !== "global_plugin")
          this.#say(plugin.at, `${plugin.at.value} counts on all addresses, and not on one alone`)
        take(found)
      }
      if (name.includes("dynamic_security")) {
        needed("config_file", (found) => {
          if (dynamic === undefined) dynamic = found
          else this.#say(found, `${found.value} is left out: only the first dynamic security counts`)
        })
      } else if (name.includes("password_file")) needed("password_file", (found) => passwords.push(found))
      else if (name.includes("acl_file")) needed("acl_file", (found) => acls.push(found))
      else if (name.includes("persist_sqlite")) sqlite = plugin
      else this.#say(plugin.at, `${plugin.at.value} is left out: Bantam takes no plugins`)
    }
    return { passwords, acls, dynamic, sqlite }
  }

  /** Of the broker, or with `per_listener_settings` of each listener. */
  #files(name: string): readonly Option[] {
    const { general, defaultListener, listeners } = this.#configuration
    return [{ at: undefined, options: general }, defaultListener, ...listeners].flatMap(
      (section: ListenerSection) => lastOf(section.options, name) ?? [],
    )
  }

  /** Whether each of these has the file that each other has, so that it may as well be that of all addresses. */
  #isOfAll(name: string, listeners: readonly ListenerSection[]): boolean {
    const { defaultListener } = this.#configuration
    const own = listeners.map(({ options }) => lastOf(options, name)?.value)
    // In front of all listeners it is none of theirs.
    const unopened = listeners.includes(defaultListener) ? [] : [lastOf(defaultListener.options, name)]
    return new Set(own.concat(unopened.flatMap((option) => option?.value ?? []))).size < 2
  }

  #users(options: readonly Option[]): readonly SavedUser[] {
    const users = new Map<string, SavedUser>()
    // Where a certificate names the user no password is asked for, in neither of both.
    const asking = this.#listeners.filter((listener) => !namesUsers(listener.options))
    const isOfAll = this.#isOfAll("password_file", asking)
    for (const option of uniqueBy(options, ({ value }) => value)) {
      const { value: file } = option
      if (!isOfAll && option.name === "password_file")
        this.#say(option, `${file} counts on all addresses, so that its users may log in at each of them`)
      const parsed = parsePasswordFile(readText(file), file)
      this.#problems.push(...parsed.problems)
      for (const user of parsed.users) {
        if (!users.has(user.name)) users.set(user.name, user)
        else
          this.#problems.push({
            file,
            line: user.line,
            what: `user ${user.name} is there from another file already`,
          })
      }
    }
    return [...users.values()]
  }

  #acl(options: readonly Option[], isDynamic: boolean): Installation["acl"] {
    const [first, ...others] = uniqueBy(options, ({ value }) => value)
    if (first === undefined) return undefined
    if (isDynamic) {
      this.#say(first, `${first.value} is left out: the rules are those of dynamic security`)
      return undefined
    }
    for (const other of others) {
      this.#say(
        other,
        `${other.value} is left out: rules count on all addresses, and are those of ${first.value}`,
      )
    }
    if (others.length === 0 && !this.#isOfAll("acl_file", this.#listeners))
      this.#say(first, `${first.value} counts on all addresses, also where there was none`)
    const parsed = parseAclFile(readText(first.value), first.value)
    this.#problems.push(...parsed.problems)
    return { file: first.value, entries: parsed.entries }
  }

  #dynamic({ value: file }: Option): Installation["dynamic"] {
    return { file, security: parseDynamicSecurity(readText(file), file) }
  }

  #state(sqlite: PluginSection | undefined): Installation["state"] {
    const { general } = this.#configuration
    const location = lastOf(general, "persistence_location")?.value ?? ""
    if (sqlite !== undefined) {
      const file = sqlite.options.get("db_file")?.value ?? join(location, "mosquitto.sqlite3")
      if (existsSync(file)) return { file, saved: readSqliteDatabase(file) }
      return this.#noState(sqlite.at, file)
    }
    const persistence = lastOf(general, "persistence")
    if (persistence === undefined || !isYes(persistence.value)) return undefined
    // Mosquitto puts the two together as they stand.
    const file = `${location}${lastOf(general, "persistence_file")?.value ?? "mosquitto.db"}`
    return existsSync(file)
      ? { file, saved: parseDatabase(readBytes(file), file) }
      : this.#noState(persistence, file)
  }

  #noState(option: Option, file: string): undefined {
    this.#say(option, `is on, but ${file} is not there: no sessions and messages are carried over`)
  }

  #say(option: Option, what: string): void {
    this.#problems.push(problemOf(option, what))
  }
}

function uniqueBy<Entry>(entries: readonly Entry[], key: (entry: Entry) => string): readonly Entry[] {
  return [...new Map(entries.toReversed().map((entry) => [key(entry), entry])).values()].toReversed()
}
