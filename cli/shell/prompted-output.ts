import type { Interface } from "node:readline"
import { harmless } from "../harmless.ts"
import type { ConnectionState } from "../kept-connection.ts"
import { paint } from "../output.ts"
import { FloodGate } from "../sub/flood-gate.ts"
import type { Layout } from "./message-text.ts"
import type { ShellOutput } from "./session.ts"

/** How long messages gather before they are shown together. */
const beatMs = 50
const longestNameColumns = 30

/** Writes above the line that is being typed, and leaves that as it is. Of a flood only some is shown. */
export class PromptedOutput implements ShellOutput {
  readonly #readline: Interface
  readonly #terminal: NodeJS.WriteStream
  readonly #name: string
  readonly #gate = new FloodGate()
  #pending: string[] = []
  #passedOver = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #openedAtMs = performance.now()
  #isPrompting = false
  #lastWhy = ""

  constructor(readline: Interface, terminal: NodeJS.WriteStream, name: string) {
    this.#readline = readline
    this.#terminal = terminal
    terminal.prependListener("resize", this.#reflow)
    this.#name = Bun.sliceAnsi(harmless(name), 0, longestNameColumns, "…")
  }

  readonly layout = (): Layout => ({
    columns: this.#terminal.columns || 80,
    payloadLines: Math.min(Math.max(Math.floor((this.#terminal.rows || 24) / 2), 4), 40),
    paint,
  })

  lines(lines: readonly string[]): void {
    this.#pending.push(...lines)
    this.#flush()
  }

  note(line: string): void {
    this.lines([paint.dim(line)])
  }

  message(bytes: number, lines: () => readonly string[]): void {
    if (!this.#terminal.writableNeedDrain && this.#gate.admits(bytes)) this.#pending.push(...lines())
    else this.#passedOver += 1
    this.#timer ??= setTimeout(() => this.#flush(), beatMs)
  }

  connection(state: ConnectionState): void {
    this.#readline.setPrompt(promptOf(this.#name, state))
    switch (state.at) {
      case "online":
        this.#lastWhy = ""
        if (state.returns > 0) return this.lines([paint.green("connected again")])
        break
      case "waiting":
        // Each try that fails alike is not worth a line: the prompt tells.
        if (state.why !== this.#lastWhy) {
          this.#lastWhy = state.why
          return this.lines([paint.red(`not connected: ${harmless(state.why)}; trying again`)])
        }
        break
      case "connecting":
      case "over":
    }
    this.#flush()
  }

  /** Shows the prompt for another line. */
  prompt(): void {
    this.#isPrompting = true
    this.#readline.prompt()
  }

  /** The line is done, and there is none until the next prompt. */
  entered(): void {
    this.#isPrompting = false
  }

  /** From now on nobody types any more. */
  end(): void {
    this.#terminal.off("resize", this.#reflow)
    if (this.#isPrompting) this.#terminal.write("\n")
    this.#isPrompting = false
    this.#flush()
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const now = performance.now()
    this.#gate.open(now - this.#openedAtMs)
    this.#openedAtMs = now
    if (this.#passedOver > 0) {
      this.#pending.push(paint.yellow(`… ${this.#passedOver.toLocaleString("en-US")} messages not shown`))
      this.#passedOver = 0
    }
    const text = this.#pending.map((line) => `${line}\n`).join("")
    this.#pending = []
    if (this.#isPrompting) this.#printAbove(text)
    else this.#terminal.write(text)
  }

  /** Readline draws anew when the size has changed; by then the terminal has broken the line in other places. */
  readonly #reflow = (): void => {
    if ("prevRows" in this.#readline) this.#readline.prevRows = this.#readline.getCursorPos().rows
  }

  #printAbove(text: string): void {
    const { rows } = this.#readline.getCursorPos()
    const up = rows > 0 ? `\x1b[${rows}A` : ""
    // Readline goes up again, as many rows as it believes the cursor to stand below the first one.
    this.#terminal.write(`${up}\r\x1b[J${text}${"\n".repeat(believedRows(this.#readline) ?? rows)}`)
    this.#readline.prompt(true)
  }
}

/** It has not counted the rows of what was pasted. */
function believedRows(readline: Interface): number | undefined {
  return "prevRows" in readline && typeof readline.prevRows === "number" ? readline.prevRows : undefined
}

function promptOf(name: string, state: ConnectionState): string {
  return state.at === "online" ? `${paint.cyan(name)}> ` : `${paint.red(`${name} (offline)`)}> `
}
