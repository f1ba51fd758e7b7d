import { exitCodeOf } from "../exit-code-of.ts"
import { removeReadyFile, writeReadyFile } from "../ready-file.ts"

/** Whom to tell that the subscriptions stand. */
export interface SubscribedOptions {
  readonly readyFile?: string
  /** A command for the shell. */
  readonly then?: string
}

/** Tells the file and runs the command: each once, however often we come back and subscribe again. */
export class WhenSubscribed {
  readonly #options: SubscribedOptions
  #command: Bun.Subprocess | undefined
  #isTold = false
  #isStopped = false

  constructor(options: SubscribedOptions) {
    this.#options = options
    // What an earlier run left says nothing of this one. Ours stays: whoever waits for it may look later than we end.
    if (options.readyFile !== undefined) removeReadyFile(options.readyFile)
  }

  tell(filters: readonly string[]): void {
    const { readyFile, then } = this.#options
    if (this.#isTold) return
    this.#isTold = true
    if (readyFile !== undefined) writeReadyFile(readyFile, { pid: process.pid, filters })
    if (then === undefined) return
    this.#command = startShell(then)
  }

  /** The exit code of the command once it has ended; 0 where there is none, and where we stopped it. */
  async commandEnded(): Promise<number> {
    if (this.#command === undefined) return 0
    await this.#command.exited
    return this.#isStopped ? 0 : exitCodeOf(this.#command)
  }

  /** Nobody needs the command any more. */
  stop(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.#command?.exitCode !== null || this.#command.signalCode !== null) return
    this.#isStopped = true
    if (isAtTerminal) this.#command.kill(signal)
    else process.kill(-this.#command.pid, signal)
  }
}

/** There Ctrl-C reaches all that the command has started, and it may ask for a password. */
const isAtTerminal = process.stdin.isTTY === true || process.stderr.isTTY === true

/**
 * Standard output is for messages, so what the command prints goes to standard error. Elsewhere than at a terminal it
 * leads a group of its own, which is stopped with all that is in it.
 */
function startShell(command: string): Bun.Subprocess {
  return Bun.spawn({
    cmd: ["/bin/sh", "-c", command],
    stdio: ["inherit", 2, 2],
    detached: !isAtTerminal,
  })
}
