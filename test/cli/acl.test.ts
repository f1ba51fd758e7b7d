import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { addRules } from "../support/accounts.ts"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { newUser } from "../../src/security/user.ts"
import type { StoredUser } from "../../src/storage/account-store.ts"
import { openAccounts } from "../../src/storage/open-store.ts"
import { freshDirectory, readUntil, run, start } from "./program.ts"

describe("bantam acl", () => {
  let directory: string
  beforeEach(() => {
    directory = join(freshDirectory(), "data")
  })
  afterEach(() => rmSync(join(directory, ".."), { recursive: true }))

  const acl = (words: readonly string[], stdin = "") => run(["acl", ...words, "--data", directory], { stdin })

  /** Without a process for each. */
  async function given(...lines: string[]): Promise<void> {
    const accounts = openAccounts(directory)
    await addRules(accounts, ...lines)
    accounts.close()
  }

  function file(name: string, text: string): string {
    const path = join(directory, "..", name)
    writeFileSync(path, text)
    return path
  }

  async function complaint(words: readonly string[], stdin?: string): Promise<string> {
    const { exitCode, error } = await acl(words, stdin)
    expect(exitCode).toBe(1)
    return error
  }

  test("allow, deny, list and remove; the first rule and the last one are announced", async () => {
    expect(await acl(["allow", "alice", "both", "home/#"])).toEqual({
      exitCode: 0,
      out: "rule 1 added: allow alice both home/#\n",
      error:
        `bantam: ${directory} is a new data directory; --data names another one\n` +
        "bantam: there are users or rules now, so what no rule allows is refused; see security.default_access\n" +
        "bantam: the store has no alice; rules about it count once it is there, or where a token brings it\n",
    })
    expect(await acl(["allow", "alice", "both", "home/#"])).toEqual({
      exitCode: 0,
      out: "rule 1 is there already: allow alice both home/#\n",
      error:
        "bantam: the store has no alice; rules about it count once it is there, or where a token brings it\n",
    })
    const conditions = ["--qos", "1,0", "--no-retain", "--from", "10.0.0.0/8"]
    expect((await acl(["deny", "client:a b", "publish", "eq", "${x}", ...conditions])).out).toBe(
      'rule 2 added: deny "client:a b" publish eq ${x} --qos 0,1 --no-retain --from 10.0.0.0/8\n',
    )
    expect((await acl(["list"])).out).toBe(
      "ID  RULE\n1   allow alice both home/#\n" +
        '2   deny "client:a b" publish eq ${x} --qos 0,1 --no-retain --from 10.0.0.0/8\n',
    )
    expect(JSON.parse((await acl(["list", "--json"])).out)[1]).toEqual({
      id: 2,
      rule: 'deny "client:a b" publish eq ${x} --qos 0,1 --no-retain --from 10.0.0.0/8',
      effect: "deny",
      who: "client:a b",
      action: "publish",
      topic: "${x}",
      literal: true,
      qos: [0, 1],
      retain: false,
      from: "10.0.0.0/8",
    })
    expect(await acl(["remove", "1", "2"])).toMatchObject({
      out: expect.stringContaining("rule 1 removed: allow alice both home/#\nrule 2 removed: deny"),
      error: expect.stringContaining("no rule is left"),
    })
    expect((await acl(["list", "--json"])).out).toBe("[]\n")
  })

  test("what list prints plainly, import reads, and --replace takes away the rest", async () => {
    await given("allow alice both a", "allow bob both b")
    const plain = (await acl(["list", "--plain"])).out
    expect(plain).toBe("allow alice both a\nallow bob both b\n")
    expect((await acl(["import", "-"], plain)).out).toBe("rules: 0 added, 2 there already\n")
    const rules = file("rules", "# who may what\n\n  allow bob  both b\r\nallow carol both c --qos 0,1,2\n")
    expect((await acl(["import", rules, "--replace"])).out).toBe(
      "rules: 1 added, 1 there already, 1 removed\n",
    )
    expect((await acl(["list", "--plain"])).out).toBe("allow bob both b\nallow carol both c\n")
  })

  test("rules about who is not in the store are taken, and named", async () => {
    const accounts = openAccounts(directory)
    await accounts.change("root", [
      { change: { change: "add-user", user: newUser("alice", undefined, 0) }, said: undefined },
      { change: { change: "add-group", group: { name: "family", createdAtMs: 0 } }, said: undefined },
    ])
    accounts.close()
    const known = ["allow alice", "allow group:family", "deny client:c", "deny anonymous", "allow everyone"]
    const rules = (whos: readonly string[]) => whos.map((who) => `${who} both t\n`).join("")
    expect((await acl(["import", "-"], rules(known))).error).toBe("")
    const others = ["allow group:alice", "deny family", "allow a", "allow b"]
    expect(await acl(["import", "-"], rules(others))).toEqual({
      exitCode: 0,
      out: "rules: 4 added, 0 there already\n",
      error:
        "bantam: the store has no group:alice, family, a and 1 more; rules about it count once it is there, or where a token brings it\n",
    })
  })

  test("check answers by its exit code", async () => {
    await given("allow alice publish t --qos 1 --retain --from 10.0.0.0/8", "allow client:x subscribe t")
    const question = ["check", "alice", "publish", "t", "--qos", "1", "--retain", "--from", "10.1.2.3"]
    const stranger = "bantam: there is no user alice, so nothing but the name and the options counts\n"
    expect(await acl(question)).toEqual({ exitCode: 0, out: "allowed\n", error: stranger })
    expect(await acl(question.slice(0, -2))).toEqual({ exitCode: 1, out: "refused\n", error: stranger })
    expect(await acl(["check", "alice", "subscribe", "$share/g/t", "--client-id", "x", "--json"])).toEqual({
      exitCode: 0,
      out: '{"allowed":true}\n',
      error: stranger,
    })
  })

  test("groups, attributes and a certificate that no store knows are told to the question", async () => {
    await given(
      "allow group:drivers subscribe fleet/${attr.site}/#",
      "allow everyone publish devices/${cert.cn}/state",
    )
    const question = ["truck-7", "subscribe", "fleet/north/#", "--group", "drivers", "-a", "site=north"]
    expect((await acl(["check", ...question])).out).toBe("allowed\n")
    expect((await acl(["check", ...question.slice(0, -2)])).out).toBe("refused\n")
    const own = ["publish", "devices/p1/state", "--certificate"]
    expect((await acl(["explain", "anonymous", ...own, "p1"])).out).toContain("rule 2 decides")
    expect((await acl(["explain", "anonymous", ...own, "p2"])).out).toContain("no rule allows it")
    const file =
      "truck-7 may subscribe fleet/north/# --group x --group drivers --attribute site=north\n" +
      "truck-7 may not subscribe fleet/north/# --group drivers --attribute site=south\n" +
      "anonymous may publish devices/p1/state --certificate p1\n"
    expect(await acl(["test", "-"], file)).toEqual({
      exitCode: 0,
      out: "3 of 3 expectations hold\n",
      error: "",
    })
    expect(await complaint(["check", "a", "publish", "t", "--attribute", "site"])).toBe(
      "bantam: the question needs KEY=VALUE, the key of letters, digits, - and _, behind --attribute\n",
    )
    expect(await complaint(["test", "-"], "a may publish t --group")).toBe(
      "bantam: standard input:1: an expectation needs a group's name behind --group\n",
    )
  })

  test("a question about a user adds to what the store says of it, and tells why it may not even come in", async () => {
    const accounts = openAccounts(directory)
    const pump: StoredUser = {
      ...newUser("pump", undefined, 0),
      groups: ["pumps"],
      attributes: { site: "north", floor: 1 },
      clientId: { kind: "exact", text: "p1" },
      enabled: false,
    }
    await accounts.change("root", [{ change: { change: "add-user", user: pump }, said: undefined }])
    accounts.close()
    await given("allow group:pumps publish ${attr.site}/${attr.floor}/${clientid}", "deny group:x publish #")
    expect(await acl(["check", "pump", "publish", "north/2/p1", "-a", "floor=2"])).toEqual({
      exitCode: 0,
      out: "allowed\n",
      error: "bantam: user pump is disabled and not let in, whatever the rules say\n",
    })
    expect((await acl(["check", "pump", "publish", "north/1/p1", "--group", "x"])).out).toBe("refused\n")
  })

  test("explain names the rule that decides, and those that lost to it", async () => {
    await given("allow alice both home/#", "deny alice publish home/+/set", "allow everyone subscribe +/x")
    expect((await acl(["explain", "alice", "publish", "home/kitchen/set"])).out).toBe(
      "alice may not publish home/kitchen/set: rule 2 decides: deny alice publish home/+/set\n" +
        "      ID  RULE\nlost  1   allow alice both home/#\n",
    )
    expect((await acl(["explain", "bob", "subscribe", "a/+"])).out).toBe(
      "bob may not subscribe a/+: no rule allows it\n" +
        "               ID  RULE\nallows a part  3   allow everyone subscribe +/x\n",
    )
    expect((await acl(["explain", "alice", "publish", "$SYS/x"])).out).toContain("nobody but the broker")
    expect(JSON.parse((await acl(["explain", "alice", "subscribe", "home/x", "--json"])).out)).toEqual({
      allowed: true,
      because: "rule",
      decides: { id: 1, rule: "allow alice both home/#" },
      lost: [{ id: 3, rule: "allow everyone subscribe +/x" }],
      partly: [],
    })
  })

  test("explain says which part is denied, where the rest of a wide subscription is filtered", async () => {
    await given("allow alice both home/#", "deny alice subscribe home/safe")
    const asked = ["explain", "alice", "subscribe", "home/#"]
    expect((await acl(asked)).out).toContain("alice may not subscribe home/#: rule 2 decides")
    expect((await acl([...asked, "--set", "security.wide_subscriptions=filter"])).out).toBe(
      "alice may subscribe home/#: rule 1 decides: allow alice both home/#\n" +
        "               ID  RULE\ndenies a part  2   deny alice subscribe home/safe\n",
    )
  })

  test("without a rule the setting decides", async () => {
    expect((await acl(["explain", "alice", "publish", "t"])).out).toContain("the setting allows it")
    expect(
      (await acl(["check", "alice", "publish", "t", "--set", "security.default_access=deny"])).exitCode,
    ).toBe(1)
  })

  test("test holds three hundred rules against expectations, and prints where they differ", async () => {
    const users = Array.from({ length: 150 }, (_, number) => `user${number}`)
    await given(
      ...users.flatMap((name) => [`allow ${name} both ${name}/#`, `deny ${name} publish ${name}/locked`]),
    )
    const kept = users.map(
      (name) => `${name} may publish ${name}/x\n${name} may not publish ${name}/locked\n`,
    )
    const good = file("good", `# all of them\n${kept.join("")}`)
    expect(await acl(["test", good])).toEqual({
      exitCode: 0,
      out: "300 of 300 expectations hold\n",
      error: "bantam: the store has no user0, user1, user2 and 147 more; nothing but their names counts\n",
    })

    const bad = file(
      "bad",
      "user1 may subscribe user1/#\nuser2 may not subscribe user2/x\nuser3 may subscribe #\n",
    )
    expect(await acl(["test", bad])).toEqual({
      exitCode: 1,
      out:
        `${bad}:2: user2 may not subscribe user2/x: is allowed, rule 5 decides: allow user2 both user2/#\n` +
        `${bad}:3: user3 may subscribe #: is refused, no rule allows it\n` +
        "1 of 3 expectations hold\n",
      error: "bantam: the store has no user1, user2, user3; nothing but their names counts\n",
    })
    const json = JSON.parse((await acl(["test", bad, "--json"])).out)
    expect(json).toMatchObject({ expectations: 3, differences: [{ allowed: true }, { allowed: false }] })
  })

  test("what cannot be done is one line, and changes nothing", async () => {
    await given("allow alice both a")
    expect(await complaint(["allow", "alice", "read", "a"])).toBe(
      'bantam: a rule must say publish, subscribe or both, not "read"; see bantam acl --help\n',
    )
    expect(await complaint(["remove", "1", "7"])).toBe(
      "bantam: there is no rule 7, and none was removed; `bantam acl list` numbers them\n",
    )
    expect(await complaint(["import", "-"], "allow bob both b\nallow bob\n")).toBe(
      'bantam: standard input:2: a rule must say publish, subscribe or both, not ""; nothing was changed\n',
    )
    expect(await complaint(["test", "-"], "alice publish a\n")).toBe(
      "bantam: standard input:1: an expectation must say WHO may, or WHO may not\n",
    )
    expect(await complaint(["check", "everyone", "publish", "a"])).toBe(
      "bantam: the question must name one user, client:ID or anonymous; --group NAME puts it into a group\n",
    )
    expect(await complaint(["test", "-"], "# nothing\n")).toBe(
      "bantam: standard input holds no expectation; see bantam acl test --help\n",
    )
    expect(await complaint(["check", "alice", "publish", "a/#"])).toBe(
      'bantam: the question names "a/#", which is no topic to publish to\n',
    )
    expect(await complaint(["check", "alice", "subscribe", "a", "--retain"])).toContain(
      "cannot have --retain",
    )
    expect(await complaint(["list", "--set", "storage.ephemeral=true"])).toBe(
      "bantam: access rules cannot be kept while storage.ephemeral is true; set it to false\n",
    )
    expect((await acl(["list", "--plain"])).out).toBe("allow alice both a\n")
  })

  test("a rule that nobody can read is listed, and can be removed", async () => {
    await given("permit alice")
    expect((await acl(["list"])).out).toContain("1   permit alice")
    expect(await complaint(["check", "alice", "publish", "a"])).toBe(
      "bantam: access rule 1 must begin with allow or deny; take it away with `bantam acl remove 1`\n",
    )
    expect((await acl(["remove", "1"])).exitCode).toBe(0)
  })
})

