import { connectLoadClient } from "../load-client.ts"
import type { LoadOrder, LoadReport } from "../load-report.ts"
import type { ConnectionStorm } from "../scenario-kinds.ts"
import { own } from "../traffic.ts"
import { inBatches } from "./in-batches.ts"
import { Meter } from "./meter.ts"

/** See `ConnectionStorm`. A connection counts when the broker has closed it. */
export async function runConnectionStorm({ batch }: ConnectionStorm, order: LoadOrder): Promise<LoadReport> {
  const stormFor = async (seconds: number): Promise<number> => {
    const endMs = performance.now() + seconds * 1000
    let connections = 0
    for (; performance.now() < endMs; connections += batch) {
      await inBatches(batch, (index) => comeAndGo(order, index), batch)
    }
    return connections
  }
  await stormFor(order.warmUpSeconds)
  const meter = new Meter(order.pid)
  meter.start()
  const connections = await stormFor(order.seconds)
  meter.stop()
  return meter.report(connections, { faults: 0 })
}

async function comeAndGo(order: LoadOrder, index: number): Promise<void> {
  const client = await connectLoadClient(order, { clientId: `passer-by-${index}` })
  await client.subscribe(own(index), 0)
  await client.disconnect()
}
