import type { ByteOutput } from "../byte-output.ts"

/** The width of the terminal, as it is at the moment. */
export type Columns = () => number

/**
 * A terminal with a line at the bottom that stays below all that is printed. It is taken away before something is
 * printed and put back at the end of the turn, in one write, so that none of it is seen in between.
 */
export class LiveOutput {
  readonly #output: ByteOutput
  readonly #columns: Columns
  #line = ""
  /** The columns that the line takes on the terminal; 0 where it is not there. */
  #shownColumns = 0
  #isDue = false

  constructor(output: ByteOutput, columns: Columns) {
    this.#output = output
    this.#columns = columns
  }

  /** Hot. Whole lines, each with its newline. */
  print(lines: string): void {
    this.#drawSoon()
    this.#takeAway()
    this.#output.text(lines)
  }

  /** Replaces the line at the bottom; empty for none. It is drawn if it is another one. */
  set line(line: string) {
    if (line === this.#line) return
    this.#line = line
    this.#drawSoon()
  }

  /** The terminal is as it was, but for what was printed. */
  end(): void {
    this.#line = ""
    this.#takeAway()
  }

  #drawSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    // Asked for before the output is: so it leaves in the same write.
    setImmediate(() => this.#draw())
  }

  #draw(): void {
    this.#isDue = false
    this.#takeAway()
    if (this.#line === "") return
    // The last column stays free: a cursor that waits behind it would be on the next line after a resize.
    const line = Bun.sliceAnsi(this.#line, 0, this.#columns() - 1, "…")
    this.#shownColumns = Bun.stringWidth(line)
    this.#output.text(line)
  }

  #takeAway(): void {
    if (this.#shownColumns === 0) return
    // A terminal that became narrower since has broken the line into several.
    const rowsAbove = Math.ceil(this.#shownColumns / this.#columns()) - 1
    this.#output.text(`\r${rowsAbove > 0 ? `\u001b[${rowsAbove}A` : ""}\u001b[J`)
    this.#shownColumns = 0
  }
}
