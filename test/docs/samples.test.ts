import { describe, expect, test } from "bun:test"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ConfigError } from "../../src/config/config-error.ts"
import { loadSettings } from "../../src/config/load.ts"
import { type Block, blocksOf } from "./page-blocks.ts"
import { pages } from "./pages.ts"

const root = new URL("../..", import.meta.url).pathname

/** All fenced blocks of all pages in a language, but for those marked as a part; each named by where it stands. */
function samplesIn(language: string): readonly (readonly [string, Block])[] {
  return pages.flatMap((page) =>
    blocksOf(readFileSync(join(root, page), "utf8"))
      .filter((block) => block.language === language && !block.marks.has("part"))
      .map((block) => [`${page}:${block.line}`, block] as const),
  )
}

/** What is wrong with settings, as `bantam config check` says it. */
function problemsOf(toml: string): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), "bantam-sample-"))
  const file = join(directory, "bantam.toml")
  try {
    writeFileSync(file, toml)
    loadSettings({ file })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems
  } finally {
    rmSync(directory, { recursive: true })
  }
}

describe("Settings that a page shows", () => {
  test.each(samplesIn("toml"))("%s are valid", (_, { text }) => {
    expect(problemsOf(text)).toEqual([])
  })

  test("are looked at: a key that is none is found", () => {
    expect(problemsOf("[limits]\nconections = 5\n")[0]).toContain("did you mean limits.connections?")
  })
})

describe("Code that a page shows", () => {
  test.each(pages)("%s has in fences, which say whether it is run", (page) => {
    const text = readFileSync(join(root, page), "utf8").replace(/^<!--.*?-->\n/gms, "")
    let shown = 0
    Bun.markdown.render(text, {
      code: (code) => {
        shown += 1
        return code
      },
    })
    expect(shown).toBe(blocksOf(text).length)
  })
})

describe("JSON that a page shows", () => {
  test.each(samplesIn("json"))("%s can be read, as a whole or line by line", (_, { text }) => {
    const lines = text.trim().split("\n")
    expect(isJson(text) || lines.every(isJson)).toBe(true)
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
