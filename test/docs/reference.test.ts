import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { version } from "../../package.json"
import { makeProgram } from "../../cli/program.ts"
import { referencePages } from "../../scripts/docs-reference.ts"
import { commandPageOf } from "../../scripts/reference/command-page.ts"
import { notesOf } from "../../scripts/reference/help-notes.ts"
import { settingsSections } from "../../scripts/reference/settings-page.ts"
import { allSettings } from "../../src/config/schema.ts"

const root = new URL("../..", import.meta.url).pathname

describe("The reference", () => {
  test.each([...referencePages()])(
    "%s is what the program says now; if not: npm run docs:reference",
    (path, text) => {
      expect(readFileSync(join(root, path), "utf8")).toBe(text)
    },
  )

  test("has every command, with its options, and what its help says below them", () => {
    const user = commandPageOf(makeProgram(version)).commands.find(({ name }) => name === "bantam user")
    const add = user?.commands.find(({ name }) => name === "bantam user add")
    expect(add).toMatchObject({ summary: "add a user", usage: "bantam user add [options] <name>" })
    const options = add?.optionGroups.flatMap((group) => group.options)
    expect(options).toContainEqual({ term: "--generate", meaning: "make a password and print it" })
    expect(options?.map(({ term }) => term)).not.toContain("-h, --help")
    expect(user?.notes[0]).toEqual({ is: "title", text: "Examples" })
  })

  test("has every setting once", () => {
    const keys = settingsSections.flatMap(({ settings }) => settings.map(({ key }) => key))
    expect(keys).toEqual([...allSettings.keys()])
  })
})

describe("What a help says below the options", () => {
  test("is titles, lines that keep their form, and prose", () => {
    const help =
      "\nExamples:\n  bantam a      does this\n\n  bantam b\n\nMore of it is\nto be read.\nOrder: at last."
    expect(notesOf(help)).toEqual([
      { is: "title", text: "Examples" },
      { is: "verbatim", text: "bantam a      does this\n\nbantam b" },
      { is: "prose", text: "More of it is to be read." },
      { is: "prose", text: "Order: at last." },
    ])
  })
})
