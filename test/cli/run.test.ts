import { describe, expect, test } from "bun:test"
import { readUntil, run, start } from "./program.ts"

const sh = (script: string) => ["run", "--", "sh", "-c", script]

describe("bantam run", () => {
  test("tells the command where its broker is, and the command finds it there", async () => {
    const bantam = `${process.execPath} ${new URL("../../cli/main.ts", import.meta.url).pathname}`
    const script = [
      `${bantam} pub -p $MQTT_PORT -h $MQTT_HOST -t hello -m world -q 1 -r`,
      `${bantam} sub -L $MQTT_URL/hello -C 1`,
      `echo $MQTT_URLS`,
    ].join(" && ")
    const { out, error, exitCode } = await run(sh(script))
    expect(out).toMatch(/^world\ntcp:\/\/127\.0\.0\.1:\d+\n$/)
    expect({ error, exitCode }).toEqual({ error: "", exitCode: 0 })
  })

  test("ends as the command does: with its code, or by its signal", async () => {
    expect((await run(sh("exit 3"))).exitCode).toBe(3)
    expect((await run(sh("kill -KILL $$"))).exitCode).toBe(137)
  })

  test("leaves the command its own words, standard input and output", async () => {
    const { out } = await run(["run", "--", "cat", "-"], { stdin: "as it came" })
    expect(out).toBe("as it came")
    expect((await run(["run", "echo", "--set", "-l"])).out).toBe("--set -l\n")
  })

  test("hands a signal on, and waits for the command to end", async () => {
    const running = start(
      sh("trap 'echo stopped; exit 5' TERM; echo ready; while :; do read -r _ </dev/null; sleep 0.01; done"),
    )
    await readUntil(running.stdout, "ready\n")
    running.kill("SIGTERM")
    expect(await readUntil(running.stdout, "stopped\n")).toContain("stopped")
    expect(await running.exited).toBe(5)
  })

  test("takes settings and addresses for the broker", async () => {
    const { out } = await run(["run", "-l", "ws://127.0.0.1:0", "--", "sh", "-c", "echo $MQTT_URL"])
    expect(out).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\n$/)
    const wrong = await run(["run", "--set", "limits.connections=0", "--", "true"])
    expect(wrong).toMatchObject({ exitCode: 1 })
    expect(wrong.error).toContain("limits.connections")
  })

  test("says when what is there cannot be executed, with the code that a shell has for that", async () => {
    const { error, exitCode } = await run(["run", "--", new URL(import.meta.url).pathname])
    expect(exitCode).toBe(126)
    expect(error).toEndWith(": it cannot be executed\n")
  })

  test("says when there is no such command, with the code that a shell has for that", async () => {
    const { error, exitCode } = await run(["run", "--", "no-such-command"])
    expect({ error, exitCode }).toEqual({
      error: "bantam: no-such-command: there is no such command\n",
      exitCode: 127,
    })
  })
})
