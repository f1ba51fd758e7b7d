import { parseTopicFilter, parseTopicName, type TopicName } from "../protocol/topic.ts"
import { type Activity, mostTold } from "./activity.ts"
import type { Changes } from "./changes.ts"
import { type ClientQuery, clientOf, listClients } from "./clients.ts"
import { listing } from "./listing.ts"
import { Refused } from "./refused.ts"
import { listRetained, type RetainedQuery, retainedOf } from "./retained.ts"
import { listSessions, type SessionQuery, sessionOf } from "./sessions.ts"
import { statusOf } from "./status.ts"
import { listSubscriptions, type SubscriptionFacts } from "./subscriptions.ts"
import type { ManagementSurroundings } from "./surroundings.ts"

/** Who may ask is decided by whoever listens. */
export interface Asked {
  readonly method: string
  readonly url: URL
  /** For the audit. */
  readonly who: string
  /** Empty where there is none. */
  readonly body: string
}

export interface Offices {
  readonly surroundings: ManagementSurroundings
  readonly changes: Changes
  readonly activity: Activity
  /** Runs after what this turn has brought. */
  soon(run: () => void): void
}

type Answer = object | Iterator<object | undefined> | Response
type Route = (offices: Offices, asked: Asked) => Answer | Promise<Answer>

/**
 * What can be asked, by method and path. Names stand in the query, never in the path, where `..` would be a way up. An
 * iterator is a list, answered as an object a line.
 */
const routes: Readonly<Record<string, Route>> = {
  "GET /v1/status": ({ surroundings, soon }) => statusOf(surroundings, soon),
  "GET /v1/activity": ({ activity }, { url }) => activity.look(wholeNumber(url, "most", 1, mostTold, 20)),
  "GET /v1/clients": ({ surroundings }, { url }) => listClients(surroundings, clientQuery(url)),
  "DELETE /v1/clients": async ({ changes }, { url, who }) => {
    return { kicked: await changes.kickAll(who, meant(clientQuery(url))) }
  },
  "GET /v1/client": ({ surroundings }, { url }) => clientOf(surroundings, needed(url, "client")),
  "DELETE /v1/client": async ({ changes }, { url, who }) => {
    await changes.kick(who, needed(url, "client"))
    return {}
  },
  "GET /v1/sessions": ({ surroundings }, { url }) => listSessions(surroundings, sessionQuery(url)),
  "DELETE /v1/sessions": async ({ changes }, { url, who }) => ({
    removed: await changes.removeSessions(who, meant(sessionQuery(url))),
  }),
  "GET /v1/session": ({ surroundings }, { url }) => sessionOf(surroundings, needed(url, "client")),
  "DELETE /v1/session": async ({ changes }, { url, who }) => {
    await changes.removeSession(who, needed(url, "client"))
    return {}
  },
  "GET /v1/subscriptions": ({ surroundings }, { url }) =>
    listSubscriptions(surroundings, {
      client: pattern(url, "client"),
      filter: pattern(url, "filter"),
      topic: url.searchParams.has("topic") ? topicName(url, surroundings) : undefined,
    }),
  "PUT /v1/subscription": async ({ changes }, { who, body }) => {
    await changes.subscribe(who, wantedSubscription(body))
    return {}
  },
  "DELETE /v1/subscription": async ({ changes }, { url, who }) => {
    await changes.unsubscribe(who, needed(url, "client"), needed(url, "filter"))
    return {}
  },
  "GET /v1/retained": ({ surroundings }, { url }) =>
    listRetained(surroundings, retainedQuery(url, surroundings)),
  "DELETE /v1/retained": async ({ changes, surroundings }, { url, who }) => ({
    removed: await changes.removeRetained(who, retainedQuery(url, surroundings)),
  }),
  "GET /v1/retained-message": ({ surroundings, soon }, { url }) =>
    retainedOf(surroundings, topicName(url, surroundings), soon),
}

