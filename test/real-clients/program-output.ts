/** A client program that runs, read line by line. */
export class RunningProgram {
  readonly #process: Bun.Subprocess<"ignore", "pipe", "inherit">
  readonly #lines: string[] = []
  readonly #finished: Promise<void>
  #arrived = Promise.withResolvers<void>()

  constructor(cmd: readonly string[], env: Readonly<Record<string, string>> = {}) {
    // Without line buffering, what a client says would reach a pipe only at its end.
    this.#process = Bun.spawn({
      cmd: ["stdbuf", "-oL", ...cmd],
      env: { PATH: process.env["PATH"], ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    })
    this.#finished = this.#read()
  }

  /** Resolves with the first line that matches, past or to come; what stood before it is dropped. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
        if (pattern.test(line)) return line
      }
      if (this.#process.exitCode !== null) throw new Error(`it ended without ${pattern}`)
      await this.#arrived.promise
    }
  }

  /** Resolves with the lines not asked for yet, when the program has ended by itself. */
  async rest(): Promise<readonly string[]> {
    await this.#finished
    const exitCode = await this.#process.exited
    if (exitCode !== 0) throw new Error(`it ended with ${exitCode}: ${this.#lines.join("\n")}`)
    return this.#lines
  }

  /** SIGKILL: no farewell. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL")
    await this.#process.exited
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder()
    let part = ""
    for await (const chunk of this.#process.stdout) {
      const lines = (part + decoder.decode(chunk, { stream: true })).split("\n")
      part = lines.pop() ?? ""
      this.#lines.push(...lines)
      this.#tell()
    }
    if (part !== "") this.#lines.push(part)
    await this.#process.exited
    this.#tell()
  }

  #tell(): void {
    this.#arrived.resolve()
    this.#arrived = Promise.withResolvers<void>()
  }
}
