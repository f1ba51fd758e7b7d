import { describe, expect, test } from "bun:test"
import { page } from "../../bench/report.ts"
import type { BenchRun } from "../../bench/results.ts"
import { rowOf } from "./run-examples.ts"

const run: BenchRun = {
  format: 1,
  date: "2026-01-02T03:04:05.000Z",
  command: ["--peer", "x=</script><script>alert(1)</script> $& {port}"],
  machine: { cpu: "some processor", cores: 2, memoryBytes: 1e9, kernel: "Linux", bun: "1.4.5" },
  rounds: 1,
  warmUpSeconds: 1,
  seconds: 1,
  peers: [{ name: "bantam", version: "1", about: "" }],
  rows: [rowOf("work", { bantam: [1] })],
}

/** What the page's script reads. */
function embedded(html: string): unknown {
  const [, text = ""] = /<script id="run" type="application\/json">(.*?)<\/script>/s.exec(html) ?? []
  return JSON.parse(text)
}

describe("the page", () => {
  test("holds the whole run, whatever its words look like", () => {
    expect(embedded(page(run))).toEqual(JSON.parse(JSON.stringify(run)))
  })

  test("asks the network for nothing", () => {
    const addresses =
      page(run).match(/(?:src|href|url\(|import\s|@import)[^\n]{0,40}|https?:\/\/[^"\s]+/g) ?? []
    expect(addresses).toEqual(["http://www.w3.org/2000/svg"])
  })
})
