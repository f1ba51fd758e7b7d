import type { Log } from "../src/foundation/log.ts"
import { NotifySocket } from "../src/system/notify-socket.ts"

type Environment = Record<string, string | undefined>

/** Tells whoever supervises us how we are. */
export interface ServiceManager {
  /** A line for people who ask for the status. */
  status(text: string): void
  /** We serve; also after `reloading`. */
  ready(): void
  reloading(): void
  stopping(): void
  /** Says no more that all is well: a supervisor that waits for that starts another. */
  giveUp(): void
}

const nobody: ServiceManager = { status() {}, ready() {}, reloading() {}, stopping() {}, giveUp() {} }

/**
 * By the protocol of systemd, sd_notify(3), which others speak too. Its variables are taken out of the environment, for
 * they are meant for this process alone. Without NOTIFY_SOCKET nobody is told anything.
 */
export function serviceManager(environment: Environment, log: Log): ServiceManager {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC, WATCHDOG_PID } = environment
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete environment[name]
  if (path === undefined) return nobody
  const socket = NotifySocket.open(path)
  if (socket === undefined) {
    log.warn("the service manager cannot be told when the broker serves; run it with Type=exec", {
      socket: path,
    })
    return nobody
  }
  const isForUs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid)
  return new Systemd(socket, isForUs ? watchdogMs(WATCHDOG_USEC) : undefined, log)
}

/** How long it waits for a sign of life, in milliseconds; undefined: it does not. */
function watchdogMs(microseconds: string | undefined): number | undefined {
  const limitMs = Number(microseconds) / 1000
  return limitMs > 0 ? limitMs : undefined
}

class Systemd implements ServiceManager {
  readonly #socket: NotifySocket
  readonly #watchdogMs: number | undefined
  readonly #log: Log
  #heartbeat: ReturnType<typeof setInterval> | undefined

  constructor(socket: NotifySocket, limitMs: number | undefined, log: Log) {
    this.#socket = socket
    this.#watchdogMs = limitMs
    this.#log = log
  }

  status(text: string): void {
    this.#say(`STATUS=${text}`)
  }

  ready(): void {
    this.#say("READY=1")
    // The event loop turns, or this does not run. Half of the time is what the protocol recommends.
    const halfMs = this.#watchdogMs === undefined ? undefined : Math.max(1, this.#watchdogMs / 2)
    if (halfMs !== undefined)
      this.#heartbeat ??= setInterval(() => this.#socket.send("WATCHDOG=1", false), halfMs)
  }

  reloading(): void {
    this.#say(`RELOADING=1\nMONOTONIC_USEC=${this.#socket.nowMicroseconds()}`)
  }

  stopping(): void {
    this.#say("STOPPING=1\nSTATUS=Stopping")
  }

  giveUp(): void {
    clearInterval(this.#heartbeat)
    this.#heartbeat = undefined
    this.#say("STATUS=The store is lost")
  }

  #say(text: string): void {
    if (!this.#socket.send(text, true)) this.#log.warn("the service manager does not listen", { told: text })
  }
}
