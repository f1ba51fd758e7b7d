import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { calledAs } from "../../cli/called-as.ts"
import { asksForTheirManner, clientWords } from "../../cli/client-words.ts"
import { defaultOptionsFile, optionsFileWords } from "../../cli/options-file.ts"
import { parseProxyUrl } from "../../cli/proxy-url.ts"
import { pubCommand } from "../../cli/pub.ts"
import { freshDirectory, run } from "./program.ts"

let folder: string
beforeEach(() => {
  folder = freshDirectory()
})
afterEach(() => rmSync(folder, { recursive: true }))

describe("the name that the executable is called by", () => {
  test.each([
    ["mosquitto_pub", "pub"],
    ["/usr/bin/mosquitto_sub", "sub"],
    ["./mosquitto_rr", "rr"],
    ["bantam", undefined],
    ["/opt/mosquitto_pub/bantam", undefined],
    ["mosquitto_pub.sh", undefined],
    ["mosquitto_passwd", undefined],
  ] as const)("%s", (name, client) => {
    expect(calledAs(name)).toBe(client)
  })
})

describe("the words of a command line", () => {
  const words = (...given: readonly string[]) =>
    clientWords(pubCommand(), "pub", ["-o", "/dev/null", ...given])

  test("-L stands for what it says, where it stands", () => {
    expect(words("-p", "1", "-L", "mqtts://ada:s:p@host:9/a/b", "-t", "c")).toEqual([
      ...["-p", "1", "--host", "host", "--topic", "a/b", "--port", "9"],
      ...["--username", "ada", "--pw", "s:p", "--tls-use-os-certs", "-t", "c"],
    ])
    expect(words("-L", "ws://host/t")).toEqual(["--host", "host", "--topic", "t", "--ws"])
    expect(words("--as-mosquitto", "-L", "mqtt://host/t")).toContain("1883")
  })

  test("-D takes three words, or four of a user property, whatever they begin with", () => {
    expect(
      words("-D", "publish", "user-property", "-a", "-D", "-D", "connect", "receive-maximum", "7", "-r"),
    ).toEqual([
      ...["-D", "publish", "-D", "user-property", "-D", "-a", "-D", "-D"],
      ...["-D", "connect", "-D", "receive-maximum", "-D", "7", "-r"],
    ])
  })

  test("a value is no option", () => {
    expect(words("-m", "-L", "-t", "--as-mosquitto", "-u", "-q1")).toEqual([
      "-m",
      "-L",
      "-t",
      "--as-mosquitto",
      "-u",
      "-q1",
    ])
    expect(asksForTheirManner(pubCommand(), ["-m", "--as-mosquitto"])).toBe(false)
    expect(asksForTheirManner(pubCommand(), ["-m", "x", "--as-mosquitto"])).toBe(true)
  })

  test("option and value may be one word, but not in Mosquitto's manner", () => {
    expect(words("-q1", "--topic=a=b", "-Lmqtt://h/t")).toEqual([
      "-q",
      "1",
      "--topic",
      "a=b",
      "--host",
      "h",
      "--topic",
      "t",
    ])
    expect(() => words("--as-mosquitto", "-q1")).toThrow("Unknown option '-q1'")
    expect(() => words("--as-mosquitto", "extra")).toThrow("Unknown option 'extra'")
  })

  test("in Mosquitto's manner the last word about the version decides", () => {
    expect(words("--as-mosquitto", "-x", "7", "-V", "311").slice(-6)).toEqual([
      "-x",
      "7",
      "--protocol-version",
      "5",
      "-V",
      "311",
    ])
  })

  test("a second options file is refused", () => {
    expect(() => words("-o", "/dev/null")).toThrow("-o stands there twice")
  })
})

