import { parseTopicFilter, parseTopicName, type TopicName } from "../src/protocol/topic.ts"
import { AccessRules } from "../src/security/access/access-rules.ts"
import { parseAccessRule } from "../src/security/access/access-rule.ts"
import {
  AuthorizationChain,
  superusersMayAll,
  sysTopicsAreOurs,
} from "../src/security/access/authorization.ts"
import { plainPrincipal } from "../src/security/identity.ts"
import { Requester } from "../src/security/requester.ts"
import { measure } from "./stopwatch.ts"

/*
 * What it costs to decide whether a client may publish, read or subscribe, by 10,000 rules for 1,000 users in 50 groups:
 * `bun run bench/deciding.ts`.
 */

const users = 1_000
const groups = 50

const lines = Array.from({ length: users }, (_, user) => [
  `allow user-${user} both plant/${user}/#`,
  `deny user-${user} publish plant/${user}/+/locked --qos 0,1`,
  ...Array.from({ length: 7 }, (_, number) => `deny user-${user} both plant/${number}/${user}/+/secret/#`),
])
  .flat()
  .concat(
    Array.from({ length: groups }, (_, group) => [
      `allow group:group-${group} subscribe news/${group}/#`,
      ...Array.from(
        { length: 18 },
        (_, number) => `deny group:group-${group} publish news/${group}/${number}/#`,
      ),
    ]).flat(),
    Array.from({ length: 50 }, (_, number) => `allow everyone publish hello/${number}/\${username}/#`),
  )

const rules = new AccessRules("auto", () => {})
rules.replace(lines.map(ruleOf), true)
const chain = new AuthorizationChain([sysTopicsAreOurs, superusersMayAll, rules], true)
const clients = Array.from({ length: users }, (_, user) => {
  const principal = { ...plainPrincipal(`user-${user}`), groups: [`group-${user % groups}`] }
  return new Requester(principal, `client-${user}`, "192.0.2.7")
})

console.log(`${lines.length} rules, ${users} users`)

const own = clients.map((_, user) => topicOf(`plant/${user}/line/temperature`))
measure("publish to the topic of before, allowed", users, () => {
  for (const [user, client] of clients.entries()) decide(client, own[user], true)
})

const locked = clients.map((_, user) => topicOf(`plant/${user}/line/locked`))
measure("publish to the topic of before, denied", users, () => {
  for (const [user, client] of clients.entries()) decide(client, locked[user], false)
})

const [first] = clients
const many = Array.from({ length: 1_000 }, (_, number) => topicOf(`plant/0/line-${number}/temperature`))
measure("publish to 1,000 topics in turn", many.length, () => {
  for (const topic of many) decide(first, topic, true)
})

const more = Array.from({ length: 20_000 }, (_, number) => topicOf(`plant/0/line-${number}/temperature`))
measure("publish to 20,000 topics in turn, more than are remembered", more.length, () => {
  for (const topic of more) decide(first, topic, true)
})

const news = parseTopicFilter("news/+/sport/#")
const narrow = parseTopicFilter("news/0/sport/#")
if (news === undefined || narrow === undefined) throw new Error("these are topic filters")
measure("subscribe, granted", 1, () => {
  if (first === undefined || !chain.maySubscribe(first, narrow, 1)) throw new Error("it may")
})
measure("subscribe, refused", 1, () => {
  if (first === undefined || chain.maySubscribe(first, news, 1)) throw new Error("it may not")
})

measure("compile what one client needs, after a change of rules", users, () => {
  for (const [user, client] of clients.entries()) {
    client.become(client.principal)
    decide(client, own[user], true)
  }
})

const read = lines.map(ruleOf)
measure("take over all rules, for each", lines.length, () => rules.replace(read, true))

function decide(client: Requester | undefined, topic: TopicName | undefined, expected: boolean): void {
  if (client === undefined || topic === undefined) throw new Error("each has its topic")
  if (chain.mayPublish(client, topic, 0, false) !== expected) throw new Error(`${topic} is decided wrongly`)
}

function ruleOf(line: string) {
  const rule = parseAccessRule(line)
  if ("problem" in rule) throw new Error(`${line}: it ${rule.problem}`)
  return rule
}

function topicOf(text: string): TopicName {
  const topic = parseTopicName(text)
  if (topic === undefined) throw new Error(`${text} is no topic`)
  return topic
}
