import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type ReaderMachine, startMachine } from "./reader-machine.ts"
import { whyNoMachineHere } from "./why-no-machine.ts"

describe.skipIf(whyNoMachineHere !== undefined)("The machine of a page's reader", () => {
  let directory: string
  let machine: ReaderMachine
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "bantam-reader-"))
    machine = start(45_000)
  })
  afterEach(async () => {
    await machine.close()
    rmSync(directory, { recursive: true })
  })

  function start(limitMs: number): ReaderMachine {
    const [scripts, home] = [join(directory, "scripts"), join(directory, "home")]
    for (const each of [scripts, home]) mkdirSync(each, { recursive: true })
    return startMachine({ directory: scripts, home, cwd: home, path: process.env["PATH"] ?? "", limitMs })
  }

  test("is one shell, that ends at what fails", async () => {
    expect(await machine.run("name=world; mkdir -p a; cd a\n", 0)).toBeUndefined()
    expect(await machine.run('echo "hello $name"; basename "$PWD"\n', 0)).toBeUndefined()
    expect(await machine.lastOutput()).toBe("hello world\na\n")
    expect(await machine.run("echo before; false | true; echo after\n", 0)).toEqual({
      what: "ended with exit code 1",
      printed: "before\n",
    })
  })

  test("ends with a code where that is expected, and goes on", async () => {
    expect(await machine.run("echo before; exit 27\n", 27)).toBeUndefined()
    expect(await machine.lastOutput()).toBe("before\n")
    expect(await machine.run("true\n", 27)).toEqual({
      what: "ended with exit code 0 instead of 27",
      printed: "",
    })
  })

  test("waits until a terminal has nothing left to do, and shows what is new in it", async () => {
    await machine.run("mkfifo door\n", 0)
    expect(
      await machine.openTerminal(
        "",
        "for ((i = 0; i < 500000; i++)); do :; done; echo up; cat <> door | while read -r line; do echo $line; done\n",
      ),
    ).toBeUndefined()
    expect(await machine.lastOutput()).toBe("up\n")
    expect(await machine.run("for number in 1 2 3; do echo $number > door; done\n", 0)).toBeUndefined()
    expect(await machine.newTerminalOutput("")).toBe("1\n2\n3\n")
    expect(await machine.newTerminalOutput("")).toBe("")
    expect(await machine.newTerminalOutput("other")).toBeUndefined()
  })

  test("ends by Ctrl-C what runs in a terminal before something else does", async () => {
    await machine.run("mkfifo never\n", 0)
    const script = "trap 'echo ended >> told; exit' INT; echo begun >> told; cat never\n"
    expect(await machine.openTerminal("broker", script)).toBeUndefined()
    expect(await machine.openTerminal("broker", script)).toBeUndefined()
    await machine.run("cat told\n", 0)
    expect(await machine.lastOutput()).toBe("begun\nended\nbegun\n")
  })

  test("complains of a terminal that fails, and of what takes too long", async () => {
    expect(await machine.openTerminal("", "echo no; exit 3\n")).toEqual({
      what: "ended with exit code 3",
      printed: "no\n",
    })
    await machine.close()
    machine = start(500)
    expect(await machine.run("mkfifo silence; read -r line < silence\n", 0)).toMatchObject({
      what: "did not come to an end within 0.5 s",
    })
    await machine.close()
    machine = start(500)
    expect(await machine.openTerminal("", "while :; do :; done\n")).toMatchObject({
      what: "did not come to an end within 0.5 s",
    })
  })

  test("has no network but its own, its own /etc, and nothing else to change", async () => {
    expect(
      await machine.run("ip -o link | cut -d: -f2; touch /etc/mine /var/lib/mine; id -un\n", 0),
    ).toBeUndefined()
    expect(await machine.lastOutput()).toBe(" lo\nyou\n")
    await machine.run("touch /usr/mine\n", 1)
    expect(await machine.lastOutput()).toContain("Read-only file system")
  })
})
