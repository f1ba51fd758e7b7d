import { describe, expect, test } from "bun:test"
import pc from "picocolors"
import { unknownCounts } from "../../cli/top/counter-rates.ts"
import { draw, type Picture } from "../../cli/top/draw.ts"
import { type Key, press, type Reach } from "../../cli/top/keys.ts"
import { noPast, withReading } from "../../cli/top/past.ts"
import type { ClientRow, Reading } from "../../cli/top/reading.ts"
import { jsonOf, lineOf } from "../../cli/top/report.ts"
import { firstView, rowNames, type View } from "../../cli/top/view.ts"

const plain = pc.createColors(false)

const client = (clientId: string, more: Partial<ClientRow> = {}): ClientRow => ({
  clientId,
  username: undefined,
  address: "10.0.0.7",
  inPerSecond: 0,
  outPerSecond: 0,
  queued: 0,
  marks: [],
  ...more,
})

const topic = (name: string, messagesPerSecond: number, messages = 10) => ({
  topic: name,
  messagesPerSecond,
  bytesPerSecond: messagesPerSecond * 10,
  messages,
})

const reading: Reading = {
  atMs: new Date(2026, 0, 31, 14, 3, 22).getTime(),
  name: "localhost:1883",
  version: "bantam 0.1.0",
  uptimeSeconds: 3_700,
  clients: 2,
  sessions: 3,
  subscriptions: 4,
  retained: 5,
  queued: 6,
  totals: { messagesIn: 1_000, messagesOut: 2_000, bytesIn: 1, bytesOut: 2, dropped: 7 },
  rates: { messagesIn: 12, messagesOut: 1_234, bytesIn: 1_200, bytesOut: 45_000, dropped: 0 },
  topics: [topic("home/hall", 1), topic("home/kitchen", 5, 3), topic("garage", 3, 99)],
  clientRows: [client("wall"), client("sensor", { inPerSecond: 4, queued: 2, marks: ["slow"] })],
  warnings: [],
  notes: [],
  trouble: undefined,
}

const picture = (more: Partial<Picture> = {}): Picture => ({
  reading,
  past: withReading(withReading(noPast, reading), reading),
  view: firstView,
  source: "management",
  ...more,
})

const nothingChosen = (view: Partial<View>): View => ({ ...firstView, ...view })