describe("bantam acl beside a broker that serves the same directory", () => {
  test("what is changed holds for clients that come and for those that are there", async () => {
    const home = freshDirectory()
    const directory = join(home, "data")
    const ready = join(home, "ready")
    const options = ["--port", "0", "--data", directory, "--ready-file", ready, "--log-level", "debug"]
    const serving = start(["serve", ...options])
    try {
      await readUntil(serving.stdout, "durability")
      const { urls } = await Bun.file(ready).json()
      const port = new URL(urls[0]).port
      const change = async (...words: string[]) => {
        expect((await run(["acl", ...words, "--data", directory])).exitCode).toBe(0)
        await readUntil(serving.stderr, "the access rules have changed")
      }
      const publish = async (topic: string) => {
        return (await run(["pub", "-p", port, "-V", "5", "-q", "1", "-t", topic, "-m", "x"])).error
      }
      const subscribing = start(["sub", "-p", port, "-t", "#", "-C", "1"])
      await readUntil(serving.stderr, " subscribed")
      await change("allow", "anonymous", "publish", "open")
      expect(await publish("open")).toBe("")
      expect(await publish("closed")).toContain("not authorized")
      await change("allow", "anonymous", "subscribe", "later")
      await change("allow", "anonymous", "publish", "later")
      expect(await publish("later")).toBe("")
      expect(await subscribing.stdout.text()).toBe("x\n")
    } finally {
      serving.kill()
      await serving.exited
      rmSync(home, { recursive: true })
    }
  }, 20_000)
})