/** Answers what is asked, in JSON; what cannot be done is said in a sentence under `error`. */
export async function answer(offices: Offices, asked: Asked): Promise<Response> {
  try {
    const route = routes[`${asked.method} ${asked.url.pathname}`]
    if (route === undefined)
      throw new Refused(404, `nothing answers to ${asked.method} ${asked.url.pathname}`)
    const found = await route(offices, asked)
    if (found instanceof Response) return found
    if (!("next" in found)) return Response.json(found)
    const headers = { "content-type": "application/x-ndjson" }
    return new Response(listing(found, offices.surroundings.clock, offices.soon), { headers })
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return Response.json({ error: error.message }, { status: error.status })
  }
}

/** Longer patterns are no names of anything, and matching takes its time. */
const longestPattern = 1_024

function pattern({ searchParams }: URL, name: string): string | undefined {
  const text = searchParams.get(name) ?? undefined
  if (text === undefined || text.length <= longestPattern) return text
  throw new Refused(400, `${name} is longer than ${longestPattern} characters`)
}

function needed({ searchParams }: URL, name: string): string {
  const text = searchParams.get(name)
  if (text === null || text === "") throw new Refused(400, `${name} is missing`)
  return text
}

function clientQuery(url: URL): ClientQuery {
  return {
    client: pattern(url, "client"),
    user: pattern(url, "user"),
    address: pattern(url, "address"),
  }
}

function sessionQuery(url: URL): SessionQuery {
  return {
    client: pattern(url, "client"),
    user: pattern(url, "user"),
    connected: truth(url, "connected"),
    awayMs: url.searchParams.has("away")
      ? wholeNumber(url, "away", 0, Number.MAX_SAFE_INTEGER, 0)
      : undefined,
  }
}

/** Whoever means all says so, with a `*`: to have forgotten a word must not end everything. */
function meant<Query extends object>(query: Query): Query {
  if (Object.values(query).some((value) => value !== undefined)) return query
  throw new Refused(400, "say which ones; client=* is all of them")
}

function topicName(url: URL, { limits }: ManagementSurroundings): TopicName {
  const text = needed(url, "topic")
  const topic = parseTopicName(text, limits.topics)
  if (topic === undefined) throw new Refused(400, `${JSON.stringify(text)} is no topic`)
  return topic
}

function retainedQuery(url: URL, { limits }: ManagementSurroundings): RetainedQuery {
  const text = needed(url, "filter")
  const filter = parseTopicFilter(text, limits.topics)
  if (filter === undefined) throw new Refused(400, `${JSON.stringify(text)} is no topic filter`)
  return { filter, olderMs: wholeNumber(url, "older", 0, Number.MAX_SAFE_INTEGER, 0) }
}

function truth({ searchParams }: URL, name: string): boolean | undefined {
  const text = searchParams.get(name)
  if (text === null) return undefined
  if (text === "true" || text === "false") return text === "true"
  throw new Refused(400, `${name} must be true or false`)
}

function wholeNumber(
  { searchParams }: URL,
  name: string,
  from: number,
  to: number,
  fallback: number,
): number {
  const text = searchParams.get(name)
  if (text === null) return fallback
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= from && value <= to) return value
  throw new Refused(400, `${name} must be a whole number from ${from} to ${to}`)
}

type WantedSubscription = Omit<SubscriptionFacts, "retainHandling">

function wantedSubscription(body: string): WantedSubscription {
  const wanted = parseObject(body)
  const { client, filter, qos = 0, noLocal = false, retainAsPublished = false, identifier = null } = wanted
  if (typeof client !== "string") throw new Refused(400, "client must be a text")
  if (typeof filter !== "string") throw new Refused(400, "filter must be a text")
  if (qos !== 0 && qos !== 1 && qos !== 2) throw new Refused(400, "qos must be 0, 1 or 2")
  if (typeof noLocal !== "boolean" || typeof retainAsPublished !== "boolean") {
    throw new Refused(400, "noLocal and retainAsPublished must be true or false")
  }
  if (identifier !== null && !isIdentifier(identifier)) {
    throw new Refused(400, "identifier must be a whole number from 1 to 268435455")
  }
  return { client, filter, qos, noLocal, retainAsPublished, identifier }
}

function isIdentifier(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 268_435_455
}

function parseObject(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value === "object" && value !== null) return { ...value }
  } catch {
    // Said below.
  }
  throw new Refused(400, "the body must be one JSON object")
}
