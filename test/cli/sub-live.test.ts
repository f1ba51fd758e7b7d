import { describe, expect, test } from "bun:test"
import { ByteOutput } from "../../cli/byte-output.ts"
import { FloodGate } from "../../cli/sub/flood-gate.ts"
import { LiveOutput } from "../../cli/sub/live-output.ts"
import { rateLine, RateMeter } from "../../cli/sub/rate-meter.ts"

describe("The rate", () => {
  test("is that of the last second", () => {
    const meter = new RateMeter(0)
    for (let count = 0; count < 8; count++) meter.count("a", 100)
    expect(meter.read(250)).toMatchObject({
      messagesPerSecond: 8,
      bytesPerSecond: 800,
      messages: 8,
      topics: 1,
    })
    for (let count = 0; count < 4; count++) meter.count(`b${count}`, 50)
    expect(meter.read(1000)).toMatchObject({
      messagesPerSecond: 12,
      bytesPerSecond: 1000,
      messages: 12,
      topics: 5,
    })
    expect(meter.read(1250)).toMatchObject({ messagesPerSecond: 4, bytesPerSecond: 200 })
    expect(meter.read(2000)).toMatchObject({ messagesPerSecond: 0, bytesPerSecond: 0, messages: 12 })
  })

  test("of a beat that came late is spread over the time that it was", () => {
    const meter = new RateMeter(0)
    for (let count = 0; count < 100; count++) meter.count("a", 10)
    expect(meter.read(4000)).toMatchObject({ messagesPerSecond: 25, bytesPerSecond: 250 })
  })

  test("counts no more topics than it remembers", () => {
    const meter = new RateMeter(0)
    for (let count = 0; count < 20_000; count++) meter.count(`t${count}`, 0)
    expect(meter.read(1)).toMatchObject({ topics: 20_000, topicsOverflow: false })
    meter.count("t1", 0)
    expect(meter.read(2)).toMatchObject({ topicsOverflow: false })
    meter.count("one more", 0)
    expect(meter.read(3)).toMatchObject({ topics: 20_000, topicsOverflow: true })
  })

  const figures = {
    messagesPerSecond: 1234.4,
    bytesPerSecond: 45_600,
    messages: 12_345,
    topics: 1,
    topicsOverflow: false,
    hidden: 0,
  }

  test("is a line, of which the end is left out where there is no room", () => {
    expect(rateLine(figures, 80)).toBe("1,234 msg/s · 45.6 kB/s · 12,345 messages · 1 topic")
    expect(rateLine(figures, 50)).toBe("1,234 msg/s · 45.6 kB/s · 12,345 messages")
    expect(rateLine(figures, 12)).toBe("1,234 msg/s")
    expect(rateLine({ ...figures, hidden: 1_000, topics: 20_000, topicsOverflow: true }, 99)).toBe(
      "1,234 msg/s · 45.6 kB/s · 1,000 of 12,345 messages not shown · more than 20,000 topics",
    )
  })

  test.each([
    [0, "0 B/s"],
    [999, "999 B/s"],
    [1000, "1.0 kB/s"],
    [999_999, "1.0 MB/s"],
  ])("%d bytes a second are %s", (bytesPerSecond, text) => {
    expect(rateLine({ ...figures, bytesPerSecond }, 99)).toContain(` ${text} `)
  })
})

describe("Of a flood", () => {
  const admitted = (gate: FloodGate, bytes = 10) => {
    let count = 0
    while (count < 100_000 && gate.admits(bytes)) count += 1
    return count
  }

  test("so many messages are shown at once, and so many a second", () => {
    const gate = new FloodGate()
    expect(admitted(gate)).toBe(5_000)
    gate.open(250)
    expect(admitted(gate)).toBe(250)
    gate.open(3_600_000)
    expect(admitted(gate)).toBe(5_000)
  })

  test("a long message counts for several", () => {
    expect(admitted(new FloodGate(), 40_960)).toBe(455)
  })
})

describe("The line at the bottom", () => {
  /** What a turn of the event loop wrote. */
  function terminal(columns: () => number) {
    let wrote = Promise.withResolvers<string>()
    const output = new ByteOutput((bytes, done) => {
      wrote.resolve(Buffer.from(bytes).toString())
      wrote = Promise.withResolvers()
      done(null, bytes.length)
    })
    return { live: new LiveOutput(output, columns), turn: () => wrote.promise }
  }

  test("leaves with what is printed above it, in one write", async () => {
    const { live, turn } = terminal(() => 80)
    live.line = "1 msg/s"
    expect(await turn()).toBe("1 msg/s")
    const next = turn()
    live.print("one\n")
    live.print("two\n")
    live.line = "2 msg/s"
    expect(await next).toBe("\r\u001b[Jone\ntwo\n2 msg/s")
  })

  test("that is broken into several when the terminal becomes narrower goes as a whole", async () => {
    let columns = 80
    const { live, turn } = terminal(() => columns)
    live.line = "x".repeat(70)
    await turn()
    columns = 30
    const next = turn()
    live.print("one\n")
    expect(await next).toBe(`\r\u001b[2A\u001b[Jone\n${"x".repeat(28)}…`)
  })

  test("is gone in the end, and does not come back", async () => {
    const { live, turn } = terminal(() => 80)
    live.line = "1 msg/s"
    await turn()
    const next = turn()
    live.print("one\n")
    live.end()
    expect(await next).toBe("\r\u001b[Jone\n")
  })
})
