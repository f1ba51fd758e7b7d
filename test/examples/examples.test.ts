import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { startBroker } from "bantam-mqtt"
import { executable } from "../../scripts/executable.ts"
import { makeProgram } from "../../cli/program.ts"
import { sampleConfig } from "../../src/config/sample.ts"
import { freshDirectory, fromSource, run } from "../cli/program.ts"
import { describeWith, pahoPython } from "../real-clients/tools.ts"

/* What stands in examples/ is run where it can be, and read where it cannot. */

const examples = new URL("../../examples/", import.meta.url).pathname
const modules = new URL("../../node_modules", import.meta.url).pathname
const text = (path: string) => readFileSync(join(examples, path), "utf8")

test("Each example says what it is, and stands in the list", () => {
  const folders = readdirSync(examples, { withFileTypes: true }).filter((each) => each.isDirectory())
  for (const { name } of folders) {
    expect(text("README.md")).toContain(`(${name})`)
    expect(text(join(name, "README.md"))).toStartWith("# ")
  }
})

describe("Examples that run", () => {
  let folder: string
  beforeAll(() => {
    folder = freshDirectory()
    symlinkSync(modules, join(folder, "node_modules"))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  /** In a folder of its own, as somebody would who took it from here. */
  function copied(name: string): string {
    const copy = join(folder, name)
    cpSync(join(examples, name), copy, { recursive: true })
    return copy
  }

  test("bun-test", async () => {
    const cwd = copied("bun-test")
    // As the package is found by its name where it is installed.
    mkdirSync(join(cwd, "node_modules"))
    symlinkSync(join(modules, "mqtt"), join(cwd, "node_modules", "mqtt"))
    symlinkSync(new URL("../..", import.meta.url).pathname, join(cwd, "node_modules", "bantam-mqtt"))
    const testing = Bun.spawn({ cmd: [process.execPath, "test"], cwd, stdout: "pipe", stderr: "pipe" })
    const [said, exitCode] = await Promise.all([testing.stderr.text(), testing.exited])
    expect(said).toContain(" 1 pass")
    expect(exitCode).toBe(0)
  })

  const node = Bun.which("node")
  test.skipIf(node === null)("node-test", async () => {
    const cwd = copied("node-test")
    const { out, error, exitCode } = await run(["run", "--", node ?? "", "--test", "door.test.mjs"], { cwd })
    expect({ error, exitCode }).toEqual({ error: "", exitCode: 0 })
    expect(out).toMatch(/pass 1/)
  })

  describeWith("python3-paho-mqtt", pahoPython(), "python", (python) => {
    test("thermometer.py", async () => {
      const { out, error, exitCode } = await run([
        "run",
        "--",
        python,
        join(examples, "python/thermometer.py"),
      ])
      expect({ out, error, exitCode }).toEqual({
        out: "home/kitchen/temperature 21.5\n",
        error: "",
        exitCode: 0,
      })
    })
  })

  test("github-actions: the commands that the workflow runs", async () => {
    const cwd = copied("github-actions")
    cpSync(join(examples, "scenarios"), join(cwd, "scenarios"), { recursive: true })
    const workflow = Bun.YAML.parse(text("github-actions/mqtt.yaml")) as Workflow
    const steps = Object.values(workflow.jobs).flatMap((job) => job.steps)
    const ours = steps.flatMap(({ run: line }) =>
      line?.startsWith("npx bantam-mqtt ") === true ? [line] : [],
    )
    expect(ours).toHaveLength(2)
    const bantam = fromSource.map((word) => Bun.$.escape(word)).join(" ")
    for (const line of ours) {
      const script = line
        .replace("npx bantam-mqtt", bantam)
        .replace("npm test", "sh -c 'test -n \"$MQTT_URL\"'")
      const shell = Bun.spawn({ cmd: ["sh", "-ec", script], cwd, stdout: "pipe", stderr: "pipe" })
      expect({ line, error: await shell.stderr.text(), code: await shell.exited }).toEqual({
        line,
        error: "",
        code: 0,
      })
    }
    const report = steps.find(({ uses }) => uses?.startsWith("actions/upload-artifact") === true)
    expect(readFileSync(join(cwd, String(report?.with?.["path"])), "utf8")).toContain("<testsuites")
  })
})

interface Workflow {
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly steps: readonly {
          readonly run?: string
          readonly uses?: string
          readonly with?: Readonly<Record<string, unknown>>
        }[]
      }
    >
  >
}

describe("Examples that are read", () => {
  test("docker-compose: the volume, the secret and the variables are what they are called", () => {
    const compose = Bun.YAML.parse(text("docker-compose/compose.yaml")) as {
      readonly services: { readonly mqtt: Readonly<Record<string, unknown>> }
      readonly volumes: object
      readonly secrets: object
    }
    expect(compose.services.mqtt).toMatchObject({
      volumes: [`${Object.keys(compose.volumes)[0]}:/var/lib/bantam`],
      secrets: Object.keys(compose.secrets),
      environment: { BANTAM_ADMIN_PASSWORD_FILE: `/run/secrets/${Object.keys(compose.secrets)[0]}` },
    })
  })

  test("zigbee2mqtt and home-assistant: as YAML, with what each needs", () => {
    expect(Bun.YAML.parse(text("zigbee2mqtt/configuration.yaml"))).toMatchObject({
      version: 4,
      mqtt: { server: "mqtt://localhost:1883", version: 5 },
    })
    const { mqtt } = Bun.YAML.parse(text("home-assistant/configuration.yaml")) as {
      readonly mqtt: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
    }
    const ids = Object.values(mqtt).flatMap((entities) => entities.map((entity) => entity["unique_id"]))
    expect(new Set(ids).size).toBe(ids.length)
    for (const entity of Object.values(mqtt).flat()) expect(entity["state_topic"]).toStartWith("home/")
  })

  test("node-red: the wires lead somewhere, and the function does what it says", () => {
    const flow = JSON.parse(text("node-red/flow.json")) as readonly {
      readonly id: string
      readonly broker?: string
      readonly func?: string
      readonly wires?: readonly (readonly string[])[]
    }[]
    const ids = flow.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { wires = [], broker, id } of flow) {
      for (const wire of wires.flat()) expect(ids).toContain(wire)
      if (broker !== undefined && id !== "bantam") expect(ids).toContain(broker)
    }
    const body = flow.find(({ func }) => func !== undefined)?.func ?? ""
    const warm = new Function("msg", body) as (msg: object) => object
    expect(warm({ topic: "home/attic/temperature", payload: "27" })).toEqual({
      topic: "home/attic/is-warm",
      payload: "true",
    })
  })

  test.skipIf(Bun.which("systemd-analyze") === null)(
    "systemd: the unit holds with the override",
    async () => {
      const folder = freshDirectory()
      try {
        const unit = join(folder, "bantam.service")
        const packaged = readFileSync(new URL("../../packaging/bantam.service", import.meta.url), "utf8")
        await Bun.write(unit, packaged.replaceAll("/usr/bin/bantam", await executable()))
        await Bun.write(`${unit}.d/override.conf`, text("systemd/override.conf"))
        chmodSync(unit, 0o644)
        const verified = Bun.spawnSync(["systemd-analyze", "verify", unit])
        expect({ said: verified.stderr.toString(), code: verified.exitCode }).toEqual({ said: "", code: 0 })
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
    60_000,
  )

  test("no variable and no setting that there is not", () => {
    const settings = sampleConfig()
    for (const name of everyFile()) {
      const content = text(name)
      for (const [, section = "", key = ""] of content.matchAll(/--set (\w+)\.(\w+)=/g)) {
        expect(settings).toContain(`[${section}]`)
        expect(settings.split(`[${section}]`)[1]).toMatch(new RegExp(`^#.*\\b${key} = `, "m"))
      }
      for (const [variable] of content.matchAll(/\bBANTAM_[A-Z_]+/g)) expect(known).toContain(variable)
    }
  })

  test("no command and no option that there is not", () => {
    const program = makeProgram("1.2.3")
    const lines = everyFile().flatMap((name) => commandsIn(text(name)).map((words) => ({ name, words })))
    expect(lines.length).toBeGreaterThan(10)
    for (const { name, words } of lines) {
      const [first = "", second = ""] = words.split(" ")
      const outer = program.commands.find((command) => command.name() === first)
      const inner = outer?.commands.find((command) => command.name() === second) ?? outer
      const flags = inner?.options.flatMap(({ short, long }) => [short, long])
      const [own = ""] = words.split(" -- ")
      for (const [flag] of own.matchAll(/(?<= )--?[a-z][a-z-]*/gi)) {
        expect({ name, words, flag, isThere: flags?.includes(flag) }).toMatchObject({ isThere: true })
      }
    }
  })

  /** What stands behind `bantam` in the blocks for a shell. */
  function commandsIn(content: string): readonly string[] {
    const blocks = [...content.matchAll(/^```sh.*\n([^]*?)^```/gm)].map(([, block = ""]) => block)
    return blocks.flatMap((block) =>
      [...block.matchAll(/\bbantam ([a-z].*)$/gm)].map(([, words = ""]) => words),
    )
  }

  const known = ["BANTAM_ADMIN_PASSWORD_FILE", "BANTAM_LOG_LEVEL"]

  function everyFile(): readonly string[] {
    return readdirSync(examples, { recursive: true, withFileTypes: true })
      .filter((each) => each.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(examples.length))
  }
})

const chromium = ["chromium", "chromium-browser", "google-chrome"]
  .map((name) => Bun.which(name))
  .find(Boolean)

describeWith("chromium", chromium ?? undefined, "The page in a browser", (browser) => {
  const cleanUp: (() => unknown)[] = []
  afterEach(async () => {
    for (const undo of cleanUp.splice(0).toReversed()) await undo()
  })

  test("publishes by its form, and shows what comes", async () => {
    const broker = await startBroker({ listen: ["ws://127.0.0.1:0"], log: "none" })
    cleanUp.push(() => broker.stop())
    const seen = Promise.withResolvers<string>()
    const served = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        const { pathname } = new URL(request.url)
        if (pathname === "/seen") seen.resolve(await request.text())
        if (pathname === "/driven") return new Response(driven, { headers: { "content-type": "text/html" } })
        const place = pathname.startsWith("/node_modules/") ? join(modules, "..") : join(examples, "browser")
        const file = Bun.file(join(place, pathname === "/" ? "index.html" : pathname))
        return (await file.exists()) ? new Response(file) : new Response("", { status: 404 })
      },
    })
    cleanUp.push(() => served.stop(true))
    const profile = freshDirectory()
    cleanUp.push(() => rmSync(profile, { recursive: true, force: true }))
    const address = encodeURIComponent(`${broker.url}/mqtt`)
    const page = Bun.spawn({
      cmd: [
        browser,
        ...["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`],
        `${served.url}driven?broker=${address}`,
      ],
      stdout: "ignore",
      stderr: "ignore",
    })
    cleanUp.push(async () => {
      page.kill()
      await page.exited
    })
    void page.exited.then(() => seen.reject(new Error("the browser ended")))
    expect(await seen.promise).toBe("greeting: from a form")
  })

  /** The page of the example in a frame, whose form is filled in and sent as a person would. */
  const driven = `<!doctype html><iframe id="frame"></iframe><script>
    const frame = document.querySelector("#frame")
    frame.src = "/" + location.search
    frame.onload = () => {
      const inner = frame.contentDocument
      let isSent = false
      const look = () => {
        const line = inner.querySelector("#messages li")
        if (line) fetch("/seen", { method: "POST", body: line.textContent })
        if (isSent || inner.querySelector("#state").dataset.state !== "connected") return
        isSent = true
        inner.querySelector("[name=topic]").value = "greeting"
        inner.querySelector("[name=payload]").value = "from a form"
        inner.querySelector("form").requestSubmit()
      }
      const everything = { subtree: true, childList: true, attributes: true, characterData: true }
      new MutationObserver(look).observe(inner.body, everything)
      look()
    }
  </script>`
})