describe("The screen of top", () => {
  test("shows the broker, the loudest topics first, and the clients", () => {
    const lines = draw(picture(), { columns: 80, rows: 20 }, plain).map((line) => line.trimEnd())
    expect(lines).toEqual([
      "localhost:1883   bantam 0.1.0   up 1h 01m   14:03:22",
      "clients 2   sessions 3   subscriptions 4   retained 5   queued 6",
      "dropped 7 (0/s)",
      "in       12 msg/s   1.2 kB/s  ██",
      "out   1,234 msg/s  45.0 kB/s  ██",
      `── Loudest topics (3) ${"─".repeat(58)}`,
      " MSG/S▼   BYTES/S  MESSAGES TOPIC",
      "    5.0      50 B         3 home/kitchen",
      "    3.0      30 B        99 garage",
      "    1.0      10 B        10 home/hall",
      "",
      "",
      "",
      "",
      `── Busy clients (2) ${"─".repeat(60)}`,
      "CLIENT                           ADDRESS          IN/S▼  OUT/S QUEUED STATE",
      "sensor                           10.0.0.7           4.0      0      2 slow",
      "wall                             10.0.0.7             0      0      0",
      "",
      "q quit  Tab pane  ←→ sort  ↑↓ choose  / filter  p pause  k kick  ? help",
    ])
  })

  test("gives each table half, unless one of them needs less", () => {
    const heights = (topics: number, clients: number) => {
      const many: Reading = {
        ...reading,
        topics: Array.from({ length: topics }, (_, index) => topic(`topic ${index}`, 1)),
        clientRows: Array.from({ length: clients }, (_, index) => client(`client ${index}`)),
      }
      const lines = draw(picture({ reading: many }), { columns: 100, rows: 27 }, plain)
      return [/ topic \d/, /^client \d/].map((row) => lines.filter((line) => row.test(line)).length)
    }
    // Five rows are the head's and one is the foot's, two of each table are its heading.
    expect(heights(99, 99)).toEqual([9, 8])
    expect(heights(99, 4)).toEqual([13, 4])
    expect(heights(4, 99)).toEqual([4, 13])
    expect(heights(0, 0)).toEqual([0, 0])
  })

  test.each([
    [100, 30],
    [80, 24],
    [40, 20],
    [40, 10],
    [20, 5],
    [5, 2],
    [1, 1],
  ])("has as many lines as a terminal of %d by %d has rows, none wider than it", (columns, rows) => {
    const views: readonly Partial<View>[] = [
      {},
      { asking: { for: "help" } },
      { asking: { for: "filter", before: "" } },
      { asking: { for: "kick", clientId: "a client with a name that is quite long" } },
      { message: "something was done, and it takes a long sentence to say what it was that was done" },
      { pane: "clients", isPaused: true },
    ]
    for (const paint of [plain, pc.createColors(true)]) {
      for (const source of ["management", "mqtt"] as const) {
        for (const view of views) {
          const many = {
            ...reading,
            warnings: ["a warning"],
            notes: ["a note", "and another one"],
            trouble: "nobody listens there",
          }
          const lines = draw(
            picture({ reading: many, source, view: nothingChosen(view) }),
            { columns, rows },
            paint,
          )
          expect(lines).toHaveLength(rows)
          for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns)
        }
      }
    }
  })

  test("shows what strangers wrote, and obeys none of it", () => {
    const nasty = "\u001b[2J\u009b31m\u202e\r\n\u0007"
    const evil: Reading = {
      ...reading,
      name: nasty,
      version: nasty,
      trouble: nasty,
      warnings: [nasty],
      notes: [nasty],
      topics: [topic(nasty, 1)],
      clientRows: [client(nasty, { username: nasty, address: nasty })],
    }
    const view: View = nothingChosen({ pane: "clients", asking: { for: "kick", clientId: nasty } })
    const lines = draw(picture({ reading: evil, view }), { columns: 100, rows: 30 }, plain)
    for (const line of [...lines, lineOf(evil), jsonOf(evil, "mqtt")]) {
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    }
    expect(JSON.parse(jsonOf(evil, "mqtt")).topics[0].topic).toBe(nasty)
  })

  test("says what is not known by MQTT, where the clients would be", () => {
    const { clientRows: _, ...rest } = reading
    const unknown: Reading = { ...rest, clientRows: undefined }
    const view = nothingChosen({ pane: "clients" })
    const lines = draw(picture({ reading: unknown, source: "mqtt", view }), { columns: 80, rows: 20 }, plain)
    expect(lines.join("\n")).toContain("single clients are not told by MQTT")
  })
})

