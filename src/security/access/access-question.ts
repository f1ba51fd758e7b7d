import { isIP } from "node:net"
import type { Qos } from "../../protocol/packet.ts"
import { parseSubscriptionFilter, parseTopicName } from "../../protocol/topic.ts"
import type { AccessQuestion } from "./access-explanation.ts"
import { parseWho } from "./access-rule.ts"
import { parseAttribute } from "../attribute.ts"
import { type Identity, plainPrincipal } from "../identity.ts"
import type { AttributeValue } from "../../storage/account-store.ts"
import { type RuleProblem, splitWords } from "./rule-words.ts"

/** Who asks for what. */
export interface Asking {
  readonly identity: Identity
  readonly question: AccessQuestion
}

/** What should come of it. */
export interface Expectation extends Asking {
  readonly allowed: boolean
}

/**
 * Reads `alice may publish home/kitchen/set`, `bob may not subscribe secret/#`, each with what else is known behind it:
 * `--qos 1 --retain --from 192.0.2.7 --client-id phone --group family --attribute site=north --certificate phone-7`.
 */
export function parseExpectation(line: string): Expectation | RuleProblem {
  const words = splitWords(line)
  if ("problem" in words) return words
  const [who = "", may, ...rest] = words
  if (may !== "may") return { problem: "must say WHO may, or WHO may not" }
  const allowed = rest[0] !== "not"
  const asking = readAsking([who, ...(allowed ? rest : rest.slice(1))])
  return "problem" in asking ? asking : { ...asking, allowed }
}

/** Reads `alice publish home/kitchen/set` and the options behind it, from its words. */
export function readAsking(words: readonly string[]): Asking | RuleProblem {
  const [whoWord = "", action = "", text = "", ...options] = words
  const who = parseWho(whoWord)
  if ("problem" in who) return who
  if (who.kind === "everyone" || who.kind === "group") {
    return { problem: "must name one user, client:ID or anonymous; --group NAME puts it into a group" }
  }
  const known = readOptions(options)
  if ("problem" in known) return known
  const identity = {
    ...plainPrincipal(who.kind === "user" ? who.name : undefined),
    groups: known.groups,
    attributes: Object.fromEntries(known.attributes),
    clientId: who.kind === "client" ? who.clientId : known.clientId,
    remoteAddress: known.from,
    certificateName: known.certificate,
  }
  const question = questionOf(action, text, known)
  return "problem" in question ? question : { identity, question }
}

interface Known {
  readonly qos: Qos
  readonly retain: boolean
  readonly from: string | undefined
  /** Empty when nobody says: then no rule about a client's name holds. */
  readonly clientId: string
  /** As a token or a service may bring them. */
  readonly groups: readonly string[]
  readonly attributes: readonly (readonly [string, AttributeValue])[]
  /** The common name in it. */
  readonly certificate: string | undefined
}

const nothingKnown: Known = {
  qos: 0,
  retain: false,
  from: undefined,
  clientId: "",
  groups: [],
  attributes: [],
  certificate: undefined,
}

function questionOf(action: string, text: string, { qos, retain }: Known): AccessQuestion | RuleProblem {
  if (action === "publish") {
    const topic = parseTopicName(text)
    if (topic === undefined)
      return { problem: `names ${JSON.stringify(text)}, which is no topic to publish to` }
    return { action, topic, qos, retain }
  }
  if (action !== "subscribe") {
    return { problem: `must say publish or subscribe, not ${JSON.stringify(action)}` }
  }
  // Of a share group it is the filter behind its name that counts.
  const filter = parseSubscriptionFilter(text)?.filter
  if (filter === undefined) return { problem: `names ${JSON.stringify(text)}, which is no topic filter` }
  if (retain) return { problem: "cannot have --retain where something is subscribed to" }
  return { action, filter, qos }
}

function readOptions(words: readonly string[]): Known | RuleProblem {
  let known = nothingKnown
  for (let index = 0; index < words.length; index++) {
    const option = words[index] ?? ""
    if (option === "--retain") {
      known = { ...known, retain: true }
      continue
    }
    const value = words[++index] ?? ""
    if (option === "--qos") {
      const qos = ([0, 1, 2] as const).find((each) => String(each) === value)
      if (qos === undefined) return { problem: "needs 0, 1 or 2 behind --qos" }
      known = { ...known, qos }
    } else if (option === "--from") {
      if (isIP(value) === 0) return { problem: "needs an address behind --from" }
      known = { ...known, from: value }
    } else if (option === "--client-id") {
      known = { ...known, clientId: value }
    } else if (option === "--group") {
      if (value === "") return { problem: "needs a group's name behind --group" }
      known = { ...known, groups: [...known.groups, value] }
    } else if (option === "--attribute") {
      const attribute = parseAttribute(value)
      if (attribute === undefined)
        return { problem: "needs KEY=VALUE, the key of letters, digits, - and _, behind --attribute" }
      known = { ...known, attributes: [...known.attributes, attribute] }
    } else if (option === "--certificate") {
      if (value === "") return { problem: "needs the common name of a certificate behind --certificate" }
      known = { ...known, certificate: value }
    } else {
      return { problem: `cannot have ${JSON.stringify(option)} there` }
    }
  }
  return known
}

/** The sentence of a question: alice may publish home/kitchen/set. */
export function askingText({ identity, question }: Asking, may: "may" | "may not"): string {
  const { username, clientId } = identity
  const who = username ?? (clientId === "" ? "anonymous" : `client:${clientId}`)
  const what = question.action === "subscribe" ? question.filter : question.topic
  return `${who} ${may} ${question.action} ${what}`
}
