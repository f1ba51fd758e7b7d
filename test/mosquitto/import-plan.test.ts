import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { parseAclFile } from "../../src/mosquitto/acl-file.ts"
import { parseOptions, sortOptions } from "../../src/mosquitto/configuration.ts"
import { parseDatabase } from "../../src/mosquitto/database.ts"
import { parseDynamicSecurity } from "../../src/mosquitto/dynamic-security.ts"
import { planImport } from "../../src/mosquitto/import-plan.ts"
import type { Installation } from "../../src/mosquitto/installation.ts"
import { parsePasswordFile } from "../../src/mosquitto/password-file.ts"
import { MosquittoFileError } from "../../src/mosquitto/problem.ts"
import { DatabaseFile } from "./database-file.ts"

interface Files {
  readonly conf?: string
  readonly passwords?: string
  readonly acl?: string
  readonly dynamic?: string
  readonly database?: DatabaseFile
}

/** What would be read from these files. */
function installation({ conf = "", passwords = "", acl, dynamic, database }: Files): Installation {
  const configuration = sortOptions(parseOptions(conf, "m.conf"))
  const { users, problems } = parsePasswordFile(passwords, "passwd")
  return {
    configuration,
    users,
    acl: acl === undefined ? undefined : { file: "acl", entries: parseAclFile(acl, "acl").entries },
    dynamic:
      dynamic === undefined
        ? undefined
        : { file: "dynsec.json", security: parseDynamicSecurity(dynamic, "dynsec.json") },
    state:
      database === undefined ? undefined : { file: "m.db", saved: parseDatabase(database.bytes, "m.db") },
    problems,
  }
}

async function plan(files: Files) {
  const planned = await planImport(installation(files), { nowMs: 1_000_000, sessionUser: undefined })
  return { ...planned, problems: planned.problems.map(({ what }) => what) }
}

const hash = `$7$101$c2FsdHNhbHRzYWx0$${Buffer.alloc(64, 1).toString("base64")}`

