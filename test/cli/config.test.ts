import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { sampleConfig } from "../../src/config/sample.ts"
import { freshDirectory, fromSource, run } from "./program.ts"

describe("bantam config", () => {
  let cwd: string
  beforeAll(() => {
    cwd = freshDirectory()
  })
  afterAll(() => rmSync(cwd, { recursive: true }))

  test("print writes the sample, and check finds it valid", async () => {
    const printed = await run(["config", "print"])
    expect(printed).toEqual({ exitCode: 0, out: sampleConfig(), error: "" })
    writeFileSync(join(cwd, "sample.toml"), printed.out)
    expect(await run(["config", "check", "sample.toml"], { cwd })).toEqual({
      exitCode: 0,
      out: "sample.toml is valid\n",
      error: "",
    })
  })

  test("check writes one line for each problem, and fails", async () => {
    writeFileSync(join(cwd, "bad.toml"), "[limits]\nconections = 1\nin_flight = 0\n")
    expect(await run(["config", "check", "bad.toml"], { cwd })).toEqual({
      exitCode: 1,
      out:
        "bad.toml: limits.in_flight is 0, but must be a whole number from 1 to 65_535\n" +
        "bad.toml: limits.conections is no setting; did you mean limits.connections?\n",
      error: "",
    })
  })

  test("check looks at the file alone, not at the environment", async () => {
    writeFileSync(join(cwd, "empty.toml"), "")
    const env = { BANTAM_LOG_LEVEL: "loud" }
    expect((await run(["config", "check", "empty.toml"], { cwd, env })).exitCode).toBe(0)
  })

  test("a reader that has seen enough is no failure", async () => {
    const gone = 'exec 3> >(:); wait $!; exec "$0" "$@" >&3'
    const piped = Bun.spawn({ cmd: ["bash", "-c", gone, ...fromSource, "config", "print"], stderr: "pipe" })
    expect(await piped.stderr.text()).toBe("")
    expect(await piped.exited).toBe(0)
  })
})
