import { parseArgs } from "node:util"
import { Belt } from "./belt.ts"
import { deafListener, LoadClient } from "./load-client.ts"
import { bantam, withPeer } from "./peers.ts"
import { cpuMicroseconds, residentBytes } from "./process-usage.ts"

/*
 * A queue that grows while its client is away, and is fetched when it comes back: `bun run bench/queue.ts --messages 1000000`.
 */

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "1000000" },
    ephemeral: { type: "boolean", default: false },
  },
})

const messages = Number(values.messages)
const window = 200
const topic = "bench/queue"
const settings = [`limits.queued_messages=${messages}`, "limits.queued_bytes=1099511627776"]
await withPeer(await bantam(settings), !values.ephemeral, async ({ pid, port }) => {
  const report = reporter(pid)
  const absent = await LoadClient.connect(port, "absent", false)
  await absent.subscribe([topic], 1)
  absent.socket.end()
  report("before", 0)
  await publishAll(port)
  report("queued", messages)
  await Bun.sleep(10_000)
  report("ten seconds later", 0)
  await fetchAll(port)
  report("fetched", messages)
  await Bun.sleep(10_000)
  report("ten seconds later", 0)
})
process.exit(0)

/** Resolves when the last one is acknowledged. */
async function publishAll(port: number): Promise<void> {
  const publisher = await LoadClient.connect(port, "publisher", true)
  const belt = new Belt(0, [topic], 1, 64, window)
  const done = Promise.withResolvers<void>()
  let acknowledged = 0
  publisher.tell({
    ...deafListener,
    acknowledged: () => void (acknowledged += 1),
    endOfChunk: () => {
      if (acknowledged === messages) return done.resolve()
      const room = Math.min(window - (belt.sequence - acknowledged), messages - belt.sequence)
      if (room >= window / 2 || belt.sequence + room === messages) belt.write(publisher.socket.output, room)
    },
  })
  belt.write(publisher.socket.output, Math.min(window, messages))
  await done.promise
  publisher.socket.end()
}

/** Resolves when every message has come, in order and once. */
async function fetchAll(port: number): Promise<void> {
  const done = Promise.withResolvers<void>()
  let next = 0
  const listener = {
    ...deafListener,
    message: (bytes: Uint8Array, start: number) => {
      const sequence = new DataView(bytes.buffer, bytes.byteOffset).getUint32(start + 4)
      if (sequence !== next) return done.reject(new Error(`message ${sequence} came instead of ${next}`))
      next += 1
      if (next === messages) done.resolve()
    },
  }
  await LoadClient.connect(port, "absent", false, listener)
  await done.promise
}

function reporter(pid: number) {
  let beforeCpu = cpuMicroseconds(pid)
  let beforeAt = performance.now()
  return (what: string, count: number): void => {
    const cpu = cpuMicroseconds(pid)
    const seconds = (performance.now() - beforeAt) / 1000
    const each =
      count === 0
        ? ""
        : `, ${((cpu - beforeCpu) / count).toFixed(2)} µs CPU each, ${(count / seconds).toFixed(0)} a second`
    console.log(`${what}: ${(residentBytes(pid) / 1e6).toFixed(1)} MB resident${each}`)
    beforeCpu = cpu
    beforeAt = performance.now()
  }
}
