import { describe, expect, test } from "bun:test"
import { addRules, saveUsers, storedUser } from "../../support/accounts.ts"
import type { TopicName } from "../../../src/protocol/topic.ts"
import { AccessRules } from "../../../src/security/access/access-rules.ts"
import { plainPrincipal } from "../../../src/security/identity.ts"
import { Requester } from "../../../src/security/requester.ts"
import { followStoredRules } from "../../../src/security/access/stored-access-rules.ts"
import { MemoryStore } from "../../../src/storage/memory-store.ts"
import { silentLog } from "../../support/silent-log.ts"
import { TurnedClock } from "../../support/turned-clock.ts"

const alice = new Requester(plainPrincipal("alice"), "phone", "192.0.2.7")

async function following(...lines: string[]) {
  const store = new MemoryStore()
  await addRules(store.accounts, ...lines)
  const rules = new AccessRules("auto", () => {})
  const errors: unknown[] = []
  const infos: unknown[] = []
  const log = {
    ...silentLog,
    error: (sentence: string, fields: unknown) => void errors.push([sentence, fields]),
    info: (_: string, fields: unknown) => void infos.push(fields),
  }
  await followStoredRules(store, rules, new TurnedClock(), log)
  return {
    errors,
    infos,
    accounts: store.accounts,
    add: (...added: string[]) => addRules(store.accounts, ...added),
    verdict: (topic: string) => rules.publish(alice, topic as TopicName, 0, false),
  }
}

/** Whatever waits for promises alone has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

describe("Rules in the store", () => {
  test("hold from the start, and what is added holds at once", async () => {
    const { add, verdict, infos } = await following("allow alice publish a")
    expect([verdict("a"), verdict("b")]).toEqual(["allow", "deny"])
    await add("allow alice publish b")
    await settled()
    expect([verdict("a"), verdict("b")]).toEqual(["allow", "allow"])
    expect(infos).toEqual([{ rules: 2 }])
  })

  test("that change while they are read are read once more", async () => {
    const { add, verdict } = await following("allow alice publish a")
    const first = add("allow alice publish b")
    const second = add("allow alice publish c")
    await Promise.all([first, second])
    await settled()
    expect(verdict("c")).toBe("allow")
  })

  test("are left alone when it was a user that changed", async () => {
    const { accounts, infos } = await following("allow alice publish a")
    await saveUsers(accounts, storedUser("bob"))
    await settled()
    expect(infos).toEqual([])
  })

  test("that nobody can read refuse the start, and later change nothing", async () => {
    expect(following("allow alice publish a", "permit alice")).rejects.toThrow(
      "access rule 2 must begin with allow or deny; take it away with `bantam acl remove 2`",
    )
    const { add, verdict, errors } = await following("deny alice publish a", "allow alice publish #")
    await add("permit alice")
    await settled()
    expect([verdict("a"), verdict("b")]).toEqual(["deny", "allow"])
    expect(errors).toHaveLength(1)
  })
})
