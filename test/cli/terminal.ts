import { fromSource } from "./program.ts"

export interface TerminalSurroundings {
  readonly columns?: number
  readonly rows?: number
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a command at a terminal, where a test types and reads. */
export function startAtTerminal(
  words: readonly string[],
  { columns = 100, rows = 30, env = {} }: TerminalSurroundings = {},
) {
  const decoder = new TextDecoder()
  let written = ""
  /** How far it has been read. */
  let read = 0
  let arrived = Promise.withResolvers<void>()
  const running = Bun.spawn({
    cmd: [...fromSource, ...words],
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", TERM: "xterm-256color", ...env },
    terminal: {
      cols: columns,
      rows,
      data(_, bytes) {
        written += decoder.decode(bytes, { stream: true })
        arrived.resolve()
      },
    },
  })
  void running.exited.then(() => arrived.resolve())
  return {
    running,
    type(text: string): void {
      running.terminal?.write(text)
    },
    resize(newColumns: number, newRows: number): void {
      running.terminal?.resize(newColumns, newRows)
    },
    /** Waits for a text behind what was read before. @returns what was written up to and including it */
    async until(text: string): Promise<string> {
      for (;;) {
        const at = written.indexOf(text, read)
        if (at >= 0) {
          const passed = written.slice(read, at + text.length)
          read = at + text.length
          return passed
        }
        if (running.exitCode !== null) {
          throw new Error(`it ended without ${JSON.stringify(text)}: ${JSON.stringify(written.slice(read))}`)
        }
        arrived = Promise.withResolvers()
        await arrived.promise
      }
    },
    /** All that it wrote, once it has ended. */
    async ended(): Promise<{ readonly exitCode: number; readonly rest: string }> {
      const exitCode = await running.exited
      running.terminal?.close()
      return { exitCode, rest: written.slice(read) }
    },
    async [Symbol.asyncDispose](): Promise<void> {
      running.kill()
      await running.exited
      running.terminal?.close()
    },
  }
}
