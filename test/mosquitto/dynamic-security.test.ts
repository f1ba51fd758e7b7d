import { describe, expect, test } from "bun:test"
import { accessOfDynamicSecurity } from "../../src/mosquitto/dynamic-rules.ts"
import { parseDynamicSecurity } from "../../src/mosquitto/dynamic-security.ts"

const defaultACLAccess = {
  publishClientSend: false,
  publishClientReceive: true,
  subscribe: false,
  unsubscribe: true,
}
const digest = Buffer.alloc(64, 1).toString("base64")
const file = "dynsec.json"
const parse = (json: object) => parseDynamicSecurity(JSON.stringify({ defaultACLAccess, ...json }), file)

function access(json: object) {
  const planned = accessOfDynamicSecurity(parse(json), file)
  return { ...planned, problems: planned.problems.map(({ what }) => what) }
}

/** Of her roles `yes` is asked first. */
const adaOfBothRoles = {
  username: "ada",
  roles: [
    { rolename: "yes", priority: 2 },
    { rolename: "no", priority: 1 },
  ],
}

describe("a dynamic-security.json", () => {
  test("names clients with the password of either version, and roles and groups by priority", () => {
    const { clients } = parse({
      clients: [
        {
          username: "ada",
          clientid: "desk",
          textname: "Ada",
          textdescription: "counts",
          disabled: true,
          encoded_password: `$7$1000$c2FsdA==$${digest}`,
          roles: [{ rolename: "low" }, { rolename: "high", priority: 5 }],
        },
        { username: "bob", password: digest, salt: "c2FsdA==", iterations: 101 },
        { username: "eve" },
      ],
      groups: [
        { groupname: "g1", clients: [{ username: "ada", priority: 1 }] },
        { groupname: "g2", clients: [{ username: "ada", priority: 2 }] },
      ],
    })
    expect(clients).toEqual([
      {
        name: "ada",
        password: { kind: "sha512-pbkdf2", hash: `$7$1000$c2FsdA==$${digest}` },
        enabled: false,
        clientId: "desk",
        roles: ["high", "low"],
        groups: ["g2", "g1"],
        textName: "Ada",
        textDescription: "counts",
      },
      {
        name: "bob",
        password: { kind: "sha512-pbkdf2", hash: `$7$101$c2FsdA==$${digest}` },
        enabled: true,
        clientId: undefined,
        roles: [],
        groups: [],
        textName: "",
        textDescription: "",
      },
      {
        name: "eve",
        password: undefined,
        enabled: true,
        clientId: undefined,
        roles: [],
        groups: [],
        textName: "",
        textDescription: "",
      },
    ])
  })

  test("that is none is refused", () => {
    expect(() => parseDynamicSecurity("{", file)).toThrow(
      /^dynsec\.json: is no dynamic security configuration \(.+\); nothing was changed$/,
    )
    expect(() =>
      parse({ roles: [{ rolename: "r", acls: [{ acltype: "fly", topic: "a", allow: true }] }] }),
    ).toThrow(/roles\.0\.acls\.0\.acltype/)
  })

  test("becomes groups with rules: one for each group, and for each role that a client has itself", () => {
    const planned = access({
      roles: [
        { rolename: "reader", acls: [{ acltype: "subscribePattern", topic: "home/#", allow: true }] },
        { rolename: "writer", acls: [{ acltype: "publishClientSend", topic: "home/%u/%c", allow: true }] },
      ],
      groups: [{ groupname: "family", roles: [{ rolename: "reader" }], clients: [{ username: "ada" }] }],
      clients: [{ username: "ada", roles: [{ rolename: "writer" }] }],
    })
    expect(planned).toEqual({
      groups: ["family", "writer"],
      memberships: new Map([["ada", ["family", "writer"]]]),
      lines: [
        "allow group:family subscribe home/#",
        "allow group:writer publish home/${username}/${clientid}",
      ],
      denies: 0,
      patterns: 1,
      problems: [],
    })
  })

  test("a role whose name a group has is given another", () => {
    const { groups, memberships } = access({
      roles: [{ rolename: "x" }],
      groups: [{ groupname: "x" }],
      clients: [{ username: "ada", roles: [{ rolename: "x" }] }],
    })
    expect(groups).toEqual(["x", "role-x"])
    expect(memberships.get("ada")).toEqual(["role-x"])
  })

  test("an allow that is asked before a deny goes before it, as a rule of the user's own", () => {
    const { lines, problems } = access({
      roles: [
        { rolename: "no", acls: [{ acltype: "publishClientSend", topic: "a/#", allow: false }] },
        { rolename: "yes", acls: [{ acltype: "publishClientSend", topic: "a/b", allow: true }] },
      ],
      clients: [adaOfBothRoles],
    })
    expect(lines).toEqual([
      "deny group:no publish a/#",
      "allow group:yes publish a/b",
      "allow ada publish a/b",
    ])
    expect(problems).toEqual([])
  })

  test("but not where it would go before a deny about receiving, which it must not", () => {
    const { lines, problems } = access({
      roles: [
        { rolename: "yes", acls: [{ acltype: "subscribePattern", topic: "#", allow: true }] },
        {
          rolename: "no",
          acls: [
            { acltype: "subscribePattern", topic: "+", allow: false },
            { acltype: "publishClientReceive", topic: "#", allow: false },
          ],
        },
      ],
      clients: [adaOfBothRoles],
    })
    expect(lines).toEqual([
      "allow group:yes subscribe #",
      "deny group:no subscribe +",
      "deny group:no subscribe #",
    ])
    expect(problems).toEqual([
      "role no: deny subscribePattern + now goes before allow subscribePattern # of role yes, for client ada: where " +
        "both fit it is denied",
    ])
  })

  test("where no rank is left the deny goes first, and that is said", () => {
    const send = (topic: string, allow: boolean, priority: number) => {
      return { acltype: "publishClientSend", topic, allow, priority }
    }
    const { problems } = access({
      roles: [
        {
          rolename: "r",
          acls: [
            send("a/b/c", true, 6),
            send("a/b/+", false, 5),
            send("a/b/#", true, 4),
            send("a/+/#", false, 3),
            send("a/#", true, 2),
            send("#", false, 1),
          ],
        },
      ],
      clients: [{ username: "ada", roles: [{ rolename: "r" }] }],
    })
    expect(problems).toContain(
      "role r: deny publishClientSend # now goes before allow publishClientSend a/# of role r, for client ada: where " +
        "both fit it is denied",
    )
  })

  test("the anonymous group's rules are about clients without a user name", () => {
    const { lines } = access({
      anonymousGroup: "open",
      roles: [{ rolename: "r", acls: [{ acltype: "subscribeLiteral", topic: "a/#", allow: true }] }],
      groups: [{ groupname: "open", roles: [{ rolename: "r" }] }],
    })
    expect(lines).toEqual(["allow group:open subscribe eq a/#", "allow anonymous subscribe eq a/#"])
  })

  test("defaults that allow are rules about everyone", () => {
    const { lines, problems } = access({
      defaultACLAccess: {
        publishClientSend: true,
        publishClientReceive: true,
        subscribe: true,
        unsubscribe: false,
      },
    })
    expect(lines).toEqual([
      "allow everyone publish #",
      "allow everyone subscribe #",
      "allow everyone subscribe $SYS/#",
    ])
    expect(problems).toEqual([
      "defaultACLAccess.unsubscribe is false, but everybody may unsubscribe in Bantam",
    ])
  })

  test("what to receive and what to subscribe to must both be granted", () => {
    const { lines, problems } = access({
      defaultACLAccess: { ...defaultACLAccess, publishClientReceive: false },
      roles: [
        {
          rolename: "r",
          acls: [
            { acltype: "subscribePattern", topic: "a/+/#", allow: true },
            { acltype: "publishClientReceive", topic: "+/b", allow: true },
            { acltype: "subscribePattern", topic: "c", allow: true },
          ],
        },
      ],
    })
    expect(lines).toEqual(["allow group:r subscribe a/b"])
    expect(problems).toEqual([
      "role r: allow subscribePattern a/+/# counts only for what the role lets receive as well",
      "role r: allow subscribePattern c counts only for what the role lets receive as well",
      "role r: allow publishClientReceive +/b counts only for what the role lets subscribe to as well",
    ])
  })

  test("what has no counterpart is said with its role and ACL", () => {
    const { lines, problems } = access({
      roles: [
        {
          rolename: "admin",
          allowwildcardsubs: false,
          acls: [
            { acltype: "publishClientSend", topic: "$CONTROL/#", allow: true },
            { acltype: "unsubscribePattern", topic: "#", allow: false },
          ],
        },
      ],
      clients: [{ username: "ada", roles: [{ rolename: "gone" }] }],
    })
    expect(lines).toEqual([])
    expect(problems).toEqual([
      "role admin: allowwildcardsubs is false, but its subscriptions may have wildcards in Bantam",
      "role admin: deny unsubscribePattern # is left out: everybody may unsubscribe",
      "1 ACLs about $CONTROL are left out: users, groups and rules are managed with `bantam user` and `bantam acl`",
      "client ada has the role gone, which is not there",
    ])
  })
})
