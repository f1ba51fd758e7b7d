import { connectLoadClient } from "../load-client.ts"
import type { LoadOrder, LoadReport } from "../load-report.ts"
import { residentBytes } from "../process-usage.ts"
import type { Idle } from "../scenario-kinds.ts"
import { own } from "../traffic.ts"
import { inBatches } from "./in-batches.ts"
import { Meter } from "./meter.ts"

const lookEveryMs = 500
/** Memory that only the connecting needed has gone back when it has not become less for so long. */
const quietMs = 5_000
const patienceMs = 25_000

/** CPU time is that of the connecting, memory that of the rest: see `Idle`. */
export async function runIdle({ connections }: Idle, order: LoadOrder): Promise<LoadReport> {
  const bytesBefore = residentBytes(order.pid)
  const meter = new Meter(order.pid)
  meter.start()
  await inBatches(connections, async (index) => {
    const client = await connectLoadClient(order, { clientId: `idle-${index}` })
    await client.subscribe(own(index), 0)
  })
  meter.stop()
  const bytes = await restingBytes(order.pid)
  return meter.report(connections, {
    faults: 0,
    residentBytes: bytes,
    residentBytesPerConnection: (bytes - bytesBefore) / connections,
  })
}

async function restingBytes(pid: number): Promise<number> {
  const startedMs = performance.now()
  let leastBytes = Infinity
  let leastAtMs = startedMs
  for (let nowMs = startedMs; nowMs - leastAtMs < quietMs && nowMs - startedMs < patienceMs;) {
    const bytes = residentBytes(pid)
    if (bytes < leastBytes) {
      leastBytes = bytes
      leastAtMs = nowMs
    }
    await Bun.sleep(lookEveryMs)
    nowMs = performance.now()
  }
  return leastBytes
}
