import { Command } from "commander"
import type { PairFiles } from "../src/certificates/certificate-folder.ts"
import { isVouchedFor } from "../src/config/idle-settings.ts"
import { type Flag, loadSettings } from "../src/config/load.ts"
import type { ListenerSettings, Settings } from "../src/config/settings.ts"
import {
  type Log,
  type LogFormat,
  type LogLevel,
  lineLog,
  logFormats,
  logLevels,
} from "../src/foundation/log.ts"
import type { Server, startServer } from "../src/server.ts"
import { hasStore, openAccounts } from "../src/storage/open-store.ts"
import { InheritedSockets } from "../src/system/inherited-sockets.ts"
import { reapOrphans } from "../src/system/orphans.ts"
import { makeAdminUser } from "./admin-user.ts"
import { type Announcement, announcement, plainAnnouncement } from "./announcement.ts"
import { withinFileLimit } from "./file-limit.ts"
import { collect, type SettingsOptions, settingsFlags, wholeNumber, withSettingsOptions } from "./options.ts"
import { CommandError, goOnWithoutLog, print, shellWord } from "./output.ts"
import type { SelfSigned } from "./self-signed.ts"
import { removeReadyFile, writeReadyFile } from "./ready-file.ts"
import { insistOnCertificates } from "./runtime-variables.ts"
import { type ServiceManager, serviceManager } from "./service-manager.ts"
import { becomeUnprivileged } from "./unprivileged.ts"
import { warnOfSettings, warnOfSurroundings } from "./warnings.ts"

interface ServeOptions extends SettingsOptions {
  readonly listen?: readonly string[]
  readonly port?: number
  readonly ephemeral?: true
  readonly allowAnonymous?: true
  readonly user?: string
  readonly readyFile?: string
  readonly logLevel?: LogLevel
  readonly logFormat?: LogFormat
  readonly recover?: true
  readonly tlsSelfSigned?: true
}

/** bantam serve */
export function serveCommand(version: string): Command {
  return withSettingsOptions(new Command("serve").description("run the broker"))
    .option("-l, --listen <url>", "tcp://, tls://, ws://, wss:// or unix:// address; repeatable", collect)
    .option(
      "-p, --port <number>",
      "short for --listen tcp://127.0.0.1:NUMBER; 0 takes a free port",
      wholeNumber(0, 65_535),
    )
    .option("--ephemeral", "keep everything in memory alone")
    .option("--allow-anonymous", "let clients in without a user name, from anywhere")
    .option("--user <name[:group]>", "whom to become when root starts it (process.user)")
    .option("--ready-file <file>", "written once the broker serves: addresses, pid and version in JSON")
    .option("--log-level <level>", logLevels.join(", "))
    .option("--log-format <format>", logFormats.join(" or "))
    .option("--recover", "set a damaged store aside and save from it what can be read")
    .option(
      "--tls-self-signed",
      "serve TLS with a certificate of our own making: at tls://127.0.0.1:8883, or at the tls:// and wss:// addresses",
    )
    .addHelpText(
      "after",
      `
Examples:
  bantam serve                                           this machine alone, port 1883
  bantam serve --ephemeral --port 0                      for a test: nothing on disk, a free port
  bantam serve --listen tcp://0.0.0.0:1883               the network; needs a user (bantam user add)
  bantam serve --tls-self-signed                         tries TLS; says which CA file clients are to trust
  bantam serve --config bantam.toml                      see bantam config print

Signals: SIGTERM and SIGINT stop the broker, SIGHUP reads settings and certificates again.
systemd: it tells when it serves, reloads, stops and is alive (NOTIFY_SOCKET, WATCHDOG_USEC), and takes sockets (LISTEN_FDS).`,
    )
    .action(async (options: ServeOptions) => {
      // Only now: the other commands must not load the whole broker.
      const { startServer } = await import("../src/server.ts")
      process.exitCode = await serve(options, version, startServer)
    })
}

