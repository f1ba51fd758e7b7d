import { mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { executable } from "../../scripts/executable.ts"

export const clientPrograms = ["pub", "sub", "rr"] as const
export type ClientProgram = (typeof clientPrograms)[number]

/** What a program said, and how it ended; null if it had to be ended. */
export interface Said {
  readonly exitCode: number | null
  /** As Latin-1, so that each byte is seen. */
  readonly out: string
  readonly error: string
}

/** No program needs so long. */
const hangsAfterMs = 20_000

/** Mosquitto's clients, our executable by their names, and by its own. */
export class ClientPrograms {
  /** Goes with them. */
  readonly folder = mkdtempSync(join(tmpdir(), "client-programs-"))
  readonly #theirs: string

  private constructor(theirs: string) {
    this.#theirs = theirs
  }

  /** @param theirs the folder of Mosquitto's clients */
  static async link(theirs: string): Promise<ClientPrograms> {
    const path = await executable()
    const programs = new ClientPrograms(theirs)
    for (const name of clientPrograms) symlinkSync(path, join(programs.folder, `mosquitto_${name}`))
    symlinkSync(path, join(programs.folder, "bantam"))
    return programs
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }

  theirs(program: ClientProgram): readonly string[] {
    return [join(this.#theirs, `mosquitto_${program}`)]
  }

  linked(program: ClientProgram): readonly string[] {
    return [join(this.folder, `mosquitto_${program}`)]
  }

  own(program: ClientProgram): readonly string[] {
    return [join(this.folder, "bantam"), program]
  }

  /** Runs a program to its end, with no settings of this machine. */
  async run(
    cmd: readonly string[],
    {
      stdin = "",
      configHome = "/nonexistent",
    }: { readonly stdin?: string | undefined; readonly configHome?: string } = {},
  ): Promise<Said> {
    const running = Bun.spawn({
      cmd: [...cmd],
      env: { PATH: process.env["PATH"], HOME: "/nonexistent", TZ: "UTC", XDG_CONFIG_HOME: configHome },
      stdin: new Blob([stdin]),
      stdout: "pipe",
      stderr: "pipe",
      timeout: hangsAfterMs,
      killSignal: "SIGKILL",
    })
    const [out, error, exitCode] = await Promise.all([
      running.stdout.bytes(),
      running.stderr.text(),
      running.exited,
    ])
    const wasKilled = running.signalCode !== null
    return { exitCode: wasKilled ? null : exitCode, out: Buffer.from(out).toString("latin1"), error }
  }
}
