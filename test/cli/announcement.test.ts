import { describe, expect, test } from "bun:test"
import { type Announcement, announcement } from "../../cli/announcement.ts"
import { loadSettings } from "../../src/config/load.ts"

/* What a terminal shows; what a pipe gets is a matter of serve.test.ts. */

function facts(listen: readonly string[], more: Partial<Announcement> = {}): Announcement {
  const settings = loadSettings({
    flags: [
      { flag: "--listen", key: "listen", value: listen.join(",") },
      { flag: "--data", key: "storage.directory", value: "/data" },
    ],
  })
  return {
    version: "1.2.3",
    urls: listen,
    settings,
    caFile: undefined,
    configFile: undefined,
    isFirst: true,
    userCount: 0,
    where: "",
    ...more,
  }
}

const here = ["tcp://127.0.0.1:1883"]

describe("The first start on a terminal", () => {
  test("says who can reach it, where the data is, and what to do next", () => {
    const text = announcement(facts(here), 100)
    expect(text).toContain("tcp://127.0.0.1:1883  this machine alone")
    expect(text).toContain("/data (durability: ")
    expect(text).toContain("none: every program on this machine may publish and subscribe")
    expect(text).toContain("bantam user add alice --allow '#'")
    expect(text).toContain("bantam sub -t '#' -v")
    expect(text).toContain("bantam pub -t hello -m world")
    expect(text).toContain("bantam serve -l tcp://0.0.0.0:1883")
    expect(text).toContain("bantam config print > bantam.toml")
    expect(text).toContain("Ctrl-C")
  })

  test("names commands that find the same data and the same broker", () => {
    const text = announcement(
      facts(["tcp://192.168.1.5:2000"], { where: " -d try", configFile: "b.toml" }),
      100,
    )
    expect(text).toContain("tcp://192.168.1.5:2000  the network")
    expect(text).toContain("bantam user add alice --allow '#' -d try")
    expect(text).toContain("bantam sub -h 192.168.1.5 -p 2000 -t '#' -v")
    expect(text).toContain("in b.toml")
    // It is on the network already.
    expect(text).not.toContain("0.0.0.0")
  })

  test.each([
    ["127.0.0.1", " -p 2000"],
    ["0.0.0.0", " -p 2000"],
    ["127.0.0.2", " -h 127.0.0.2 -p 2000"],
    ["[::1]", " -h ::1 -p 2000"],
  ])("at %s is found with%s", (host, at) => {
    expect(announcement(facts([`tcp://${host}:2000`]), 100)).toContain(`bantam sub${at} -t '#' -v`)
  })

  test.each([100, 80, 64, 40])("fits into %d columns, but for what is to be typed", (columns) => {
    const wide = announcement(facts(["tcp://127.0.0.1:1883", "ws://[::1]:8083"]), columns)
      .split("\n")
      .filter((line) => Bun.stringWidth(line) > columns)
    expect(wide).toEqual([])
  })
})

describe("A later start on a terminal", () => {
  test("is short", () => {
    const text = announcement(facts(here, { isFirst: false, userCount: 3 }), 100)
    expect(text).toBe(
      "Bantam 1.2.3\n" +
        "  listening  tcp://127.0.0.1:1883  this machine alone\n" +
        `  data       /data (durability: ${facts(here).settings.storage.durability})\n` +
        "  users      3: bantam user list\n",
    )
  })

  test("says how TLS is tried", () => {
    const text = announcement(
      facts(here, { urls: ["tls://127.0.0.1:8883"], isFirst: false, caFile: "/data/tls/ca.pem" }),
      100,
    )
    expect(text).toContain("clients trust /data/tls/ca.pem, as in")
    expect(text).toContain("mosquitto_sub --cafile /data/tls/ca.pem -h localhost -p 8883")
    const spaced = announcement(
      facts(here, { urls: ["tls://127.0.0.1:8883"], caFile: "/my data/ca.pem" }),
      100,
    )
    expect(spaced).toContain('mosquitto_sub --cafile "/my data/ca.pem" -h')
  })
})
