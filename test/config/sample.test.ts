import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as v from "valibot"
import { loadSettings } from "../../src/config/load.ts"
import { sampleConfig } from "../../src/config/sample.ts"
import { allSettings } from "../../src/config/schema.ts"

describe("The sample file", () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "bantam-sample-"))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  function load(text: string) {
    const file = join(directory, "bantam.toml")
    writeFileSync(file, text)
    return loadSettings({ file })
  }

  test("is the defaults as it stands, and with every setting uncommented", () => {
    expect(load(sampleConfig())).toEqual(loadSettings({}))
    const uncommented = sampleConfig().replace(/^#(?=\w)/gm, "")
    expect(uncommented.match(/^\w+ = /gm)?.length).toBeGreaterThan(30)
    expect(load(uncommented)).toEqual(loadSettings({}))
  })

  test("an edited value counts", () => {
    expect(load(sampleConfig().replace("#connections = 10_000", "connections = 7")).limits.connections).toBe(
      7,
    )
  })

  test("names and explains every setting there is", () => {
    const sample = sampleConfig()
    for (const { key, description } of allSettings.values()) {
      expect(sample).toContain(`${key.slice(key.indexOf(".") + 1)} = `)
      expect(description).not.toBe("")
    }
  })

  test("the example of a setting without default is one that the setting takes", () => {
    const without = [...allSettings.values()].filter(({ fallback }) => fallback === undefined)
    expect(without.filter(({ schema, example }) => !v.is(schema, example))).toEqual([])
    const line = "# Unset; for example server_reference = "
    expect(load(sampleConfig().replace(line, "server_reference = ")).mqtt.serverReference).toBe(
      "other.example.org",
    )
  })

  test("stays within the width of a page", () => {
    expect(
      sampleConfig()
        .split("\n")
        .filter((line) => line.length > 110),
    ).toEqual([])
  })
})
