import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Command, CommanderError } from "commander"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { version } from "../../package.json"
import { clientNames } from "../../cli/called-as.ts"
import { clientWords } from "../../cli/client-words.ts"
import { makeProgram } from "../../cli/program.ts"
import { type CommandPage, commandPageOf } from "../../scripts/reference/command-page.ts"

/* An example that a help shows is one that the command takes. */

/** Without what explains it, which stands apart. */
function examplesOf({ notes, commands }: CommandPage): readonly string[] {
  const own = notes.flatMap((note, index) => {
    const before = notes[index - 1]
    const areExamples = note.is === "verbatim" && before?.is === "title" && before.text.startsWith("Example")
    return areExamples ? note.text.split("\n").map((line) => line.trim().split(/ {2,}/)[0] ?? "") : []
  })
  return [...own, ...commands.flatMap(examplesOf)].filter((line) => /\bbantam /.test(line))
}

/** The words behind `bantam` wherever a line calls it, as a shell parts them. No other program is run. */
function callsIn(line: string): readonly (readonly string[])[] {
  const directory = mkdtempSync(join(tmpdir(), "bantam-examples-"))
  const calls = join(directory, "calls")
  try {
    writeFileSync(calls, "")
    for (const [, path = ""] of line.matchAll(/[<>] ?([\w./~-]+)/g)) {
      const file = join(directory, path.replace("~/", ""))
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, "")
    }
    const script = [
      `bantam() { printf '%s\\0' "$#" "$@" >> ${calls}; }`,
      "command_not_found_handle() { :; }",
      "PATH=/nonexistent",
      line,
    ]
    Bun.spawnSync(["bash", "-c", script.join("\n")], { cwd: directory, env: { HOME: directory } })
    const words = readFileSync(calls, "utf8").split("\0").slice(0, -1)
    const found: string[][] = []
    while (words.length > 0) found.push(words.splice(0, Number(words.shift())))
    return found
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** @returns what the command line says of it, or undefined when it would be done */
function complaintAbout(words: readonly string[]): string | undefined {
  const program = makeProgram(version)
  let said = ""
  doNothing(program, (text) => {
    said += text
  })
  const client = clientNames.find((each) => each === words[0])
  const command = program.commands.find((each) => each.name() === client)
  try {
    const all =
      client === undefined || command === undefined
        ? words
        : [client, ...clientWords(command, client, words.slice(1))]
    program.parse([...all], { from: "user" })
    return undefined
  } catch (error) {
    if (error instanceof CommanderError) return said
    throw error
  }
}

function doNothing(command: Command, writeErr: (text: string) => void): void {
  command.configureOutput({ writeErr })
  if (command.commands.length === 0) command.action(() => {})
  for (const each of command.commands) doNothing(each, writeErr)
}

describe("An example of a help", () => {
  // Examples name a saved connection; no options of whoever runs the tests may leak in.
  const before = process.env["XDG_CONFIG_HOME"]
  const settings = mkdtempSync(join(tmpdir(), "bantam-examples-"))
  beforeAll(() => {
    process.env["XDG_CONFIG_HOME"] = settings
    mkdirSync(join(settings, "bantam"))
    writeFileSync(join(settings, "bantam/connections.toml"), '[home]\nurl = "mqtt://localhost"\n', {
      mode: 0o600,
    })
  })
  afterAll(() => {
    if (before === undefined) delete process.env["XDG_CONFIG_HOME"]
    else process.env["XDG_CONFIG_HOME"] = before
    rmSync(settings, { recursive: true })
  })

  const examples = examplesOf(commandPageOf(makeProgram(version)))

  test.each(examples)("%s", (line) => {
    const calls = callsIn(line)
    expect(calls).not.toBeEmpty()
    expect(calls.flatMap((words) => complaintAbout(words) ?? [])).toEqual([])
  })

  test("is looked at: an option that is none, in the middle of a line too, is found", () => {
    expect(examples.length).toBeGreaterThan(50)
    const calls = callsIn("true && bantam user add 'a b' --generate | jq . | bantam sub -t x --cuont 1")
    // A pipe runs them at the same time.
    expect(calls).toHaveLength(2)
    expect(calls).toContainEqual(["user", "add", "a b", "--generate"])
    expect(calls.flatMap((words) => complaintAbout(words) ?? [])).toEqual([
      expect.stringContaining("--cuont"),
    ])
  })
})
