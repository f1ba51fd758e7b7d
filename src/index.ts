import { version } from "../package.json"
import { parseListenUrl, reachedAt } from "./config/listen-url.ts"
import { loadSettings } from "./config/load.ts"
import { assert } from "./foundation/assert.ts"
import type { Clock } from "./foundation/clock.ts"
import { type Log, lineLog, type LogLevel } from "./foundation/log.ts"
import { startServer } from "./server.ts"

/*
 * The package as other programs meet it: `import { startBroker } from "bantam-mqtt"`, in Bun.
 */

export interface BrokerOptions {
  /** Addresses as `bantam serve --listen` takes them; a port of 0 takes a free one, and is what we do unasked. */
  readonly listen?: readonly string[]
  /** Where sessions and messages are kept; otherwise they are in memory alone. */
  readonly directory?: string
  /** Any other setting by its full name, such as `{ "limits.connections": 5 }`; `bantam config print` lists them. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** By which messages, sessions and wills come of age, whatever the date; the machine's unless told otherwise. */
  readonly clock?: Clock
  /** The broker's log: warnings and worse on standard error unless told otherwise. */
  readonly log?: LogLevel | "none"
}

/** A broker in this process. It keeps the process alive until it is stopped. */
export interface RunningBroker extends AsyncDisposable {
  /** Of the first address, as clients take it: `mqtt://127.0.0.1:49152`. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** All addresses, in the order of `listen`. */
  readonly urls: readonly string[]
  /** Resolves with what happened when the store is lost: the broker keeps no promise any more, and is to be stopped. */
  readonly broken: Promise<string>
  /** Says goodbye to the clients, writes what waits and lets go of everything. The same as leaving `await using`. */
  stop(): Promise<void>
}

const freePort = ["tcp://127.0.0.1:0"]

/**
 * Starts a broker that reads neither a file nor the environment: what a test needs.
 *
 * @throws ConfigError with every setting that is wrong
 * @throws ListenError an address cannot be listened on
 * @throws StoreError the directory's store is damaged, foreign, or served by another process
 */
export async function startBroker(options: BrokerOptions = {}): Promise<RunningBroker> {
  const { listen = freePort, directory, settings = {}, clock, log = "warn" } = options
  const flag = (key: string, value: unknown) => ({ flag: "startBroker", key, value: String(value) })
  const server = await startServer(
    loadSettings({
      flags: [
        { flag: "startBroker", key: "listen", value: listen },
        directory === undefined ? flag("storage.ephemeral", true) : flag("storage.directory", directory),
        ...Object.entries(settings).map(([key, value]) => flag(key, value)),
      ],
    }),
    {
      version,
      log: log === "none" ? silence : toStandardError(log),
      ...(clock === undefined ? {} : { clock }),
    },
  )
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= server.stop())
  const { broken, urls } = server
  return { ...firstOf(urls), urls, broken, stop, [Symbol.asyncDispose]: stop }
}

function firstOf([url = ""]: readonly string[]): { url: string; host: string; port: number } {
  const address = parseListenUrl(url)
  assert(!("problem" in address), "a broker tells its addresses as it reads them")
  return reachedAt(address)
}

const nothing = (): void => {}
const silence: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }

function toStandardError(level: LogLevel): Log {
  return lineLog(level, "text", (line) => void process.stderr.write(line))
}
