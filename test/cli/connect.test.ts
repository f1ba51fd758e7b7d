import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { startBroker } from "bantam-mqtt"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { shellWord } from "../../cli/output.ts"
import { parseConnectionUrl } from "../../cli/connection-url.ts"
import { freshDirectory, fromSource, type Outcome, run } from "./program.ts"
import { type Script, startScripted } from "./pub-sub-server.ts"

/** Lets whoever comes in, and grants what is asked for. */
const welcoming: Script = (packet) => {
  switch (packet.type) {
    case "connect":
      return [{ type: "connack", sessionPresent: false, reasonCode: ReasonCode.success, properties: {} }]
    default:
      return []
  }
}

describe("bantam connect", () => {
  let home: string
  beforeEach(() => {
    home = freshDirectory()
  })
  afterEach(() => rmSync(home, { recursive: true }))

  const file = () => join(home, "bantam", "connections.toml")
  function bantam(words: readonly string[], stdin = ""): Promise<Outcome> {
    // No bus of a desktop: what a server has.
    return run(words, { env: { XDG_CONFIG_HOME: home, XDG_RUNTIME_DIR: home }, stdin, cwd: home })
  }
  function writeFile(text: string, mode = 0o600): void {
    mkdirSync(join(home, "bantam"), { recursive: true })
    writeFileSync(file(), text)
    chmodSync(file(), mode)
  }

  test("saves, lists, shows and removes", async () => {
    expect(
      await bantam(["connect", "save", "a", "mqtts://ann@host:99", "--cafile", "ca.pem", "-V", "mqttv5"]),
    ).toEqual({
      exitCode: 0,
      error: "",
      out: "connection a saved\n",
    })
    expect((await bantam(["connect", "save", "b", "unix:///run/mqtt.sock", "-c", "-i", "me"])).exitCode).toBe(
      0,
    )
    expect((await bantam(["connect", "save", "a", "mqtts://ann@host", "--cafile", "ca.pem"])).out).toBe(
      "connection a replaced\n",
    )
    expect(JSON.parse((await bantam(["connect", "list", "--json"])).out)).toEqual([
      {
        name: "b",
        url: "unix:///run/mqtt.sock",
        username: null,
        password: null,
        options: { id: "me", "disable-clean-session": true },
      },
      {
        name: "a",
        url: "mqtts://ann@host",
        username: "ann",
        password: null,
        options: { cafile: join(home, "ca.pem") },
      },
    ])
    expect((await bantam(["connect", "show", "b"])).out).toContain("disable-clean-session  yes\n")
    expect((await bantam(["connect", "remove", "b"])).out).toBe("connection b removed\n")
    const gone = await bantam(["connect", "show", "b"])
    expect(gone).toMatchObject({ exitCode: 1, out: "" })
    expect(gone.error).toBe("bantam: there is no connection b; did you mean a?\n")
    expect((await bantam(["connect", "show", "attic"])).error).toContain(
      "`bantam connect save attic mqtt://HOST` makes it",
    )
  })

  test("keeps a password where it says, which is its owner's alone, and prints it nowhere", async () => {
    const saved = await bantam(["connect", "save", "a", "mqtt://ann@host", "--password-stdin"], 'gr"een\n')
    expect(saved.out).toContain(`its password in ${file()}, which is yours alone (no keyring here: `)
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(readFileSync(file(), "utf8")).toContain('password = "gr\\"een"')
    const all = [
      ...[saved, await bantam(["connect", "show", "a"]), await bantam(["connect", "list", "--json"])],
      ...[await bantam(["connect", "list"]), await bantam(["connect", "show", "a", "--json"])],
    ]
    for (const { out, error } of all) expect(out + error).not.toContain("een")
    expect((await bantam(["connect", "save", "a", "mqtt://ann@host", "--no-password"])).exitCode).toBe(0)
    expect(readFileSync(file(), "utf8")).not.toContain("een")
  })

  test("warns of a password on the command line, and takes it", async () => {
    for (const words of [["mqtt://ann:p%40ss@host"], ["mqtt://ann@host", "-P", "p@ss"]]) {
      const { error, exitCode } = await bantam(["connect", "save", "a", ...words, "--no-keyring"])
      expect(exitCode).toBe(0)
      expect(error).toContain("is seen by others")
      expect(readFileSync(file(), "utf8")).toContain('url = "mqtt://ann@host"\npassword = "p@ss"\n')
    }
    const twice = await bantam(["connect", "save", "a", "mqtt://ann:x@host", "-P", "y"])
    expect(twice.error).toContain("say the password in one way")
  })

  test("does not read passwords that others can read, and says what to do", async () => {
    writeFile('[a]\nurl = "mqtt://ann@host"\npassword = "x"\n', 0o644)
    const { error, exitCode } = await bantam(["connect", "list"])
    expect(exitCode).toBe(1)
    expect(error).toBe(
      `bantam: ${file()} holds passwords, and others may read it; \`chmod 600 ${shellWord(file())}\` puts that right\n`,
    )
    for (const text of ['url = "mqtt://ann:x@host"', 'url = "mqtt://h"\nproxy = "socks5h://u:p@h"']) {
      writeFile(`[a]\n${text}\n`, 0o640)
      expect((await bantam(["connect", "list"])).error).toContain("holds passwords")
    }
    writeFile('[a]\nurl = "mqtt://ann@host"\n', 0o644)
    expect((await bantam(["connect", "list"])).exitCode).toBe(0)
  })

  test("leaves what people wrote around the others, and a link a link", async () => {
    mkdirSync(join(home, "bantam"))
    const dotfile = join(home, "dotfile.toml")
    symlinkSync(dotfile, file())
    const kept = '# mine\n\n[ b ] # the attic\nurl = "mqtt://b"\n'
    writeFileSync(dotfile, `${kept}\n[a]\nurl = "mqtt://a"\n`)
    expect((await bantam(["connect", "remove", "a"])).exitCode).toBe(0)
    expect(readFileSync(dotfile, "utf8")).toBe(kept)
    writeFileSync(dotfile, `[a]\nurl = "mqtt://a"\n# its own\n\n# of b\n# too\n${kept.slice(8)}`)
    expect((await bantam(["connect", "remove", "a"])).exitCode).toBe(0)
    expect(readFileSync(dotfile, "utf8").trimStart()).toBe(`# of b\n# too\n${kept.slice(8)}`)
    writeFileSync(dotfile, '["b"]\nurl = "mqtt://b"\n')
    const { error, exitCode } = await bantam(["connect", "remove", "b"])
    expect(exitCode).toBe(1)
    expect(error).toContain("is written in a way that we cannot change")
    expect(readFileSync(dotfile, "utf8")).toContain('["b"]')
  })

  test.each([
    ["[a]\n", 'has no address; write url = "mqtt://HOST" below its name'],
    ['[a]\nurl = "http://x"\n', 'has the url "http://x"; it must be mqtt://'],
    ['[a]\nurl = "mqtt://x"\ncafil = "y"\n', "cafil is no option of pub and sub; did you mean cafile?"],
    ['[a]\nurl = "mqtt://x"\nqos = 7\n', 'qos is "7". It must be 0, 1 or 2'],
    ['[a]\nurl = "mqtt://x"\ninsecure = "yes"\n', "insecure must be true, or left out"],
    ['[a]\nurl = "mqtt://x"\nid = [1]\n', "has id, which must be a text, a number or true"],
    ["[a\n", "connections.toml:1: "],
  ])("says what is wrong with %j", async (text, problem) => {
    writeFile(text)
    const { error, exitCode } = await bantam(["pub", "--to", "a", "-t", "t", "-n"])
    expect(exitCode).toBe(1)
    expect(error).toStartWith(`bantam: ${file()}`)
    expect(error).toContain(problem)
    expect(error.trimEnd().split("\n")).toHaveLength(1)
  })

  test.each([
    [["save", "a b", "mqtt://h"], "It must have 1 to 64 letters"],
    [["save", "a", "http://h"], "It must be mqtt://"],
    [["save", "a", "mqtt://h", "-q", "3"], "It must be 0, 1 or 2"],
    [["save", "a", "mqtt://h", "--unix", "x"], "unknown option '--unix'"],
  ])("refuses %j", async (words, problem) => {
    const { error, exitCode } = await bantam(["connect", ...words])
    expect({ exitCode, lines: error.trimEnd().split("\n").length }).toEqual({ exitCode: 1, lines: 1 })
    expect(error).toContain(problem)
  })

  describe("--to", () => {
    const words = ["pub", "--to", "a", "-t", "t", "-n"]

    /** The CONNECT that a server sees. */
    async function seen(given: readonly string[], version: 4 | 5 = 4) {
      using server = startScripted(version, welcoming)
      const [, , , port] = server.flags
      await bantam([
        "connect",
        "save",
        "a",
        `mqtt://ann:s3@127.0.0.1:${port}`,
        "--no-keyring",
        ...given.slice(0, given.indexOf("|")),
      ])
      const outcome = await bantam([...words, ...given.slice(given.indexOf("|") + 1)])
      return { connect: server.heard[0], outcome }
    }

    test("is the server, the user and the options that were saved", async () => {
      const { connect, outcome } = await seen(["-i", "laptop", "-k", "30", "|"])
      expect(outcome.error).toBe("")
      expect(connect).toMatchObject({
        type: "connect",
        clientId: "laptop",
        username: "ann",
        keepAliveSeconds: 30,
      })
      expect(connect?.type === "connect" && Buffer.from(connect.password ?? []).toString()).toBe("s3")
    })

    test("gives way to what stands beside it", async () => {
      const { connect } = await seen(["-i", "laptop", "-k", "30", "|", "-I", "me-", "-u", "bob", "-k", "60"])
      expect(connect).toMatchObject({ username: "bob", keepAliveSeconds: 60, password: undefined })
      expect(connect?.type === "connect" && connect.clientId).toStartWith("me-")
    })

    test("does not let a password go to another server", async () => {
      const { connect, outcome } = await seen(["|", "-h", "localhost"])
      expect(connect).toBeUndefined()
      expect(outcome).toMatchObject({ exitCode: 1 })
      expect(outcome.error).toContain("the password of a is for its own server alone: leave out --host")
    })

    test("means that server, whatever the options for each call say", async () => {
      mkdirSync(join(home, "bantam"), { recursive: true })
      writeFileSync(join(home, "bantam", "pub"), "-h 192.0.2.1\n-u eve\n-P wrong\n--id elsewhere\n-k 45\n")
      const { connect, outcome } = await seen(["-i", "laptop", "|"])
      expect(outcome.error).toBe("")
      expect(connect).toMatchObject({ clientId: "laptop", username: "ann", keepAliveSeconds: 45 })
    })

    test("may stand among the options for each call", async () => {
      using server = startScripted(4, welcoming)
      const [, , , port] = server.flags
      await bantam(["connect", "save", "a", `mqtt://127.0.0.1:${port}`, "-i", "laptop"])
      writeFileSync(join(home, "bantam", "pub"), "--to a\n")
      await bantam(["pub", "-t", "t", "-n"])
      expect(server.heard[0]).toMatchObject({ clientId: "laptop" })
    })

    test("is not there in Mosquitto's manner", async () => {
      for (const option of ["--to", "--password-file", "--ws-path"]) {
        const { error, exitCode } = await bantam(["pub", "--as-mosquitto", option, "a", "-t", "t", "-n"])
        expect(exitCode).toBe(1)
        expect(error).toStartWith(`Error: Unknown option '${option}'`)
      }
    })

    test("is completed", async () => {
      await bantam(["connect", "save", "attic", "mqtt://h"])
      await bantam(["connect", "save", "home", "mqtt://h"])
      expect((await bantam(["complete", "--", "sub", "--to", "a"])).out).toBe("attic\n")
      writeFile("[broken")
      expect(await bantam(["complete", "--", "sub", "--to", ""])).toEqual({ exitCode: 0, out: "", error: "" })
    })
  })

  describe("with a broker", () => {
    let broker: Awaited<ReturnType<typeof startBroker>>
    beforeAll(async () => {
      broker = await startBroker({ listen: ["ws://127.0.0.1:0", "tcp://127.0.0.1:0"], log: "none" })
    })
    afterAll(() => broker.stop())

    test("test says whether it lets us in", async () => {
      await bantam(["connect", "save", "a", broker.url])
      const { out, exitCode } = await bantam(["connect", "test", "a"])
      expect(out).toMatch(/^ws:\/\/127\.0\.0\.1:\d+ let us in, in \d+\.\d ms\n$/)
      expect(exitCode).toBe(0)
      await bantam(["connect", "save", "none", "mqtt://127.0.0.1:1"])
      const refused = await bantam(["connect", "test", "none"])
      expect(refused).toMatchObject({ exitCode: 14, out: "" })
      expect(refused.error).toContain("nobody listens there")
    })

    test("check takes one, and not a URL as well", async () => {
      await bantam(["connect", "save", "a", broker.url])
      expect((await bantam(["check", "--quick", "--to", "a"])).out).toStartWith("it answers")
      expect((await bantam(["check", "--to", "a", broker.url])).error).toContain("exclude each other")
    })

    test("a path of a WebSocket is asked for as it was saved", async () => {
      await bantam(["connect", "save", "a", `${broker.url}/elsewhere`])
      expect((await bantam(["connect", "test", "a"])).error).toContain("/elsewhere")
    })

    test("a password may be in a file of its own", async () => {
      writeFileSync(join(home, "secret"), "s3\n")
      using server = startScripted(4, welcoming)
      const url = `mqtt://ann@127.0.0.1:${server.flags[3]}`
      await bantam(["connect", "save", "a", url, "--password-file", "secret"])
      await bantam(["connect", "test", "a"])
      const [connect] = server.heard
      expect(connect?.type === "connect" && Buffer.from(connect.password ?? []).toString()).toBe("s3")
      const missing = await bantam(["pub", "-t", "t", "-n", "-u", "a", "--password-file", "absent"])
      expect(missing.error).toMatch(/^bantam: absent: cannot open/)
    })
  })
})

