import { describe, expect, test } from "bun:test"
import { CounterRates, unknownCounts } from "../../cli/top/counter-rates.ts"
import { difference } from "../../cli/top/difference.ts"
import { cell, fitted, flowed } from "../../cli/top/draw-line.ts"
import { bytesText, countText, durationText, rateText, sparkline } from "../../cli/number-text.ts"
import { SysValues } from "../../cli/top/sys-values.ts"
import { topicDeltas } from "../../cli/top/topic-deltas.ts"
import { TopicRates } from "../../cli/top/topic-rates.ts"

describe("Rates of counters", () => {
  const counts = (messagesIn: number | undefined) => ({ ...unknownCounts, messagesIn })

  test("are what came between two readings, by the clock of the readings", () => {
    const rates = new CounterRates()
    expect(rates.read(counts(100), 10)).toEqual(unknownCounts)
    expect(rates.read(counts(150), 20)).toEqual(counts(5))
    // Nothing new was published meanwhile.
    expect(rates.read(counts(150), 20)).toEqual(counts(5))
    expect(rates.read(counts(150), 30)).toEqual(counts(0))
  })

  test("are not known when a broker began anew", () => {
    const rates = new CounterRates()
    rates.read(counts(100), 10)
    expect(rates.read(counts(3), 20)).toEqual(unknownCounts)
    expect(rates.read(counts(13), 30)).toEqual(counts(1))
    rates.read(counts(20), 5)
    expect(rates.read(counts(30), 10)).toEqual(counts(2))
  })
})

describe("The loudest topics", () => {
  const rateOf = (topics: TopicRates, topic: string, nowMs: number) =>
    topics.read(nowMs).find((row) => row.topic === topic)?.messagesPerSecond

  test("have their true rate from the first reading on", () => {
    const topics = new TopicRates(0)
    for (let second = 1; second <= 30; second++) {
      for (let count = 0; count < 7; count++) topics.count("a", 10)
      const [row] = topics.read(second * 1000)
      expect(row?.messagesPerSecond).toBeCloseTo(7, 9)
      expect(row?.bytesPerSecond).toBeCloseTo(70, 9)
      expect(row?.messages).toBe(7 * second)
    }
  })

  test("fade by half in five seconds", () => {
    const topics = new TopicRates(0)
    for (let count = 0; count < 1_000; count++) topics.count("a", 1)
    const before = rateOf(topics, "a", 100_000) ?? 0
    expect(before).toBeGreaterThan(1)
    expect(rateOf(topics, "a", 105_000)).toBeCloseTo(before / 2, 3)
  })

  test("stay, among ever more others, within a table of bounded size", () => {
    const topics = new TopicRates(0, 100)
    for (let round = 0; round < 50; round++) {
      for (let count = 0; count < 1_000; count++) {
        topics.count(`stranger/${round}/${count}`, 1)
        if (count % 10 === 0) topics.count("loud", 1)
      }
      topics.read((round + 1) * 1000)
      expect(topics.size).toBeLessThanOrEqual(200)
    }
    expect(rateOf(topics, "loud", 51_000)).toBeGreaterThan(50)
  })
})

describe("Counts of topics that another program keeps", () => {
  const counts = (sinceMs: number, isCut: boolean, ...topics: readonly (readonly [string, number])[]) => ({
    sinceMs,
    isCut,
    topics: topics.map(([topic, messages]) => ({ topic, messages, bytes: messages * 10 })),
  })
  const delta = (topic: string, messages: number) => ({ topic, messages, bytes: messages * 10 })

  test("tell what came since the answer before", () => {
    const before = counts(1, false, ["a", 5], ["b", 5])
    expect(topicDeltas(before, counts(1, false, ["a", 7], ["b", 5], ["c", 2]))).toEqual([
      delta("a", 2),
      delta("c", 2),
    ])
    expect(topicDeltas(undefined, before)).toEqual([])
  })

  test("begin anew when the other does, wholly or for a topic that it had forgotten", () => {
    const before = counts(1, false, ["a", 5])
    expect(topicDeltas(before, counts(2, false, ["a", 7]))).toEqual([delta("a", 7)])
    expect(topicDeltas(before, counts(1, false, ["a", 3]))).toEqual([delta("a", 3)])
  })

  test("say nothing of a topic that was too quiet to be told of before", () => {
    const before = counts(1, true, ["a", 5])
    expect(topicDeltas(before, counts(1, true, ["a", 6], ["b", 6]))).toEqual([delta("a", 1)])
  })
})

