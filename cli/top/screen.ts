import { writeSync } from "node:fs"
import { emitKeypressEvents } from "node:readline"
import { difference } from "./difference.ts"
import type { Size } from "./draw.ts"
import type { Key } from "./keys.ts"

/** The alternate screen, without a cursor; and what was there before. */
const enterText = "\x1b[?1049h\x1b[?25l"
const leaveText = "\x1b[?25h\x1b[?1049l"

/**
 * The terminal as a screen of our own: what stood there before comes back when we leave, whatever way that is.
 */
export class Screen {
  readonly #input = process.stdin
  readonly #output = process.stdout
  readonly #onKey: (key: Key) => void
  readonly #onChange: () => void
  #shown: readonly string[] | undefined
  #isEntered = false
  #returning: ReturnType<typeof setTimeout> | undefined

  /** @param onChange the terminal has another size, or shows nothing of ours any more */
  constructor(onKey: (key: Key) => void, onChange: () => void) {
    this.#onKey = onKey
    this.#onChange = onChange
  }

  get size(): Size {
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 }
  }

  open(): void {
    emitKeypressEvents(this.#input)
    this.#input.on("keypress", this.#keypress)
    this.#output.on("resize", this.#change)
    process.on("SIGCONT", this.#return)
    // Even after an exception that nobody catches.
    process.on("exit", this.#restore)
    this.#enter()
    this.#input.resume()
  }

  close(): void {
    clearTimeout(this.#returning)
    this.#restore()
    this.#input.off("keypress", this.#keypress).pause()
    this.#output.off("resize", this.#change)
    process.off("SIGCONT", this.#return)
    process.off("exit", this.#restore)
  }

  /** Draws what is not there yet. A terminal that takes no more is left in peace until it does. */
  show(lines: readonly string[]): void {
    if (!this.#isEntered || this.#output.writableNeedDrain) return
    const text = difference(this.#shown, lines, this.size.columns)
    this.#shown = lines
    if (text !== "") this.#output.write(text)
  }

  /** What stands there is not known any more. */
  forget(): void {
    this.#shown = undefined
  }

  /** Gives the terminal back to the shell that started us, until it lets us go on. */
  suspend(): void {
    this.#restore()
    // Where no shell is there that could let us go on, the system does not stop us, and we come back by ourselves.
    process.kill(process.pid, "SIGTSTP")
    this.#returning = setTimeout(this.#return, 100)
  }

  readonly #keypress = (text: string | undefined, key: { name?: string; ctrl?: boolean }): void => {
    this.#onKey({ name: key.name ?? "", text: text ?? "", ctrl: key.ctrl === true })
  }

  readonly #change = (): void => {
    this.forget()
    this.#onChange()
  }

  readonly #return = (): void => {
    // Whoever stopped us may have left the terminal in another mode than we had.
    if (this.#isEntered) this.#input.setRawMode(false)
    this.#enter()
    this.#change()
  }

  #enter(): void {
    this.#isEntered = true
    this.#input.setRawMode(true)
    this.#output.write(enterText)
  }

  readonly #restore = (): void => {
    if (!this.#isEntered) return
    this.#isEntered = false
    try {
      this.#input.setRawMode(false)
      // At the exit of the process nothing is written later.
      writeSync(1, leaveText)
    } catch {
      // The terminal is gone.
    }
  }
}
