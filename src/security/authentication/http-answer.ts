import * as v from "valibot"
import { type Principal, plainPrincipal } from "../identity.ts"
import { readVouching } from "./vouched.ts"

/** What the service said, or that it said nothing that counts. */
export type HttpAnswer =
  | { readonly result: "allow"; readonly principal: Principal }
  | { readonly result: "deny"; readonly why: string }
  | { readonly result: "ignore" }
  | { readonly result: "none"; readonly why: string }

/** The service did answer, but nothing that can be taken for an answer. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer"
}

/** Names as EMQX has them, and `attributes` as well for what it calls client_attrs. What is null is not there. */
const answerSchema = v.object({
  result: v.picklist(["allow", "deny", "ignore"]),
  is_superuser: v.optional(v.unknown()),
  groups: v.optional(v.unknown()),
  client_attrs: v.optional(v.unknown()),
  attributes: v.optional(v.unknown()),
  acl: v.optional(v.unknown()),
  expire_at: v.optional(v.unknown()),
})

/**
 * Reads an answer by its status and its body.
 *
 * @param username of whom was asked
 * @throws NoAnswer
 */
export function readAnswer(
  status: number,
  body: Uint8Array,
  username: string | undefined,
  wallMs: number,
): HttpAnswer {
  if (status === 204) return { result: "allow", principal: plainPrincipal(username) }
  if (status >= 400 && status < 500)
    return { result: "deny", why: `the service denies it with status ${status}` }
  if (status !== 200) throw new NoAnswer(`its status is ${status}`)
  const answer = v.safeParse(answerSchema, parseJson(body))
  if (!answer.success) throw new NoAnswer('its body is no object with result "allow", "deny" or "ignore"')
  const { result, is_superuser, groups, client_attrs, attributes, acl, expire_at } = answer.output
  if (result === "deny") return { result, why: "the service denies it" }
  if (result === "ignore") return { result }
  const expiresAt = expire_at ?? Number.POSITIVE_INFINITY
  // It means to let the client in, but not like this: to go on without what cannot be read might allow more.
  const but = (what: string): HttpAnswer => ({ result: "deny", why: `what the service says of it ${what}` })
  if (typeof expiresAt !== "number") return but("has no number for when it expires")
  const expiresAtMs = expiresAt * 1000
  if (expiresAtMs <= wallMs) return { result: "deny", why: "what the service says of it has expired" }
  const principal = readVouching(username, {
    superuser: is_superuser ?? undefined,
    groups: groups ?? undefined,
    attributes: attributes ?? client_attrs ?? undefined,
    acl,
    expiresAtMs,
  })
  return "problem" in principal ? but(principal.problem) : { result, principal }
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body))
  } catch (cause) {
    throw new NoAnswer("its body is no JSON", { cause })
  }
}