describe("The address of a connection", () => {
  test.each([
    ["mqtt://host", { username: undefined, password: undefined, url: "mqtt://host" }],
    ["mqtts://a%40b@host:1", { username: "a@b", password: undefined, url: "mqtts://a%40b@host:1" }],
    ["ws://a:b%3Ac@[::1]:80/x", { username: "a", password: "b:c", url: "ws://a@[::1]:80/x" }],
    ["mqtt://a:@host", { username: "a", password: "", url: "mqtt://a@host" }],
  ])("%s", (text, expected) => {
    expect(parseConnectionUrl(text)).toMatchObject(expected)
  })

  test.each(["host", "http://host", "mqtt://@host", "mqtt://a%zz@host", "mqtt://host:0", "mqtt://a@b@host"])(
    "%s is none",
    (text) => expect(parseConnectionUrl(text)).toBeString(),
  )
})

const tools = ["gnome-keyring-daemon", "dbus-run-session"].map((name) => Bun.which(name))

describe.skipIf(tools.includes(null))("A keyring", () => {
  test("has the password, and the file does not", async () => {
    const home = freshDirectory()
    using server = startScripted(4, welcoming)
    const url = `mqtt://ann@127.0.0.1:${server.flags[3]}`
    try {
      const bantam = fromSource.map((word) => shellWord(word)).join(" ")
      const file = shellWord(join(home, "bantam", "connections.toml"))
      const script = `
        printf unlock | gnome-keyring-daemon --unlock --components=secrets > /dev/null
        echo green | ${bantam} connect save a ${url} --password-stdin
        cat ${file}
        ${bantam} connect test a > /dev/null
        cp ${file} copy
        ${bantam} connect remove a
        mv copy ${file}
        ${bantam} connect test a 2>&1`
      const session = Bun.spawn({
        cmd: ["dbus-run-session", "--", "sh", "-c", script],
        env: { PATH: process.env["PATH"], HOME: home, XDG_CONFIG_HOME: home, XDG_RUNTIME_DIR: home },
        cwd: home,
        stdout: "pipe",
        stderr: "ignore",
      })
      const lines = (await session.stdout.text()).split("\n")
      expect(lines.filter((line) => !line.startsWith("#") && line !== "")).toEqual([
        "connection a saved, its password in the system's keyring",
        "[a]",
        `url = "${url}"`,
        "keyring = true",
        "connection a removed",
        "bantam: the password of a cannot be had from the keyring (it is not there any more); " +
          "save the connection again with bantam connect save",
      ])
      const [connect] = server.heard
      expect(connect?.type === "connect" && Buffer.from(connect.password ?? []).toString()).toBe("green")
    } finally {
      rmSync(home, { recursive: true })
    }
  })
})
