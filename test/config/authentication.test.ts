import { describe, expect, test } from "bun:test"
import { ConfigError } from "../../src/config/config-error.ts"
import { type Flag, loadSettings, parseAssignment } from "../../src/config/load.ts"

function flags(section: string, words: readonly string[]): Flag[] {
  return words.map((each) => parseAssignment(`${section}.${each}`))
}

function problems(given: readonly Flag[]): readonly string[] {
  try {
    loadSettings({ flags: given })
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe("[jwt] says which tokens count", () => {
  const jwt = (...words: readonly string[]) => loadSettings({ flags: flags("jwt", words) }).jwt

  test("none, as long as no algorithm is set", () => {
    expect(jwt()).toBeUndefined()
    expect(jwt("source=username")).toBeUndefined()
  })

  test("the keys follow from what is set", () => {
    expect(jwt("algorithms=HS256,HS512", "secret_file=/s")?.keys).toEqual({ kind: "secret", file: "/s" })
    expect(jwt("algorithms=ES256,RS256", "key_file=/k")?.keys).toEqual({ kind: "public", file: "/k" })
    expect(jwt("algorithms=EdDSA", "jwks_url=http://127.0.0.1:1/k", "jwks_max_age_seconds=60")?.keys).toEqual(
      {
        kind: "published",
        url: "http://127.0.0.1:1/k",
        maxAgeSeconds: 60,
      },
    )
  })

  test.each([
    [
      ["algorithms=HS256,RS256", "secret_file=/s"],
      "--set: jwt.algorithms mixes HS* with others, so that a public key could pass for a secret; keep one kind",
    ],
    [["algorithms=HS256"], "--set: jwt.algorithms need a secret; set jwt.secret_file"],
    [["algorithms=ES256"], "--set: jwt.algorithms need a public key; set jwt.key_file or jwt.jwks_url"],
    [
      ["algorithms=HS256", "key_file=/k"],
      "--set: jwt.key_file holds no secret, which HS* need; set jwt.secret_file",
    ],
    [
      ["algorithms=HS256", "jwks_url=https://a.example"],
      "--set: jwt.jwks_url holds no secret, which HS* need; set jwt.secret_file",
    ],
    [
      ["algorithms=ES256", "secret_file=/s"],
      "--set: jwt.secret_file is for HS* alone; set jwt.key_file or jwt.jwks_url",
    ],
    [
      ["algorithms=ES256", "key_file=/k", "jwks_url=https://a.example"],
      "--set: jwt.jwks_url stands beside jwt.key_file; keep one of them",
    ],
    [
      ["algorithms=ES256", "jwks_url=http://a.example"],
      "--set: jwt.jwks_url must begin with https://, unless it is on this machine",
    ],
    [["algorithms=ES256", "jwks_url=file:///k"], "--set: jwt.jwks_url must begin with https://"],
    [["issuer=a"], "--set: jwt.issuer is of no use without jwt.algorithms; set both"],
    [["key_file=/k"], "--set: jwt.key_file is of no use without jwt.algorithms; set both"],
  ])("%j is refused", (words, problem) => {
    expect(problems(flags("jwt", words))).toEqual([problem])
  })

  test.each(["none", "NONE", "HS1", "", "ES256,ES256"])("the algorithm %j is none", (algorithms) => {
    const [problem = ""] = problems(flags("jwt", [`algorithms=${algorithms}`, "secret_file=/s"]))
    expect(problem).toContain('but must be one or more of "HS256", "HS384"')
  })
})

describe("[http_authentication] names a service", () => {
  const http = (...words: readonly string[]) =>
    loadSettings({ flags: flags("http_authentication", words) }).httpAuthentication

  test("none, as long as no url is set", () => {
    expect(http()).toBeUndefined()
  })

  test("headers are read", () => {
    expect(http("url=https://a.example/b", "headers=Authorization: Bearer x,X-A:b ")).toEqual({
      url: "https://a.example/b",
      headers: [
        ["Authorization", "Bearer x"],
        ["X-A", "b"],
      ],
      timeoutMs: 2_000,
      cacheSeconds: 0,
      atOnce: 50,
      onError: "deny",
    })
  })

  test("plain http is for this machine, or for who asks for it", () => {
    for (const host of ["127.0.0.1:1", "localhost", "[::1]:8080"]) {
      expect(http(`url=http://${host}/`)?.url).toBe(`http://${host}/`)
    }
    expect(http("url=http://a.example/", "allow_plain_http=true")?.url).toBe("http://a.example/")
  })

  test.each([
    [
      ["url=http://127.0.0.1.example/"],
      "--set: http_authentication.url must begin with https://, unless it is on this machine or allow_plain_http is true",
    ],
    [["url=nowhere"], "--set: http_authentication.url must begin with https://"],
    [["url=https://a:b@c.example"], "--set: http_authentication.url must not hold a name and a password"],
    [
      ["url=https://a.example", "headers=secret"],
      '--set: http_authentication.headers has one that is not "Name: value"',
    ],
    [
      ["headers=A: b"],
      "default: http_authentication.url is not set; without it the other settings of the section are of no use",
    ],
  ])("%j is refused", (words, problem) => {
    expect(problems(flags("http_authentication", words))).toEqual([problem])
  })
})
