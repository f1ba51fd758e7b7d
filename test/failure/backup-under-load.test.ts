import { afterAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { executable } from "../../scripts/executable.ts"
import { run } from "../cli/program.ts"
import { NumberedLoad } from "./numbered-load.ts"
import { killWhatIsLeft, WatchedBroker } from "./watched-broker.ts"

afterAll(killWhatIsLeft)

const absent = {
  clientId: "absent",
  cleanStart: false,
  properties: { sessionExpiryInterval: 0xffff_ffff },
} as const

/** @returns the numbers that wait for the absent client */
async function waiting(directory: string): Promise<number[]> {
  const broker = await WatchedBroker.serving({
    words: ["--port", "0", "--data", directory, "--set", "limits.queued_messages=1000000"],
  })
  const numbers: number[] = []
  const end = Promise.withResolvers<void>()
  await broker.client({
    ...absent,
    onMessage: ({ payload }) => {
      if (payload.length === 0) end.resolve()
      else numbers.push(Number(Buffer.from(payload).toString()))
    },
  })
  const last = await broker.client({ clientId: "last" })
  await last.publish({ topic: "news", payload: new Uint8Array(0), qos: 1 })
  await end.promise
  expect(await broker.stop()).toBe(0)
  return numbers
}

describe("a backup beside a broker under load", () => {
  test("holds everything that was acknowledged before it began, once and in order", async () => {
    const program = [await executable()]
    const folder = mkdtempSync(join(tmpdir(), "bantam-backup-"))
    try {
      const directory = join(folder, "data")
      const broker = await WatchedBroker.serving({
        words: ["--port", "0", "--data", directory, "--set", "limits.queued_messages=1000000"],
      })
      // About its surroundings, such as that it runs as root.
      const saidAtStart = broker.lines.length
      const reader = await broker.client(absent)
      await reader.subscribe([
        { filter: "news", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
      ])
      await reader.disconnect()
      const load = new NumberedLoad(await broker.client({ clientId: "publisher" }))

      const backups: { readonly file: string; readonly before: number; readonly queued: number }[] = []
      for (const round of [1, 2, 3]) {
        await load.reaches(2_000 * round)
        const file = join(folder, `backup ${round}`)
        const before = load.acknowledged
        const { exitCode, out, error } = await run(["backup", file, "--data", directory, "--json"], {
          program,
        })
        expect({ exitCode, error }).toEqual({ exitCode: 0, error: "" })
        const { queued } = JSON.parse(out)
        backups.push({ file, before, queued })
      }
      await load.reaches(load.acknowledged + 100)
      await load.end()
      expect(broker.lines.slice(saidAtStart).filter(({ level }) => level !== "info")).toEqual([])
      await broker.kill()

      for (const { file, before, queued } of backups) {
        const restored = `${file} restored`
        expect(await run(["restore", file, "--data", restored], { program })).toMatchObject({ exitCode: 0 })
        const numbers = await waiting(restored)
        expect(queued).toBeGreaterThanOrEqual(before)
        expect(numbers).toEqual(Array.from({ length: queued }, (_, number) => number))
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }, 60_000)
})
