import { cpus, release, totalmem, type } from "node:os"

/** Where a run was measured: figures of two machines do not compare. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly kernel: string
  /** Which ran the load. */
  readonly bun: string
}

export function thisMachine(): Machine {
  const cores = cpus()
  return {
    cpu: cores[0]?.model.trim() ?? "unknown",
    cores: cores.length,
    memoryBytes: totalmem(),
    kernel: `${type()} ${release()}`,
    bun: Bun.version,
  }
}
