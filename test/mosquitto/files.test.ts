import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseAclFile } from "../../src/mosquitto/acl-file.ts"
import { rulesOfAclFile } from "../../src/mosquitto/acl-rules.ts"
import { lastOf, parseOptions, sortOptions } from "../../src/mosquitto/configuration.ts"
import { parsePassword, parsePasswordFile } from "../../src/mosquitto/password-file.ts"
import { readConfiguration } from "../../src/mosquitto/read-files.ts"

const digest = Buffer.alloc(64, 1).toString("base64")
const pbkdf2 = `$7$101$c2FsdHNhbHRzYWx0$${digest}`
const sha512 = `$6$c2FsdHNhbHRzYWx0$${digest}`
const argon2id = "$argon2id$v=19$m=47104,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"

describe("mosquitto.conf", () => {
  test("has an option a line, its value to the end; a comment begins in the first column alone", () => {
    const text = "# port 1\nport 1883\r\n\n  topic # out 1  \nper_listener_settings\nuser a #b\n # here\n"
    expect(parseOptions(text, "m.conf")).toEqual([
      { name: "port", value: "1883", file: "m.conf", line: 2 },
      { name: "topic", value: "# out 1", file: "m.conf", line: 4 },
      { name: "per_listener_settings", value: "", file: "m.conf", line: 5 },
      { name: "user", value: "a #b", file: "m.conf", line: 6 },
      { name: "#", value: "here", file: "m.conf", line: 7 },
    ])
  })

  test("is sorted by what its lines are about; a section ends with its file", () => {
    const main = parseOptions(
      "port 1883\nmax_connections 5\nlistener 8883\ncertfile c\nallow_anonymous true\nconnection b\ntopic # in\n" +
        "plugin /p.so\nplugin_opt_file f\n",
      "m.conf",
    )
    const included = parseOptions("max_connections 7\ntopic x\nplugin_opt_a b\n", "d.conf")
    const sorted = sortOptions([...main, ...included])
    const names = (options: readonly { readonly name: string }[]) => options.map(({ name }) => name)
    expect(names(sorted.general)).toEqual(["allow_anonymous"])
    expect(names(sorted.defaultListener.options)).toEqual(["port", "max_connections", "max_connections"])
    expect(lastOf(sorted.defaultListener.options, "max_connections")?.value).toBe("7")
    expect(sorted.listeners.map(({ at, options }) => [at?.value, ...names(options)])).toEqual([
      ["8883", "certfile"],
    ])
    expect(sorted.bridges.map(({ at, options }) => [at.value, ...names(options)])).toEqual([["b", "topic"]])
    expect(sorted.plugins.map(({ at, options }) => [at.value, options.get("file")?.value])).toEqual([
      ["/p.so", "f"],
    ])
    expect(sorted.problems).toEqual([
      { file: "d.conf", line: 2, what: "topic stands behind no connection, and is left out" },
      { file: "d.conf", line: 3, what: "plugin_opt_a stands behind no plugin, and is left out" },
    ])
  })

  test("gives each listener its own security with per_listener_settings", () => {
    const options = parseOptions(
      "per_listener_settings true\nlistener 1884\nallow_anonymous true\n",
      "m.conf",
    )
    const { general, listeners } = sortOptions(options)
    expect(general.map(({ name }) => name)).toEqual(["per_listener_settings"])
    expect(listeners[0]?.options.map(({ name }) => name)).toEqual(["allow_anonymous"])
  })
})

describe("include_dir", () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bantam-mosquitto-"))
    mkdirSync(join(folder, "conf.d"))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  function configurationOf(main: string, included: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(included)) writeFileSync(join(folder, "conf.d", name), text)
    const file = join(folder, "m.conf")
    writeFileSync(file, main.replace("conf.d", join(folder, "conf.d")))
    return readConfiguration(file)
  }

  test("is read where it stands, so that what comes behind it is the last word", () => {
    const included = { "a.conf": "allow_anonymous true\n" }
    const closed = configurationOf("listener 1883\ninclude_dir conf.d\nallow_anonymous false\n", included)
    expect(lastOf(closed.general, "allow_anonymous")?.value).toBe("false")
    const open = configurationOf("listener 1883\nallow_anonymous false\ninclude_dir conf.d\n", included)
    expect(lastOf(open.general, "allow_anonymous")?.value).toBe("true")
  })

  test("has sections of its own in each file, and those of the main file go on behind it", () => {
    const { defaultListener, listeners, bridges, problems } = configurationOf(
      "listener 1883\nconnection b\ninclude_dir conf.d\nmax_connections 5\ntopic #\n",
      {
        "b.conf": "max_connections 7\ninclude_dir elsewhere\n",
        "a.conf": "max_connections 6\n",
        "c.text": "max_connections 8\n",
      },
    )
    expect(defaultListener.options.map(({ value }) => value)).toEqual(["6", "7"])
    expect(listeners.map(({ at, options }) => [at?.value, ...options.map(({ value }) => value)])).toEqual([
      ["1883", "5"],
    ])
    expect(bridges.map(({ at, options }) => [at.value, ...options.map(({ value }) => value)])).toEqual([
      ["b", "#"],
    ])
    expect(problems).toEqual([
      {
        file: join(folder, "conf.d/b.conf"),
        line: 2,
        what: "include_dir counts in the main file alone, and is left out",
      },
    ])
  })

  test("that opens listeners makes doubtful what goes on behind it, which is said", () => {
    const { listeners, problems } = configurationOf(
      "per_listener_settings true\nlistener 1883\ninclude_dir conf.d\nallow_anonymous true\n",
      { "a.conf": "listener 1884\nmax_connections 6\n" },
    )
    expect(listeners.map(({ options }) => options.map(({ name }) => name))).toEqual([
      ["allow_anonymous"],
      ["max_connections"],
    ])
    expect(problems).toEqual([
      {
        file: join(folder, "m.conf"),
        line: 4,
        what:
          "allow_anonymous stands behind an include_dir that opens listeners, where Mosquitto may lose it: " +
          "it counts for 1883",
      },
    ])
  })
})

