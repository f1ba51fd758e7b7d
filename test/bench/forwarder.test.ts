import { expect, test } from "bun:test"
import { Belt, readFour, stamp } from "../../src/client/belt.ts"
import { deafListener } from "../../src/client/load-client.ts"
import { connectLoadClient } from "../../bench/load-client.ts"
import { SequenceCheck } from "../../bench/loads/traffic-clients.ts"
import { plainTraffic } from "../../bench/traffic.ts"

const script = new URL("../../bench/forwarder.ts", import.meta.url).pathname

test("the forwarder passes on what is subscribed, each publisher's in order and once", async () => {
  await using forwarder = Bun.spawn({ cmd: [process.execPath, script], stdout: "pipe" })
  const { value } = await forwarder.stdout.getReader().read()
  const doors = {
    tcpPort: Number(new TextDecoder().decode(value)),
    tlsPort: undefined,
    webSocketPort: undefined,
  }
  const each = 5_000
  const done = Promise.withResolvers<void>()
  const check = new SequenceCheck(3)
  const received = { east: 0, all: 0, disorder: 0 }
  const count = (name: "east" | "all", bytes: Uint8Array, start: number) => {
    received[name] += 1
    if (name === "all" && !check.isNext(bytes, start)) received.disorder += 1
    if (received.east === each && received.all === 4 * each) done.resolve()
  }
  const listener = (name: "east" | "all") => ({
    ...deafListener,
    message: (bytes: Uint8Array, start: number) => count(name, bytes, start),
  })
  const east = await connectLoadClient(doors, { clientId: "east", listener: listener("east") })
  await east.subscribe(["a/east"], 0)
  const all = await connectLoadClient(doors, { clientId: "all", listener: listener("all") })
  await all.subscribe(["a/+"], 0)
  const clients = [east, all]
  for (const publisher of [0, 1]) {
    const topics = () => (publisher === 0 ? ["a/east", "a/west"] : ["a/nord"])
    const belt = new Belt(publisher, { ...plainTraffic, topics, qos: 0 }, 4, 100)
    const client = await connectLoadClient(doors, { clientId: `publisher-${publisher}` })
    belt.write(client.socket.output, 2 * each)
    clients.push(client)
  }
  await done.promise
  await Promise.all(clients.map((client) => client.disconnect()))
  expect(received).toEqual({ east: each, all: 4 * each, disorder: 0 })
})

test("a sequence check tells what comes twice, late, or from nobody, for each publisher by itself", () => {
  const check = new SequenceCheck(2)
  const payload = (publisher: number, sequence: number) => {
    const bytes = new Uint8Array(20)
    const view = new DataView(bytes.buffer, 8)
    view.setUint32(stamp.publisher, publisher)
    view.setUint32(stamp.sequence, sequence)
    expect(readFour(bytes, 8 + stamp.sequence)).toBe(sequence)
    return bytes
  }
  const told = [
    [0, 0],
    [1, 0],
    [0, 1],
    [0, 1],
    [0, 5],
    [0, 4],
    [1, 4_000_000_000],
    [2, 0],
  ] as const
  expect(told.map(([publisher, sequence]) => check.isNext(payload(publisher, sequence), 8))).toEqual([
    true,
    true,
    true,
    false,
    true,
    false,
    true,
    false,
  ])
})