/** Serves until a signal ends it. Answers the exit code. */
async function serve(options: ServeOptions, version: string, start: typeof startServer): Promise<number> {
  goOnWithoutLog()
  // Whatever appears from here on is its owner's alone; what is for others has its mode set by name.
  process.umask(0o077)
  insistOnCertificates(process.env)
  const inherited = InheritedSockets.take(process.env)
  // Before anything is opened, and before there is a thread that would have more rights.
  const identity = becomeUnprivileged(readSettings(options, withoutFiles(options)))
  using certificate = await ownCertificate(options)
  const read = () => readSettings(options, certificate)
  const settings = read()
  const log = new ReplaceableLog(settings)
  const manager = serviceManager(process.env, log)
  manager.status("Opening the store")
  reapOrphans()
  const ended = Promise.withResolvers<number>()

  // Before anything listens: a signal that comes early must not kill us by default.
  listenForEnd(log, ended.resolve)
  process.on("SIGHUP", () => log.info("reading settings and certificates again", { signal: "SIGHUP" }))

  const isFirst = !settings.storage.ephemeral && !hasStore(settings.storage.directory)
  // A damaged store is to be mended first; its users are saved with it.
  if (options.recover !== true) await makeAdminUser(settings, process.env)
  await refuseOpenDoor(settings, options.recover === true)
  if (options.readyFile !== undefined) removeReadyFile(options.readyFile)
  const server = await start(withinFileLimit(settings, log), {
    log,
    version,
    recover: options.recover === true,
    inherited,
  })
  void server.broken.then(() => {
    manager.giveUp()
    ended.resolve(1)
  })
  process.on("SIGHUP", () => {
    reload(server, read, log, manager).catch((error: unknown) => bug(log, error, ended.resolve))
  })
  try {
    if (options.readyFile !== undefined) {
      writeReadyFile(options.readyFile, { pid: process.pid, version, urls: server.urls })
    }
    warnOfSurroundings(settings, identity, log)
    warnOfSettings(settings, log)
    await announce(log, {
      version,
      urls: server.urls,
      settings,
      caFile: certificate?.caFile,
      configFile: options.config,
      isFirst,
      where: whereOf(options, settings.storage.directory),
    })
    manager.status(`Serving ${server.urls.join(" ")}`)
    manager.ready()
    return await ended.promise
  } finally {
    manager.stopping()
    if (options.readyFile !== undefined) removeReadyFile(options.readyFile)
    await server.stop()
  }
}

async function ownCertificate(options: ServeOptions): Promise<SelfSigned | undefined> {
  if (options.tlsSelfSigned !== true) return undefined
  const { selfSigned } = await import("./self-signed.ts")
  return selfSigned(readSettings(options, withoutFiles(options)))
}

/** Where the files of an own certificate will be follows from the settings, which are complete with any. */
function withoutFiles(options: ServeOptions): PairFiles | undefined {
  return options.tlsSelfSigned === true ? { certFile: "unknown", keyFile: "unknown" } : undefined
}

/** @param own is what addresses show that are not told otherwise */
function readSettings(options: ServeOptions, own: PairFiles | undefined): Settings {
  const flags: Flag[] = []
  const short = (flag: string, key: string, value: string | true | undefined): void => {
    if (value !== undefined) flags.push({ flag, key, value: String(value) })
  }
  const listen = [...(options.listen ?? [])]
  if (options.port !== undefined) listen.push(`tcp://127.0.0.1:${options.port}`)
  const listenFlag = options.listen === undefined ? "--port" : "--listen"
  if (listen.length > 0) short(listenFlag, "listen", listen.join(","))
  short("--ephemeral", "storage.ephemeral", options.ephemeral)
  short("--user", "process.user", options.user)
  short("--allow-anonymous", "security.allow_anonymous", options.allowAnonymous)
  short("--log-level", "log.level", options.logLevel)
  short("--log-format", "log.format", options.logFormat)
  short("--tls-self-signed", "tls.cert_file", own?.certFile)
  short("--tls-self-signed", "tls.key_file", own?.keyFile)
  return loadSettings({
    ...(own === undefined ? {} : { secureAddress: "tls://127.0.0.1:8883" }),
    ...(options.config === undefined ? {} : { file: options.config }),
    environment: process.env,
    flags: settingsFlags(options, flags),
  })
}

