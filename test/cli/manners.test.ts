import { describe, expect, test } from "bun:test"
import type { Command, Option } from "commander"
import { makeProgram } from "../../cli/program.ts"
import { run } from "./program.ts"

/* What holds of every command there is, and of those to come. */

interface Walked {
  /** Such as `bantam user add`. */
  readonly name: string
  readonly command: Command
}

function walk(command: Command, name: string): readonly Walked[] {
  const inner = command.createHelp().visibleCommands(command)
  return [
    { name, command },
    // Commander's own `help` is among them, and has nothing to say for itself.
    ...inner
      .filter((each) => command.commands.includes(each))
      .flatMap((each) => walk(each, `${name} ${each.name()}`)),
  ]
}

function helpOf(command: Command): string {
  let text = ""
  command.configureOutput({ writeOut: (more) => void (text += more) })
  command.outputHelp()
  return text
}

const all = walk(makeProgram("1.2.3"), "bantam")

describe("Every command", () => {
  test("is walked", () => {
    const names = all.map(({ name }) => name)
    expect(names).toContain("bantam user add")
    expect(names).toContain("bantam connect save")
    expect(names).not.toContain("bantam complete")
  })

  describe.each(all.map(({ name, command }) => [name, command] as const))("%s", (_, command) => {
    test("says what it is for, and shows how", () => {
      expect(command.description()).not.toBe("")
      expect(helpOf(command)).toMatch(/^Examples:\n {2}\S/m)
    })

    test("says of each option what it is", () => {
      const silent = command.options.filter(({ description }) => description === "")
      expect(silent.map(({ flags }) => flags)).toEqual([])
    })
  })
})

describe("An option", () => {
  const options = all.flatMap(({ name, command }) => command.options.map((option) => ({ name, option })))
  const named = Map.groupBy(options, ({ option }) => option.long ?? option.flags)

  test("of one name has one letter, and takes a value everywhere or nowhere", () => {
    const faults = [...named].flatMap(([long, uses]) => {
      const letters = new Set(uses.flatMap(({ option }) => option.short ?? []))
      const forms = new Set(uses.map(({ option }) => arityOf(option)))
      return letters.size > 1 || forms.size > 1
        ? [`${long}: ${uses.map(({ name, option }) => `${name} ${option.flags}`).join("; ")}`]
        : []
    })
    expect(faults).toEqual([])
  })
})

function arityOf({ required, optional }: Option): string {
  return required ? "value" : optional ? "perhaps" : "none"
}

describe("The program", () => {
  test("says in a few lines what it is, when it is told nothing", async () => {
    const { out, error, exitCode } = await run([])
    expect({ error, exitCode }).toEqual({ error: "", exitCode: 0 })
    expect(out.split("\n").length).toBeLessThan(12)
    expect(out).toContain("bantam help")
  })

  test("lists every command under a heading that says what it is for", async () => {
    const { out } = await run(["help"])
    expect(out).not.toContain("\nCommands:\n")
    expect(out.match(/^(?!Usage|Options|Examples)\S.*:$/gm)).toEqual([
      "Broker:",
      "Messages:",
      "Tests:",
      "Access:",
      "A running broker:",
      "Upkeep:",
      "This program:",
    ])
    const examples = out.slice(out.indexOf("Examples:\n")).trim().split("\n").slice(1)
    for (const line of examples) expect(line).toMatch(/^ {2}bantam \S.* {2,}\S/)
  })

  test("has help by either way", async () => {
    expect(await run(["help"])).toEqual(await run(["--help"]))
    expect(await run(["help", "user", "add"])).toEqual(await run(["user", "add", "--help"]))
    expect(await run(["help", "sub"])).toEqual(await run(["sub", "--help"]))
    expect((await run(["help", "user", "add"])).out).toStartWith("Usage: bantam user add ")
  })

  test("tells its version by either way", async () => {
    const told = await run(["version"])
    expect(told).toEqual(await run(["--version"]))
    expect(told.out).toMatch(/^bantam \d+\.\d+\.\d+\n$/)
  })

  test.each([
    [["sbu"], "unknown command 'sbu' (Did you mean sub?)"],
    [["subb", "-t", "x"], "unknown command 'subb' (Did you mean one of sub, subs?)"],
    [["help", "serv"], "unknown command 'serv' (Did you mean serve?)"],
    [["user", "ad", "x"], "unknown command 'ad' (Did you mean add?)"],
    [["sub", "--topc", "x"], "unknown option '--topc' (Did you mean --topic?)"],
    [["audit", "--kind", "refusals"], "Allowed choices are"],
  ])("knows what %j was meant to be", async (words, said) => {
    const { error, out, exitCode } = await run(words)
    expect({ out, exitCode, lines: error.split("\n").length }).toEqual({ out: "", exitCode: 1, lines: 2 })
    expect(error).toContain(said)
  })
})