describe("the plan of an import", () => {
  test("takes topics as deep as Mosquitto does, and has the broker take them too", async () => {
    const deep = (levels: number) => Array.from({ length: levels }, () => "a").join("/")
    const database = new DatabaseFile()
      .message(1, deep(180), "on", { retain: 1 })
      .retained(1)
      .client("c")
      .subscription("c", deep(201))
      .clientMessage("c", 1, "queued")
    const { state, settings, problems } = await plan({ database })
    expect(problems).toEqual([])
    const [session] = state.sessions
    expect(session?.subscriptions.map(({ filter }) => String(filter))).toEqual([deep(201)])
    expect(session?.queue.map(({ publish }) => String(publish.topicName))).toEqual([deep(180)])
    expect(state.retained.map(({ topic }) => String(topic.name))).toEqual([deep(180)])
    expect(settings.find(({ key }) => key === "limits.topic_levels")?.value).toBe(201)
    const usual = await plan({ database: new DatabaseFile().client("c").subscription("c", deep(128)) })
    expect(usual.settings.some(({ key }) => key === "limits.topic_levels")).toBe(false)
  })

  test("keeps hashes and hashes what is no hash", async () => {
    const { users, usersByKind, notes } = await plan({
      passwords: `alice:${hash}\nbob:open sesame\n`,
      acl: "",
    })
    expect(users.map(({ name, createdAtMs }) => `${name} ${createdAtMs}`)).toEqual([
      "alice 1000000",
      "bob 1000000",
    ])
    expect(users[0]?.passwordHash).toBe(hash)
    expect(await Bun.password.verify("open sesame", users[1]?.passwordHash ?? "")).toBe(true)
    expect(usersByKind).toEqual({ sha512: 0, "sha512-pbkdf2": 1, argon2id: 0, plain: 1, none: 0 })
    expect(notes).toContain("1 passwords stood there in plain text and are hashed with argon2id")
  })

  test("gives clients of dynamic security their groups, their binding and what they are called", async () => {
    const { users, groups, problems } = await plan({
      passwords: `ada:${hash}\nbob:${hash}\n`,
      dynamic: JSON.stringify({
        defaultACLAccess: { publishClientReceive: true, unsubscribe: true },
        roles: [{ rolename: "r" }],
        clients: [
          { username: "ada", clientid: "desk", disabled: true, textname: "Ada", roles: [{ rolename: "r" }] },
          { username: "a\nb" },
        ],
      }),
    })
    expect(groups).toEqual(["r"])
    expect(users.map(({ name }) => name)).toEqual(["ada", "bob"])
    expect(users[0]).toMatchObject({
      passwordHash: undefined,
      enabled: false,
      groups: ["r"],
      clientId: { kind: "exact", text: "desk" },
      attributes: { textname: "Ada" },
    })
    expect(problems).toEqual([
      "client ada stands in the password file too; it is taken from here",
      "client ada has no password, so no password fits",
      'the user name "a\\nb" cannot be one and is left out',
    ])
  })

  test("allows everything where there is no ACL, what the broker says of itself included", async () => {
    const { rules, settings } = await plan({ conf: "listener 1883\n" })
    expect(rules.lines).toEqual(["allow everyone subscribe $SYS/#"])
    expect(settings.find(({ key }) => key === "security.default_access")?.value).toBe("allow")
  })

  test("refuses everything where an ACL file says nothing", async () => {
    const { rules, settings } = await plan({ acl: "" })
    expect(rules.lines).toEqual([])
    expect(settings.find(({ key }) => key === "security.default_access")?.value).toBe("deny")
  })

  test("names the users of sessions that no file has", async () => {
    const database = new DatabaseFile()
      .client("a", { username: "alice" })
      .client("b", { username: "bob" })
      .client("c")
    const { problems } = await plan({ passwords: `alice:${hash}`, acl: "", database })
    expect(problems).toEqual([
      'sessions belong to users that no file has, "bob": add them with `bantam user add`',
    ])
  })

  test.each([
    ["connection cloud\n", "local.host.cloud"],
    ["connection cloud\n", "local.cloud.host"],
    ["connection cloud\nremote_clientid site1\n", "local.site1"],
    ["connection cloud\nlocal_clientid mine\n", "mine"],
  ])("leaves the session of a bridge behind: %j is %s", async (conf, clientId) => {
    const database = new DatabaseFile().client(clientId).client("local.host.cloudy").client("other")
    const { state } = await plan({ conf, acl: "", database })
    expect(state.sessions.map(({ record }) => String(record.clientId))).toEqual([
      "local.host.cloudy",
      "other",
    ])
  })

  test("is made of whatever stands in the files, or refused in one line", async () => {
    const word = fc.constantFrom(
      "user",
      "topic",
      "pattern",
      "deny",
      "read",
      "listener",
      "1883",
      "certfile",
      "plugin",
      "#",
      "a/+",
      "%u",
      "connection",
      "$7$1$a$b",
      ":",
      "true",
      "{",
      "0",
      "max_queued_messages",
      "protocol",
      "websockets",
      "\t",
      "é",
    )
    const text = fc
      .array(fc.oneof(word, fc.string(), fc.constantFrom("\n", " ")), { maxLength: 30 })
      .map((words) => words.join(" "))
    // No password in plain text, for each takes a while.
    const passwords = text.map((each) => each.replaceAll(":", " "))
    await fc.assert(
      fc.asyncProperty(
        text,
        passwords,
        text,
        fc.option(fc.json(), { nil: undefined }),
        async (conf, users, acl, dynamic) => {
          try {
            await plan({ conf, passwords: users, acl, ...(dynamic === undefined ? {} : { dynamic }) })
          } catch (error) {
            if (!(error instanceof MosquittoFileError)) throw error
            expect(error.message).not.toContain("\n")
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
