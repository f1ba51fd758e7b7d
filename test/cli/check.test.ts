import { describe, expect, test } from "bun:test"
import { startBroker } from "bantam-mqtt"
import { probeNames } from "../../cli/check/probes.ts"
import { connectClient } from "../../src/client/client.ts"
import { MosquittoBroker } from "../real-clients/mosquitto-broker.ts"
import { describeWith, mosquittoBroker } from "../real-clients/tools.ts"
import { run } from "./program.ts"

interface Report {
  readonly connectMs: number
  readonly latencyMs: number
  readonly limits: Readonly<Record<string, number>>
  readonly findings: readonly { readonly probe: string; readonly found: boolean; readonly detail: string }[]
}

async function report(...words: readonly string[]): Promise<Report> {
  return JSON.parse((await run(["check", "--json", ...words])).out)
}

describe("bantam check", () => {
  test("finds everything in Bantam, and leaves nothing behind", async () => {
    await using broker = await startBroker()
    const { out, error, exitCode } = await run(["check", broker.url, "--require", probeNames.join(",")])
    expect({ error, exitCode }).toEqual({ error: "", exitCode: 0 })
    expect(out.match(/^yes /gm)).toHaveLength(probeNames.length)
    expect(out).toMatch(/round trip +\d+\.\d\d ms at QoS 1/)
    const client = await connectClient(
      { scheme: "tcp", host: "127.0.0.1", port: broker.port },
      {
        version: 5,
        clientId: "late",
        onMessage: ({ topic }) => expect(topic).toBe("end"),
      },
    )
    await client.subscribe([
      { filter: "#", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ])
    await client.publish({ topic: "end", payload: new Uint8Array(0), qos: 1 })
    await client.disconnect()
  })

  test("says what is not there, and fails when it is required", async () => {
    const settings = {
      "mqtt.shared_subscriptions_available": false,
      "mqtt.maximum_qos": 1,
      "mqtt.retain_available": false,
    }
    await using broker = await startBroker({ settings, log: "none" })
    const { findings, limits } = await report(broker.url)
    const missing = findings.filter(({ found }) => !found).map(({ probe }) => probe)
    expect(missing).toEqual(["qos-2", "retained", "shared-subscriptions"])
    expect(limits["maximum-qos"]).toBe(1)
    expect((await run(["check", broker.url, "--require", "qos-1"])).exitCode).toBe(0)
    const { exitCode, out } = await run(["check", broker.url, "--require", "qos-2,retained"])
    expect(exitCode).toBe(1)
    expect(out.match(/^NO /gm)).toHaveLength(2)
  })

  test("lets one client in and out as a health check", async () => {
    await using broker = await startBroker()
    const { out, exitCode } = await run(["check", "--quick", broker.url])
    expect(exitCode).toBe(0)
    expect(out).toMatch(/^it answers, in \d+\.\d ms\n$/)
  })

  test("tells of a broker whose rules refuse everything, without a round trip", async () => {
    await using broker = await startBroker({ settings: { "security.default_access": "deny" }, log: "none" })
    const { out, error, exitCode } = await run(["check", broker.url])
    expect({ error, exitCode }).toEqual({ error: "", exitCode: 0 })
    expect(out).toMatch(/round trip +refused/)
    expect(await report(broker.url)).toMatchObject({ latencyMs: null })
    expect((await run(["check", broker.url, "--require", "qos-1"])).exitCode).toBe(1)
  })

  test("shows who it is, and fails in one line where nobody listens or lets it in", async () => {
    await using broker = await startBroker({ settings: { "security.allow_anonymous": false }, log: "none" })
    const refused = await run(["check", "--quick", broker.url, "-u", "ann", "-P", "wrong"])
    expect(refused).toMatchObject({ exitCode: 1, out: "" })
    expect(refused.error).toBe("bantam: the server refused the connection: bad user name or password\n")
    const gone = await run(["check", "tcp://127.0.0.1:1"])
    expect(gone).toMatchObject({ exitCode: 1, out: "" })
    expect(gone.error).toStartWith("bantam: Cannot connect to tcp://127.0.0.1:1: nobody listens there")
    expect((await run(["check", "http://localhost"])).error).toContain("It must be mqtt://")
  })
})

describeWith("mosquitto", mosquittoBroker(), "bantam check looks at Mosquitto too", (program) => {
  test("and finds there what it has", async () => {
    const mosquitto = new MosquittoBroker(program)
    try {
      await mosquitto.start("allow_anonymous true\n")
      const { findings } = await report(`unix://${mosquitto.socket}`)
      expect(findings.filter(({ found }) => !found)).toEqual([])
    } finally {
      await mosquitto.remove()
    }
  })
})
