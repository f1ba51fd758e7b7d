import { parseArgs } from "node:util"
import { LoadClient } from "./load-client.ts"
import { bantam, withPeer } from "./peers.ts"
import { coarseCpuMicroseconds, cpuMicroseconds, residentBytes } from "./process-usage.ts"

/*
 * What a connection costs that says nothing: `bun run bench/idle.ts --connections 10000`.
 */

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "10000" },
    /** Each with a session that outlives it, and a subscription. */
    persistent: { type: "boolean", default: false },
  },
})

const connections = Number(values.connections)
const peer = await bantam([`limits.connections=${connections + 100}`])
await withPeer(peer, values.persistent, async ({ pid, port }) => {
  const emptyBytes = residentBytes(pid)
  const clients: LoadClient[] = []
  const startedAt = performance.now()
  while (clients.length < connections) {
    // A listener's backlog takes 512 at a time.
    const batch = Math.min(200, connections - clients.length)
    const connecting = Array.from({ length: batch }, async (_, index) => {
      const number = clients.length + index
      const client = await LoadClient.connect(port, `idle-${number}`, !values.persistent)
      await client.subscribe([`idle/${number}`], values.persistent ? 1 : 0)
      return client
    })
    clients.push(...(await Promise.all(connecting)))
  }
  const seconds = (performance.now() - startedAt) / 1000
  const cpu = cpuMicroseconds(pid)
  report("before", emptyBytes)
  report(`${connections} connections, one subscription each`, residentBytes(pid))
  console.log(`${((residentBytes(pid) - emptyBytes) / connections / 1024).toFixed(1)} KB each`)
  console.log(`${(cpu / connections).toFixed(0)} µs CPU each, ${(connections / seconds).toFixed(0)} a second`)
  // Memory that only the connecting needed goes back in the background.
  await Bun.sleep(10_000)
  report("ten seconds later", residentBytes(pid))
  console.log(`${((residentBytes(pid) - emptyBytes) / connections / 1024).toFixed(1)} KB each`)
  const idleSeconds = 20
  const idleCpu = coarseCpuMicroseconds(pid)
  await Bun.sleep(idleSeconds * 1000)
  const percent = (coarseCpuMicroseconds(pid) - idleCpu) / idleSeconds / 10_000
  console.log(`${percent.toFixed(2)} % of a core while nothing happens`)
})
process.exit(0)

function report(what: string, bytes: number): void {
  console.log(`${what}: ${(bytes / 1e6).toFixed(1)} MB resident`)
}
