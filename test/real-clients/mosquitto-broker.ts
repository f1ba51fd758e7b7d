import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A Mosquitto of one's own: its files, and the broker while it runs. */
export class MosquittoBroker {
  readonly folder = mkdtempSync(join(tmpdir(), "mosquitto-broker-"))
  /** The only way in. */
  readonly socket = join(this.folder, "broker.sock")
  readonly #program: string
  #process: Bun.Subprocess<"ignore", "ignore", "pipe"> | undefined

  constructor(program: string) {
    this.#program = program
  }

  get configuration(): string {
    return join(this.folder, "mosquitto.conf")
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** @param mode as Mosquitto wants it of files with secrets */
  write(name: string, text: string, mode = 0o600): string {
    writeFileSync(this.path(name), text)
    chmodSync(this.path(name), mode)
    return this.path(name)
  }

  /** Starts it with these lines behind those that name its socket, its database and its log. */
  async start(lines: string): Promise<void> {
    this.write(
      "mosquitto.conf",
      `listener 0 ${this.socket}\npersistence true\npersistence_location ${this.folder}/\nlog_dest stderr\n` +
        // As root it would become a user who may not write here.
        `${process.getuid?.() === 0 ? "user root\n" : ""}${lines}`,
    )
    const broker = Bun.spawn({
      cmd: [this.#program, "-c", this.configuration],
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    })
    this.#process = broker
    await untilRunning(broker.stderr)
  }

  /** It writes its database as it goes. */
  async stop(): Promise<void> {
    this.#process?.kill("SIGTERM")
    const exitCode = await this.#process?.exited
    this.#process = undefined
    if (exitCode !== 0) throw new Error(`mosquitto ended with ${exitCode}`)
  }

  async remove(): Promise<void> {
    this.#process?.kill("SIGKILL")
    await this.#process?.exited
    rmSync(this.folder, { recursive: true })
  }
}

async function untilRunning(stream: ReadableStream<Uint8Array>): Promise<void> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let said = ""
  while (!/ running$/m.test(said)) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`mosquitto did not start: ${said}`)
    said += decoder.decode(value, { stream: true })
  }
  // Read on, or it would one day wait for room in the pipe.
  void (async () => {
    while (!(await reader.read()).done) continue
  })()
}