describe("Keys of top", () => {
  const reach: Reach = { reading, columns: 100, kicks: true }
  const key = (text: string): Key =>
    text.length === 1 ? { name: text, text, ctrl: false } : { name: text, text: "", ctrl: false }
  const after = (keys: readonly string[], more: Partial<Reach> = {}) =>
    keys.reduce((view, each) => press(view, key(each), { ...reach, ...more }).view, firstView)
  const wish = (view: View, each: Key) => press(view, each, reach).wish

  test("Tab changes the table, arrows sort it, round and round", () => {
    expect(rowNames(reading, after([]))).toEqual(["home/kitchen", "garage", "home/hall"])
    expect(rowNames(reading, after(["right", "right"]))).toEqual(["garage", "home/hall", "home/kitchen"])
    expect(rowNames(reading, after(["left"]))).toEqual(["garage", "home/hall", "home/kitchen"])
    expect(after(["left"]).panes.topics.sortedBy).toBe("TOPIC")
    expect(rowNames(reading, after(["tab"]))).toEqual(["sensor", "wall"])
    expect(after(["tab", "tab"]).pane).toBe("topics")
  })

  test("a column that the terminal has no room for is passed over", () => {
    expect(after(["right"], { columns: 40 }).panes.topics.sortedBy).toBe("TOPIC")
  })

  test("/ filters as it is typed; Enter keeps it, Esc takes it back", () => {
    expect(rowNames(reading, after(["/", "H", "O"]))).toEqual(["home/kitchen", "home/hall"])
    const capital = { ...reading, topics: [topic("HOME", 1)] }
    expect(rowNames(capital, after(["/", "h", "o"]))).toEqual(["HOME"])
    expect(after(["/", "a", "b", "backspace", "return"]).panes.topics.filter).toBe("a")
    expect(after(["/", "a", "return", "/", "b", "escape"]).panes.topics.filter).toBe("a")
    expect(after(["/", "a", "return", "escape"]).panes.topics.filter).toBe("")
    // While it is typed, letters are letters.
    expect(after(["/", "q", "p"]).panes.topics.filter).toBe("qp")
  })

  test("up and down choose a row, which stays chosen where it goes", () => {
    expect(after(["down"]).panes.topics.chosen).toBe("home/kitchen")
    expect(after(["down", "down"]).panes.topics.chosen).toBe("garage")
    expect(after(["down", "down", "right", "right", "down"]).panes.topics.chosen).toBe("home/hall")
    expect(after(["down", "up", "up"]).panes.topics.chosen).toBe("home/kitchen")
    expect(after(["up"]).panes.topics.chosen).toBe("home/hall")
  })

  test("k asks, and only y means it", () => {
    const asked = after(["tab", "down", "k"])
    expect(asked.asking).toEqual({ for: "kick", clientId: "sensor" })
    expect(wish(asked, key("y"))).toEqual({ for: "kicking", clientId: "sensor" })
    for (const other of ["n", "q", "escape", "return"])
      expect(wish(asked, key(other))).toEqual({ for: "nothing" })
    expect(press(asked, key("n"), reach).view.asking).toEqual({ for: "nothing" })
    expect(after(["k"]).message).toStartWith("choose a client first")
    expect(after(["tab", "k"]).message).toStartWith("choose a client first")
    expect(after(["tab", "down", "k"], { kicks: false }).message).toContain("only where the broker runs")
  })

  test("p pauses, ? helps, and q, Ctrl-C, Ctrl-Z and Ctrl-L are told to whoever has the terminal", () => {
    expect([after(["p"]).isPaused, after(["p", "p"]).isPaused]).toEqual([true, false])
    expect(after(["?"]).asking).toEqual({ for: "help" })
    expect(after(["?", "q"]).asking).toEqual({ for: "nothing" })
    expect(wish(firstView, key("q"))).toEqual({ for: "leaving" })
    const control = (name: string) => wish(after(["/"]), { name, text: "", ctrl: true })
    expect(control("c")).toEqual({ for: "leaving" })
    expect(control("z")).toEqual({ for: "suspending" })
    expect(control("l")).toEqual({ for: "redrawing" })
  })
})

describe("What top prints for programs", () => {
  test("is one object, where what is not known is null", () => {
    const unknown: Reading = {
      ...reading,
      version: undefined,
      uptimeSeconds: undefined,
      queued: undefined,
      rates: unknownCounts,
      clientRows: undefined,
      topics: [topic("a", 1.23456), topic("b", 2)],
    }
    expect(JSON.parse(jsonOf(unknown, "mqtt"))).toEqual({
      time: new Date(reading.atMs).toISOString(),
      source: "mqtt",
      broker: "localhost:1883",
      version: null,
      uptimeSeconds: null,
      trouble: null,
      warnings: [],
      clients: 2,
      sessions: 3,
      subscriptions: 4,
      retained: 5,
      queued: null,
      rates: { messagesIn: null, messagesOut: null, bytesIn: null, bytesOut: null, dropped: null },
      totals: { messagesIn: 1000, messagesOut: 2000, bytesIn: 1, bytesOut: 2, dropped: 7 },
      topics: [
        { topic: "b", messagesPerSecond: 2, bytesPerSecond: 20, messages: 10 },
        { topic: "a", messagesPerSecond: 1.235, bytesPerSecond: 12.346, messages: 10 },
      ],
      clientList: null,
    })
    expect(JSON.parse(jsonOf(reading, "management")).clientList[1]).toEqual({
      client: "sensor",
      user: null,
      address: "10.0.0.7",
      inPerSecond: 4,
      outPerSecond: 0,
      queued: 2,
      marks: ["slow"],
    })
  })

  test("and for a log, one line", () => {
    expect(lineOf(reading)).toBe(
      "14:03:22  clients 2  in 12/s 1.2 kB/s  out 1,234/s 45.0 kB/s  queued 6  dropped 7  " +
        "loudest home/kitchen 5.0/s, garage 3.0/s, home/hall 1.0/s",
    )
  })
})
