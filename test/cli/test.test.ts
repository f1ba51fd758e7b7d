import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { startBroker } from "bantam-mqtt"
import { freshDirectory, run } from "./program.ts"

const examples = ["everyday", "restart", "time"].map(
  (name) => new URL(`../../examples/scenarios/${name}.yaml`, import.meta.url).pathname,
)

describe("bantam test", () => {
  let cwd: string
  beforeEach(() => {
    cwd = freshDirectory()
  })
  afterEach(() => rmSync(cwd, { recursive: true }))

  /** Plays these steps. */
  async function played(steps: string, ...words: readonly string[]) {
    writeFileSync(join(cwd, "one.yaml"), `steps:\n${steps}`)
    return run(["test", "one.yaml", ...words], { cwd })
  }

  /** What was expected and got, of the step that failed. */
  async function difference(steps: string): Promise<readonly string[]> {
    const { out, exitCode } = await played(steps)
    expect(exitCode).toBe(1)
    return [...out.matchAll(/^ +(?:expected|got) +(.*)$/gm)].map(([, text = ""]) => text)
  }

  test("plays the examples, side by side, each with a broker of its own", async () => {
    const { out, error, exitCode } = await run(["test", ...examples])
    expect({ error, exitCode }).toEqual({ error: "", exitCode: 0 })
    expect(out).toContain("3 passed, 0 failed\n")
    expect(out.match(/^✓ /gm)).toHaveLength(3)
  })

  test("plays with a broker that runs, and passes over what needs one of our own", async () => {
    await using broker = await startBroker()
    const { out, exitCode } = await run(["test", ...examples, "--url", broker.url])
    expect(exitCode).toBe(0)
    expect(out).toContain("skipped: restart needs a broker of our own")
    expect(out).toContain("1 passed, 0 failed, 2 skipped\n")
    const nothing = await run(["test", examples[1] ?? "", "--url", broker.url])
    expect(nothing.exitCode).toBe(1)
  })

  const both = "  - {connect: a}\n  - {subscribe: a, to: t/#}\n"

  test.each([
    ["- {expect: a, payload: on}", "- {publish: a, topic: t/1, payload: off}", `"on"`, `"off" on t/1`],
    ["- {expect: a, hex: 00ff}", "- {publish: a, topic: t, hex: 00fe}", "hex 00ff", "hex 00fe on t"],
    [
      "- {expect: a, json: {a: 1}}",
      "- {publish: a, topic: t, json: {a: 2}}",
      `JSON {"a":1}`,
      `"{\\"a\\":2}" on t`,
    ],
    ["- {expect: a, json: 1}", "- {publish: a, topic: t, payload: x}", "JSON 1", `"x" on t`],
    [
      "- {expect: a, matches: ^a+$}",
      "- {publish: a, topic: t, payload: ab}",
      "a payload that matches ^a+$",
      `"ab" on t`,
    ],
    ["- {expect: a, qos: 1}", "- {publish: a, topic: t, qos: 1}", "QoS 1", "QoS 0 on t"],
    [
      "- {expect: a, retain: true}",
      "- {publish: a, topic: t, retain: true}",
      "retain true",
      "retain false on t",
    ],
    [
      "- {expect: a, properties: {content-type: text}}",
      "- {publish: a, topic: t, properties: {content-type: json}}",
      "content-type text",
      "content-type json on t",
    ],
    [
      "- {expect: a, properties: {user-property: {k: v}}}",
      "- {publish: a, topic: t, properties: {user-property: {k: w}}}",
      `user-property {"k":"v"}`,
      `user-property {"k":"w"} on t`,
    ],
    ["- {nothing: a}", "- {publish: a, topic: t/2, payload: x}", "nothing on # for 0.2 s", `"x" on t/2`],
    [
      "- {expect: a, topic: t/1, within: 100ms}",
      "- {publish: a, topic: t/2}",
      "a message on t/1 within 0.1 s",
      "none, but messages on t/2",
    ],
    [
      "- {expect: a, count: 3, within: 100ms}",
      "- {publish: a, topic: t, count: 2}",
      "message 3 of 3 on # within 0.1 s",
      "none",
    ],
  ])("%s after %s", async (expectation, publication, expected, got) => {
    expect(await difference(`${both}  ${publication}\n  ${expectation}\n`)).toEqual([expected, got])
  })

  test.each([
    ["- {subscribe: a, to: t/#, refused: not authorized}", "refused: not authorized", "t/# granted QoS 0"],
    ["- {subscribe: a, to: t/#, qos: 2, granted: 1}", "granted QoS 1", "t/# granted QoS 2"],
    ["- {subscribe: a, to: 't/#/x'}", "success", "t/#/x refused: topic filter invalid"],
    ["- {publish: a, topic: t, qos: 1, refused: true}", "refused", "taken"],
    ["- {ended: a, within: 50ms}", "its end within 0.05 s", "a connection that goes on"],
    ["- {connect: b, session: present, clean: false}", "session present", "session new"],
    ["- {publish: b, topic: t}", "the step to be done", "nobody called b has connected"],
    ["- {publish: a, topic: t, file: none}", "the step to be done", expect.stringContaining("cannot read")],
  ])("%s", async (step, expected, got) => {
    expect(await difference(`${both}  ${step}\n`)).toEqual([expected, got])
  })

  test("a refused login is expected, or a difference", async () => {
    const settings = "settings: {security.allow_anonymous: false}\n"
    const play = (step: string) => {
      writeFileSync(join(cwd, "one.yaml"), `${settings}steps:\n  - ${step}\n`)
      return run(["test", "one.yaml"], { cwd })
    }
    expect(await play("{connect: a, refused: not authorized}")).toMatchObject({ exitCode: 0 })
    const { out, exitCode } = await play("{connect: a}")
    expect(exitCode).toBe(1)
    expect(out).toContain("got       refused: not authorized")
  })

  test("takes a payload from a file beside the scenario", async () => {
    writeFileSync(join(cwd, "payload.bin"), new Uint8Array([1, 2]))
    const steps = `${both}  - {publish: a, topic: t, file: payload.bin}\n  - {expect: a, hex: "01 02"}\n`
    expect(await played(steps)).toMatchObject({ exitCode: 0 })
  })

  test("tells CI systems in their own formats, with what was not reached", async () => {
    const failing = `${both}  - {nothing: b}\n  - {drop: a}\n`
    const { out } = await played(failing, "--report", "tap")
    expect(out.split("\n")).toEqual([
      "TAP version 13",
      "1..4",
      "ok 1 - one.yaml: step 1: connect a",
      "ok 2 - one.yaml: step 2: subscribe a to t/\\#",
      "not ok 3 - one.yaml: step 3: nothing for b of \\#",
      "  ---",
      '  expected: "the step to be done"',
      '  got: "nobody called b has connected"',
      "  ...",
      "ok 4 - one.yaml: step 4: drop a # SKIP not reached",
      "",
    ])
    await played(failing, "--report", "junit", "--report-file", "results.xml")
    const xml = readFileSync(join(cwd, "results.xml"), "utf8")
    expect(xml).toContain(`<testsuite name="one.yaml" tests="4" failures="1" skipped="1"`)
    expect(xml).toContain(
      `<failure message="expected the step to be done, got nobody called b has connected"/>`,
    )
    const json = JSON.parse((await played(failing, "--report", "json")).out)
    expect(json[0].steps[3]).toMatchObject({ number: 4, text: "drop a", result: "not reached" })
  })

  test("says all that is wrong with the files before it plays anything", async () => {
    writeFileSync(join(cwd, "two.yaml"), "steps: [")
    writeFileSync(join(cwd, "three.yaml"), "settings: {limits.connections: 0}\nsteps: [{connect: a}]")
    const { out, error, exitCode } = await played(
      "  - {connect: a, verson: 5}\n  - {expect: a, matches: '('}\n  - {jump: 1}\n  - {publish: a}\n",
      "two.yaml",
      "three.yaml",
    )
    expect({ out, exitCode }).toEqual({ out: "", exitCode: 1 })
    expect(error.split("\n")).toEqual([
      "bantam: one.yaml: step 1 (connect) has verson, which does not belong there",
      "bantam: one.yaml: step 2 (expect) matches must be a regular expression",
      expect.stringMatching(/^bantam: one.yaml: step 3 must have one of connect, .*, and has none$/),
      "bantam: one.yaml: step 4 (publish) topic is missing",
      expect.stringMatching(/^bantam: two.yaml: is no YAML/),
      expect.stringMatching(/^bantam: three.yaml: limits.connections is "0", but must be/),
      "",
    ])
  })
})
