import type { SteadyOrder, SteadyReport } from "./steady-load.ts"

/** The load in its process. */
export class SteadyLoad {
  readonly #process: Bun.Subprocess
  readonly #reports: ((report: SteadyReport) => void)[]

  private constructor(process: Bun.Subprocess, reports: ((report: SteadyReport) => void)[]) {
    this.#process = process
    this.#reports = reports
  }

  static async start(order: SteadyOrder): Promise<SteadyLoad> {
    const running = Promise.withResolvers<void>()
    const reports: ((report: SteadyReport) => void)[] = []
    const script = new URL("steady-load.ts", import.meta.url).pathname
    const load = Bun.spawn({
      cmd: [process.execPath, script, JSON.stringify(order)],
      stdout: "inherit",
      stderr: "inherit",
      ipc: (message: "running" | SteadyReport) => {
        if (message === "running") running.resolve()
        else reports.shift()?.(message)
      },
    })
    await running.promise
    return new SteadyLoad(load, reports)
  }

  /** How it went since it was asked last. */
  report(): Promise<SteadyReport> {
    const { promise, resolve } = Promise.withResolvers<SteadyReport>()
    this.#reports.push(resolve)
    this.#process.send("report")
    return promise
  }

  async stop(): Promise<void> {
    this.#process.kill()
    await this.#process.exited
  }
}