/** A broker that the network reaches and nobody can log in to is a mistake, and one open to all must be meant. */
async function refuseOpenDoor(settings: Settings, recover: boolean): Promise<void> {
  const wide = addressForUsers(settings)
  // A damaged store is about to be mended; and nobody gets in without a password while anonymous is not allowed.
  if (wide === undefined || recover) return
  if ((await countUsers(settings)) > 0) return
  const remedy = settings.storage.ephemeral
    ? "let everyone in with --allow-anonymous, or keep users with storage.ephemeral = false"
    : "add a user with `bantam user add NAME`, or let everyone in with --allow-anonymous"
  throw new CommandError(`${wide.url} can be reached from the network and there is no user yet; ${remedy}`)
}

/** An address that the network reaches and only users of the store can log in at. */
export function addressForUsers(settings: Settings): ListenerSettings | undefined {
  if (settings.security.allowAnonymous === true) return undefined
  return settings.listeners.find((listener) => !listener.loopback && !isVouchedFor(listener, settings))
}

async function countUsers({ storage }: Settings): Promise<number> {
  if (storage.ephemeral) return 0
  const accounts = openAccounts(storage.directory, storage.durability)
  try {
    return await accounts.countUsers()
  } finally {
    accounts.close()
  }
}

/** Programs read the ready file or the log. */
async function announce(log: Log, facts: Omit<Announcement, "userCount">): Promise<void> {
  const { version, urls, settings, caFile } = facts
  if (settings.log.format === "json") {
    const { directory } = settings.storage
    return log.info("serving", { version, urls: urls.join(" "), directory, ca_file: caFile })
  }
  const { isTTY, columns } = process.stdout
  if (!isTTY) return print(plainAnnouncement(facts))
  // Some terminals do not tell how wide they are.
  await print(announcement({ ...facts, userCount: await countUsers(settings) }, columns || 80))
}

/** What the other commands are told so that they find the same data. */
function whereOf({ config, data, set = [] }: ServeOptions, directory: string): string {
  const variables = ["BANTAM_DATA", "BANTAM_STORAGE_DIRECTORY"].some((name) => name in process.env)
  const isNamed = variables || set.some(({ key }) => key === "storage.directory")
  const place = data ?? (isNamed ? directory : undefined)
  const words = [
    ...(config === undefined ? [] : ["-c", config]),
    ...(place === undefined ? [] : ["-d", place]),
  ]
  return words.map((word) => ` ${shellWord(word)}`).join("")
}

function listenForEnd(log: Log, end: (exitCode: number) => void): void {
  let asked = false
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (asked) process.exit(1)
      asked = true
      log.info("stopping; a second signal ends it at once", { signal })
      end(0)
    })
  }
  process.on("uncaughtException", (error) => bug(log, error, end))
  process.on("unhandledRejection", (error) => bug(log, error, end))
}

/**
 * What nobody caught leaves us in a state that nobody thought of. We stop in good order: what was acknowledged is
 * on disk, and whoever supervises us starts a broker that is sound.
 */
function bug(log: Log, error: unknown, end: (exitCode: number) => void): void {
  log.error("stopping because of a bug in Bantam", {
    error: error instanceof Error ? error.stack : String(error),
  })
  end(1)
}

async function reload(
  server: Server,
  read: () => Settings,
  log: ReplaceableLog,
  manager: ServiceManager,
): Promise<void> {
  manager.reloading()
  try {
    const settings = read()
    await refuseOpenDoor(settings, false)
    const needRestart = await server.reload(withinFileLimit(settings, log))
    log.replace(settings)
    if (needRestart.length === 0) return
    log.warn("some settings take effect after a restart", { keys: needRestart.join(" ") })
  } catch (error) {
    if (!(error instanceof Error)) throw error
    log.error("settings not reloaded; the old ones stay", { why: error.message })
  } finally {
    manager.ready()
  }
}

/** A log whose level and format a reload may change. */
class ReplaceableLog implements Log {
  #log: Log

  constructor(settings: Settings) {
    this.#log = makeLog(settings)
  }

  replace(settings: Settings): void {
    this.#log = makeLog(settings)
  }

  debug: Log["debug"] = (sentence, fields) => this.#log.debug(sentence, fields)
  info: Log["info"] = (sentence, fields) => this.#log.info(sentence, fields)
  warn: Log["warn"] = (sentence, fields) => this.#log.warn(sentence, fields)
  error: Log["error"] = (sentence, fields) => this.#log.error(sentence, fields)
}

function makeLog({ log }: Settings): Log {
  return lineLog(log.level, log.format, (line) => process.stderr.write(line))
}