describe("What a broker publishes of itself", () => {
  const told = (values: Record<string, string>) => {
    const sys = new SysValues()
    for (const [name, value] of Object.entries(values)) sys.take(`$SYS/broker/${name}`, Buffer.from(value))
    return sys
  }

  test("is read by the names that Mosquitto gave", () => {
    const sys = told({
      version: "mosquitto version 2.0.11",
      uptime: "125 seconds",
      "clients/connected": "3",
      "clients/total": "5",
      "subscriptions/count": "7",
      "retained messages/count": "4",
      "store/messages/count": "9",
      "publish/messages/received": "1000",
      "load/publish/received/1min": "120.00",
    })
    expect(sys.read()).toEqual({
      version: "mosquitto 2.0.11",
      uptimeSeconds: 125,
      clients: 3,
      sessions: 5,
      subscriptions: 7,
      retained: 4,
      queued: 5,
      totals: { ...unknownCounts, messagesIn: 1000 },
      // As long as there is no second report, what the broker calls its average.
      rates: { ...unknownCounts, messagesIn: 2 },
    })
  })

  test("has rates by the broker's own clock, and says how often it comes", () => {
    const sys = told({ uptime: "10 seconds", "publish/messages/received": "100" })
    sys.read()
    expect(sys.intervalSeconds).toBeUndefined()
    sys.take("$SYS/broker/uptime", Buffer.from("20 seconds"))
    sys.take("$SYS/broker/publish/messages/received", Buffer.from("400"))
    expect(sys.read().rates.messagesIn).toBe(30)
    expect(sys.intervalSeconds).toBe(10)
  })

  test("is bounded, and what is no counter is not counted as a message", () => {
    const sys = new SysValues()
    for (let count = 0; count < 2_000; count++) {
      expect(sys.take(`$SYS/broker/made/up/${count}`, Buffer.from("1"))).toBe(true)
    }
    sys.take("$SYS/broker/uptime", Buffer.from("5 seconds"))
    expect(sys.read().uptimeSeconds).toBeUndefined()
    expect(sys.take("$SYS/other", Buffer.from("1"))).toBe(true)
    expect(sys.take("home", Buffer.from("1"))).toBe(false)
  })
})

describe("Numbers in columns", () => {
  test.each([
    [undefined, "-"],
    [0, "0"],
    [0.01, "<0.1"],
    [0.44, "0.4"],
    [9.94, "9.9"],
    [9.96, "10"],
    [1234.4, "1,234"],
    [1_234_567, "1.23M"],
  ])("a rate of %j: %s", (rate, text) => {
    expect(rateText(rate)).toBe(text)
  })

  test("counts, bytes and times", () => {
    expect([0, 999_999, 1_000_000, 12_345_678, 4_560_000_000].map(countText)).toEqual([
      "0",
      "999,999",
      "1.00M",
      "12.3M",
      "4.56G",
    ])
    expect([0, 999, 1_000, 45_678, 12_345_678].map(bytesText)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "45.7 kB",
      "12.3 MB",
    ])
    expect([5, 65, 3_600, 90_061].map(durationText)).toEqual(["5s", "1m 05s", "1h 00m", "1d 01h"])
  })

  test("bars, the highest being the measure", () => {
    expect(sparkline([undefined, 0, 1, 4, 8], 10)).toBe(" ▁▂▅█")
    expect(sparkline([1, 2, 3], 2)).toBe("▆█")
    expect(sparkline([0, 0], 2)).toBe("▁▁")
    expect(sparkline([], 5)).toBe("")
  })
})

describe("Lines", () => {
  test("are cut by columns of the terminal, not by characters", () => {
    expect(fitted("hello", 5)).toBe("hello")
    expect(fitted("hello!", 5)).toBe("hell…")
    expect(cell("東京", 5, "left")).toBe("東京 ")
    expect(cell("東京タワー", 5, "left")).toBe("東京…")
    expect(cell("7", 3, "right")).toBe("  7")
  })

  test("flow", () => {
    expect(flowed(["aa", "bb", "cc"], 7, 9)).toEqual(["aa   bb", "cc"])
    expect(flowed(["aa", "bb", "cc"], 7, 1)).toEqual(["aa   bb"])
  })
})

describe("The difference of two pictures", () => {
  test("is only what has changed, each line at its place", () => {
    expect(difference(["a", "b", "c"], ["a", "x", "c"], 10)).toBe("\x1b[2;1Hx\x1b[K")
    expect(difference(["a"], ["a"], 10)).toBe("")
  })

  test("is everything on a screen that is not known", () => {
    expect(difference(undefined, ["a", "b"], 10)).toBe("\x1b[2J\x1b[1;1Ha\x1b[K\x1b[2;1Hb\x1b[K")
  })

  test("erases lines that are no more, and nothing behind a line that fills its row", () => {
    expect(difference(["a", "b"], ["a"], 10)).toBe("\x1b[2;1H\x1b[K")
    expect(difference(["a"], ["1234567890"], 10)).toBe("\x1b[1;1H1234567890")
  })
})