describe("a password file", () => {
  test("has a user a line, with the hash as it stands", () => {
    const text = `# people\nalice:${pbkdf2}\nbob:${sha512}  \n\ncarol:${argon2id}\ndave:plain:text\n`
    const { users, problems } = parsePasswordFile(text, "passwd")
    expect(problems).toEqual([])
    expect(users).toEqual([
      { name: "alice", password: { kind: "sha512-pbkdf2", hash: pbkdf2 }, line: 2 },
      { name: "bob", password: { kind: "sha512", hash: sha512 }, line: 3 },
      { name: "carol", password: { kind: "argon2id", hash: argon2id }, line: 5 },
      { name: "dave", password: { kind: "plain", text: "plain:text" }, line: 6 },
    ])
  })

  test("leaves out what can be no user, and says so", () => {
    const text = `nobody\n:${sha512}\na\tb:${sha512}\nempty:\nodd:$7$0$x$y\nodder:$5$x$y\ncut:$6$c2Fs$aGFzaA==\nslow:$7$99999999$c2Fs$${digest}\nalice:${sha512}\nalice:${pbkdf2}`
    const { users, problems } = parsePasswordFile(text, "passwd")
    expect(users.map(({ name, line }) => `${name} ${line}`)).toEqual(["alice 9"])
    expect(problems.map(({ line, what }) => `${line}: ${what}`)).toEqual([
      "1: the line has no colon and is left out",
      '2: the user name "" cannot be one and is left out',
      '3: the user name "a\\tb" cannot be one and is left out',
      "4: user empty has a hash that nothing verifies, and is left out",
      "5: user odd has a hash that nothing verifies, and is left out",
      "6: user odder has a hash that nothing verifies, and is left out",
      "7: user cut has a hash that nothing verifies, and is left out",
      "8: user slow has a hash that nothing verifies, and is left out",
      "10: user alice stands here again; only the first line counts",
    ])
  })

  test("a password that only begins with a dollar is one in plain text", () => {
    expect(parsePassword("$secret")).toEqual({ kind: "plain", text: "$secret" })
  })
})

describe("an ACL file", () => {
  const rules = (text: string) => {
    const { entries, problems } = parseAclFile(text, "acl")
    const planned = rulesOfAclFile(entries, "acl")
    return {
      ...planned,
      problems: [...problems, ...planned.problems].map(({ line, what }) => `${line}: ${what}`),
    }
  }

  test("becomes rules about anonymous, users and everyone", () => {
    const text = `
# comment
topic read $SYS/#
topic open
pattern write devices/%c/%u/state
user alice
topic readwrite home/#
topic deny home/two words
pattern deny secret/#
user everyone
  topic write a
`
    expect(rules(text)).toEqual({
      lines: [
        "allow anonymous subscribe $SYS/#",
        "allow anonymous both open",
        "allow everyone publish devices/${clientid}/${username}/state",
        "allow alice both home/#",
        'deny alice both "home/two words"',
        "deny everyone both secret/#",
        "allow user:everyone publish a",
      ],
      denies: 2,
      patterns: 2,
      problems: [],
    })
  })

  test("takes a dollar and brace literally, where that can be said", () => {
    const { lines, problems } = rules("topic a/${clientid}\ntopic read a/${x}/#\n")
    expect(lines).toEqual(["allow anonymous both eq a/${clientid}"])
    expect(problems).toEqual([
      '2: the entry for a/${x}/# is left out, for its rule has "${" in "a/${x}/#", which is a placeholder in Bantam',
    ])
  })

  test("says what it leaves out, and what holds in another way", () => {
    expect(
      rules("topic\ntopic all a b\nsubject x\ntopic a#\npattern deny %c/private\nuser\n").problems,
    ).toEqual([
      "1: topic names no topic and is left out",
      "2: topic all a b says neither read, write, readwrite nor deny and is left out",
      "3: subject is no word of an ACL file and is left out",
      "6: user names nobody, so the lines behind it are nobody's",
      '4: the entry for a# is left out, for its rule names "a#", which is no topic filter',
      "5: pattern deny %c/private does not hold for a client whose name has +, # or / in it: Mosquitto refuses such a " +
        "client everything",
    ])
  })
})
