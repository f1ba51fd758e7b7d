import { type Camel, camel } from "./camel.ts"
import type { Problem } from "./config-error.ts"
import type { TokenAlgorithm, WrittenSettings } from "./schema.ts"
import { parseServiceUrl } from "./service-url.ts"

/** Where the keys are that tokens are verified with. */
export type TokenKeySource =
  | { readonly kind: "secret"; readonly file: string }
  | { readonly kind: "public"; readonly file: string }
  | { readonly kind: "published"; readonly url: string; readonly maxAgeSeconds: number }

type WrittenJwt = WrittenSettings["jwt"]

/** The section [jwt], with the keys that fit its algorithms. */
export type JwtSettings = Omit<
  Camel<WrittenJwt>,
  "algorithms" | "secretFile" | "keyFile" | "jwksUrl" | "jwksMaxAgeSeconds"
> & {
  readonly algorithms: readonly TokenAlgorithm[]
  readonly keys: TokenKeySource
}

/** @returns undefined when it is not set up, or cannot be */
export function resolveJwt(written: WrittenJwt, problems: Problem[]): JwtSettings | undefined {
  const { algorithms, secret_file, key_file, jwks_url, jwks_max_age_seconds, ...rest } = written
  const wrong = (key: string, what: string): undefined => {
    problems.push({ key: `jwt.${key}`, what })
  }
  if (algorithms === undefined) {
    const { issuer, audience, client_id_claim, superuser_claim } = rest
    const others = { secret_file, key_file, jwks_url, issuer, audience, client_id_claim, superuser_claim }
    const [lonely] = Object.entries(others).find(([, value]) => value !== undefined) ?? []
    return lonely === undefined ? undefined : wrong(lonely, "is of no use without jwt.algorithms; set both")
  }
  const settings = { ...camel(rest), algorithms }
  const secret = algorithms.filter((name) => name.startsWith("HS"))
  if (secret.length > 0) {
    if (secret.length < algorithms.length) {
      return wrong(
        "algorithms",
        "mixes HS* with others, so that a public key could pass for a secret; keep one kind",
      )
    }
    if (key_file !== undefined)
      return wrong("key_file", "holds no secret, which HS* need; set jwt.secret_file")
    if (jwks_url !== undefined)
      return wrong("jwks_url", "holds no secret, which HS* need; set jwt.secret_file")
    if (secret_file === undefined) return wrong("algorithms", "need a secret; set jwt.secret_file")
    return { ...settings, keys: { kind: "secret", file: secret_file } }
  }
  if (secret_file !== undefined)
    return wrong("secret_file", "is for HS* alone; set jwt.key_file or jwt.jwks_url")
  if (key_file !== undefined) {
    if (jwks_url !== undefined) return wrong("jwks_url", "stands beside jwt.key_file; keep one of them")
    return { ...settings, keys: { kind: "public", file: key_file } }
  }
  if (jwks_url === undefined)
    return wrong("algorithms", "need a public key; set jwt.key_file or jwt.jwks_url")
  const url = parseServiceUrl(jwks_url)
  if ("problem" in url) return wrong("jwks_url", url.problem)
  // Whoever stands in between could put his own keys into a plain answer.
  if (url.isOpen) return wrong("jwks_url", "must begin with https://, unless it is on this machine")
  return { ...settings, keys: { kind: "published", url: url.href, maxAgeSeconds: jwks_max_age_seconds } }
}