describe("an options file", () => {
  const isProperty = (option: string) => option === "-D"
  const wordsOf = (text: string) => {
    const file = join(folder, "options")
    writeFileSync(file, text)
    return optionsFileWords(file, isProperty, false)
  }

  test("holds an option a line, whose value goes to the end of it", () => {
    expect(wordsOf('# -t a\n-m two  words \n\n  -r\n--id x\r\n-u "quoted"')).toEqual([
      ...["-m", "two  words ", "-r", "--id", "x", "-u", '"quoted"'],
    ])
  })

  test("holds properties with blanks in their values", () => {
    expect(wordsOf("-D publish content-type a b\n-D connect user-property k  v w\n-D publish")).toEqual([
      ...[
        "-D",
        "publish",
        "content-type",
        "a b",
        "-D",
        "connect",
        "user-property",
        "k",
        " v w",
        "-D",
        "publish",
      ],
    ])
  })

  test("is looked for by the name we are called by", () => {
    expect(defaultOptionsFile("pub", "bantam", { XDG_CONFIG_HOME: "/x", HOME: "/h" })).toBe("/x/bantam/pub")
    expect(defaultOptionsFile("rr", "mosquitto", { XDG_CONFIG_HOME: "/x" })).toBe("/x/mosquitto_rr")
    // Empty is none, and a relative folder would be one of whatever directory we are in.
    expect(defaultOptionsFile("sub", "bantam", { XDG_CONFIG_HOME: "", HOME: "/h" })).toBe(
      "/h/.config/bantam/sub",
    )
    expect(defaultOptionsFile("sub", "bantam", { XDG_CONFIG_HOME: "planted", HOME: "" })).toBeUndefined()
    expect(defaultOptionsFile("sub", "bantam", { HOME: "/h" })).toBe("/h/.config/bantam/sub")
    expect(defaultOptionsFile("sub", "mosquitto", {})).toBeUndefined()
  })

  test("comes before the command line, and -o in its place", async () => {
    mkdirSync(join(folder, "bantam"))
    writeFileSync(join(folder, "bantam/pub"), "-h 127.0.0.1\n-p 1\n-t from/file\n")
    writeFileSync(join(folder, "other"), "-h 127.0.0.1\n-p 2\n-t from/other\n")
    const env = { XDG_CONFIG_HOME: folder }
    expect((await run(["pub", "-m", "x"], { env })).error).toContain("tcp://127.0.0.1:1:")
    expect((await run(["pub", "-m", "x", "-p", "3"], { env })).error).toContain("tcp://127.0.0.1:3:")
    expect((await run(["pub", "-m", "x", "-o", join(folder, "other")], { env })).error).toContain(
      "tcp://127.0.0.1:2:",
    )
  })

  test("that is named must be there", async () => {
    const { exitCode, error } = await run(["pub", "-t", "t", "-m", "x", "-o", "/dev/null/options"])
    expect(exitCode).toBe(1)
    expect(error).toContain("/dev/null/options: the options in it cannot be read (ENOTDIR)")
  })
})

describe("--proxy", () => {
  test.each([
    ["socks5h://host", { host: "host", port: 1080 }],
    ["socks5h://host:1", { host: "host", port: 1 }],
    ["socks5h://[::1]:9", { host: "::1", port: 9 }],
    ["socks5h://ada@host", { host: "host", port: 1080, username: "ada" }],
    ["socks5h://a%3Ad%25a:p%40w@host", { host: "host", port: 1080, username: "a:d%a", password: "p@w" }],
  ])("%s", (text, proxy) => {
    expect(parseProxyUrl(text)).toEqual(proxy)
  })

  test.each([
    ["http://host", "must begin with socks5h://"],
    ["socks5h://", "must name HOST"],
    ["socks5h://host:0", "must name HOST"],
    ["socks5h://host:x", "must name HOST"],
    ["socks5h://:p@host", "must name USER"],
    ["socks5h://a:b:c@host", "must name USER"],
  ])("%s is none", (text, problem) => {
    expect(parseProxyUrl(text)).toContain(problem)
  })
})
