import { expect, test } from "bun:test"
import { parseJsonTree } from "../../cli/sub/json-tree.ts"

test("A string of megabytes full of escapes has its end", () => {
  const long = JSON.stringify('\n "\\'.repeat(1_000_000))
  const [first, second] = parseJsonTree(`[${long}, "\\\\", 1]`)?.members ?? []
  expect(first?.node).toMatchObject({ kind: "string", begin: 1, end: 1 + long.length })
  expect(second?.node.text).toBe(String.raw`"\\"`)
})
