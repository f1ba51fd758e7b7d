import { afterAll, beforeAll, expect, test } from "bun:test"
import { type Served, serve } from "./served.ts"
import { describeWith, pahoPython } from "./tools.ts"

describeWith("python3-paho-mqtt", pahoPython(), "paho-mqtt for Python is served", (python) => {
  let served: Served
  beforeAll(async () => {
    served = await serve()
  }, 60_000)
  afterAll(() => served.close())

  const script = new URL("paho_client.py", import.meta.url).pathname
  const doors = {
    tcp: () => ({ transport: "tcp", port: served.port("tcp") }),
    tls: () => ({ transport: "tcp", port: served.port("tls"), ca: served.caFile }),
    ws: () => ({ transport: "websockets", port: served.port("ws") }),
    wss: () => ({ transport: "websockets", port: served.port("wss"), ca: served.caFile }),
  } as const

  async function run(scenario: string, door: keyof typeof doors, version: number): Promise<unknown> {
    const order = JSON.stringify({ scenario, door: { ...doors[door](), version } })
    const client = Bun.spawn({ cmd: [python, script, order], stdout: "pipe", stderr: "pipe" })
    const [out, error, exitCode] = await Promise.all([
      client.stdout.text(),
      client.stderr.text(),
      client.exited,
    ])
    if (exitCode !== 0) throw new Error(error)
    return JSON.parse(out)
  }

  for (const door of ["tcp", "tls", "ws", "wss"] as const) {
    for (const version of [4, 5]) {
      test(`over ${door} version ${version} messages arrive at QoS 0, 1 and 2 and are retained`, async () => {
        expect(await run("exchange", door, version)).toEqual([
          { payload: "at 0", qos: 0, retain: false },
          { payload: "at 1", qos: 1, retain: false },
          { payload: "at 2", qos: 2, retain: false },
          { payload: "still here", qos: 1, retain: true },
          { payload: "", qos: 1, retain: false },
        ])
      })
    }
  }

  for (const version of [4, 5]) {
    test(`version ${version} finds its session again, and what came meanwhile, once`, async () => {
      expect(await run("resume", "tcp", version)).toEqual({
        sessionPresent: [false, true],
        received: [
          { payload: "at 1", qos: 1, retain: false },
          { payload: "at 2", qos: 2, retain: false },
          { payload: "last", qos: 1, retain: false },
        ],
      })
    })

    test(`the will of version ${version} is published when its socket is cut`, async () => {
      expect(await run("will", "tcp", version)).toEqual({ payload: "farewell", qos: 1, retain: false })
    })
  }
})
