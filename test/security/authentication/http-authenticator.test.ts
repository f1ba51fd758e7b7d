import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import type { AuthenticationVerdict } from "../../../src/security/authentication/authentication.ts"
import type { Credentials } from "../../../src/security/authentication/credentials.ts"
import {
  HttpAuthenticator,
  type HttpOptions,
} from "../../../src/security/authentication/http-authenticator.ts"
import { saveUsers, storedUser } from "../../support/accounts.ts"
import { outcome, TokenDesk } from "../../support/tokens.ts"

interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: Headers
  readonly body: unknown
}

/** A service on a free port that answers as the test wants, and keeps what it was asked. */
class Service {
  answer: (asked: Asked) => Response | Promise<Response> = () => Response.json({ result: "allow" })
  readonly asked: Asked[] = []
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { method, headers } = request
      const asked = { method, path: new URL(request.url).pathname, headers, body: await request.json() }
      this.asked.push(asked)
      return this.answer(asked)
    },
  })

  get url(): string {
    return `${this.#server.url.href}mqtt`
  }

  async stop(): Promise<void> {
    await this.#server.stop(true)
  }
}

let service: Service
let desk: TokenDesk
beforeEach(() => {
  service = new Service()
  desk = new TokenDesk()
})
afterEach(async () => {
  desk[Symbol.dispose]()
  await service.stop()
})

function authenticator(words: Partial<HttpOptions> = {}): HttpAuthenticator {
  const options: HttpOptions = {
    url: service.url,
    headers: [],
    timeoutMs: 60_000,
    cacheSeconds: 0,
    atOnce: 50,
    onError: "deny",
    ...words,
  }
  return new HttpAuthenticator(options, desk.accounts, desk.clock, desk.log)
}

function credentials(words: Partial<Credentials> = {}): Credentials {
  return {
    clientId: "sensor-1",
    username: "ann",
    password: Buffer.from("opensesame"),
    remoteAddress: "192.0.2.1",
    certificate: undefined,
    listener: "tls://0.0.0.0:8883",
    ...words,
  }
}

async function decide(words: Partial<HttpOptions> = {}): Promise<string> {
  return outcome(await authenticator(words).authenticate(credentials()))
}

/** Of somebody for whom the service answers with this. */
function answering(json: unknown, words: Partial<HttpOptions> = {}): Promise<string> {
  service.answer = () => Response.json(json)
  return decide(words)
}

describe("the service is asked", () => {
  test("by POST, in the words of EMQX, with the headers of the settings", async () => {
    const headers = [["Authorization", "Bearer x"]] as const
    expect(await decide({ headers })).toBe("accept ann")
    const [asked] = service.asked
    expect(asked).toMatchObject({
      method: "POST",
      path: "/mqtt",
      body: {
        clientid: "sensor-1",
        username: "ann",
        password: "opensesame",
        peerhost: "192.0.2.1",
        listener: "tls://0.0.0.0:8883",
      },
    })
    expect(asked?.headers.get("authorization")).toBe("Bearer x")
    expect(asked?.headers.get("content-type")).toBe("application/json")
  })

  test("about the certificate as well, where there is one", async () => {
    const certificate = {
      commonName: "pump-1",
      alternativeNames: { dns: [], email: [], uri: [] },
      fingerprint256: "ab".repeat(32),
    }
    await authenticator().authenticate(credentials({ certificate }))
    expect(service.asked[0]?.body).toMatchObject({
      cert_common_name: "pump-1",
      cert_fingerprint: certificate.fingerprint256,
    })
  })

  test("without what the client does not show", async () => {
    const verdict = await authenticator().authenticate(
      credentials({ username: undefined, password: undefined }),
    )
    expect(outcome(verdict)).toBe("accept nobody in particular")
    expect(service.asked[0]?.body).toEqual({
      clientid: "sensor-1",
      peerhost: "192.0.2.1",
      listener: "tls://0.0.0.0:8883",
    })
  })

  test("with a password that is no UTF-8 in base64, and with every byte of one that is", async () => {
    await authenticator().authenticate(credentials({ password: new Uint8Array([0xff, 0, 1]) }))
    await authenticator().authenticate(credentials({ password: Buffer.from("\ufeffp\0w") }))
    expect(service.asked.map(({ body }) => body)).toMatchObject([
      { password_base64: "/wAB" },
      { password: "\ufeffp\0w" },
    ])
    expect(service.asked[0]?.body).not.toHaveProperty("password")
  })
})

describe("its answer decides", () => {
  test("allow, deny or ignore", async () => {
    expect(await answering({ result: "allow" })).toBe("accept ann")
    expect(await answering({ result: "deny" })).toBe("the service denies it")
    expect(await answering({ result: "deny", acl: "nonsense" })).toBe("the service denies it")
    expect(await answering({ result: "ignore" })).toBe("pass")
  })

  test("by its status: 204 allows, 4xx denies, whatever an error is to become", async () => {
    service.answer = () => new Response(null, { status: 204 })
    expect(await decide()).toBe("accept ann")
    for (const status of [400, 401, 403, 404, 429]) {
      service.answer = () => new Response("x".repeat(70_000), { status })
      expect(await decide({ onError: "pass" })).toBe(`the service denies it with status ${status}`)
    }
  })

  test("who the client is", async () => {
    const acl = [{ permission: "allow", action: "publish", topic: "a/#" }]
    const until = desk.now + 60
    const answer = { result: "allow", is_superuser: true, groups: ["b", "a"], expire_at: until, acl }
    service.answer = () => Response.json({ ...answer, client_attrs: { site: "north" }, more: 1 })
    const verdict = await authenticator().authenticate(credentials())
    expect(verdict).toMatchObject({
      verdict: "accept",
      principal: {
        username: "ann",
        superuser: true,
        groups: ["a", "b"],
        attributes: { site: "north" },
        expiresAtMs: until * 1000,
        account: undefined,
        rules: [{ effect: "allow", action: "publish" }],
      },
    })
  })

  test("null is as good as nothing, but for access rules", async () => {
    const nothing = {
      is_superuser: null,
      groups: null,
      client_attrs: null,
      attributes: null,
      expire_at: null,
    }
    expect(await answering({ result: "allow", ...nothing })).toBe("accept ann")
    expect(await answering({ result: "allow", acl: null })).toContain("access rules of which one")
  })

  test.each([
    [{ is_superuser: "true" }, "whether it is a superuser"],
    [{ groups: "admins" }, "groups that are no array"],
    [{ attributes: { a: [] } }, "attributes that are no object"],
    [{ acl: ["allow publish a/#/b"] }, "access rules of which one"],
    [{ expire_at: 1 }, "has expired"],
    [{ expire_at: "2030-01-01" }, "no number for when it expires"],
  ])(
    "what it says in vain with %j is not left out: it denies, whatever an error is to become",
    async (more, why) => {
      expect(await answering({ result: "allow", ...more }, { onError: "pass" })).toContain(why)
    },
  )

  test("an account of the same name that is disabled shuts the client out", async () => {
    await saveUsers(desk.accounts, storedUser("ann", { enabled: false }))
    expect(await answering({ result: "allow" })).toBe("the user is disabled")
  })
})

describe("without an answer the settings decide", () => {
  const noAnswer = "the authentication service gives no answer: "
  const cases: readonly (readonly [string, () => Response | Promise<Response>, string])[] = [
    ["status 500", () => Response.json({ result: "allow" }, { status: 500 }), "its status is 500"],
    ["status 201", () => Response.json({ result: "allow" }, { status: 201 }), "its status is 201"],
    ["no JSON", () => new Response("ok"), "its body is no JSON"],
    ["nothing", () => new Response(""), "its body is no JSON"],
    ["bytes that are no text", () => new Response(new Uint8Array([0xff])), "its body is no JSON"],
    ["an array", () => Response.json(["allow"]), "its body is no object with result"],
    ["no result", () => Response.json({}), "its body is no object with result"],
    ["another result", () => Response.json({ result: "ALLOW" }), "its body is no object with result"],
    [
      "more than 64 KiB",
      () => Response.json({ result: "allow", more: "x".repeat(65_536) }),
      "its answer is longer than 65536 bytes",
    ],
    ["a redirect", () => Response.redirect("/elsewhere", 307), "its status is 307"],
  ]

  test.each(cases)("%s", async (_, answer, why) => {
    service.answer = answer
    const verdict: AuthenticationVerdict = await authenticator().authenticate(credentials())
    expect(verdict).toMatchObject({ verdict: "reject", reasonCode: ReasonCode.serverUnavailable })
    expect(outcome(verdict)).toContain(noAnswer + why)
    expect(await decide({ onError: "pass" })).toBe("pass")
    expect(service.asked.map(({ path }) => path)).toEqual(["/mqtt", "/mqtt"])
    // The refusal is told by who refuses.
    expect(desk.said).toEqual(["the authentication service gives no answer"])
  })

  test("one that never answers, or never ends", async () => {
    service.answer = () => new Promise(() => {})
    expect(await decide({ timeoutMs: 20 })).toContain(noAnswer)
    service.answer = () => new Response(new ReadableStream({ start: (body) => body.enqueue("{") }))
    expect(await decide({ timeoutMs: 20, onError: "pass" })).toBe("pass")
  })

  test("one that is not there", async () => {
    await service.stop()
    expect(await decide()).toContain(noAnswer)
  })
})

describe("questions under way", () => {
  test("are so many at once, and 1,000 wait; who comes then is told that the server is busy", async () => {
    const held: (() => void)[] = []
    service.answer = () =>
      new Promise((resolve) => held.push(() => resolve(Response.json({ result: "allow" }))))
    const hook = authenticator({ atOnce: 1 })
    const asked = Array.from({ length: 1_001 }, () => hook.authenticate(credentials()))
    expect(await hook.authenticate(credentials())).toMatchObject({ reasonCode: ReasonCode.serverBusy })
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve))
    service.answer = () => Response.json({ result: "allow" })
    expect(service.asked).toHaveLength(1)
    for (const release of held) release()
    expect((await Promise.all(asked)).map(outcome)).toEqual(Array(1_001).fill("accept ann"))
  })
})

describe("answers that are kept", () => {
  test("are those that let in, for as long as the settings say", async () => {
    const hook = authenticator({ cacheSeconds: 60 })
    const login = async (words: Partial<Credentials> = {}) =>
      outcome(await hook.authenticate(credentials(words)))
    expect([await login(), await login()]).toEqual(["accept ann", "accept ann"])
    expect(service.asked).toHaveLength(1)
    desk.clock.advance(59_999)
    await login()
    expect(service.asked).toHaveLength(1)
    desk.clock.advance(1)
    await login()
    expect(service.asked).toHaveLength(2)
  })

  test("are for the same question alone", async () => {
    const hook = authenticator({ cacheSeconds: 60 })
    const others: readonly Partial<Credentials>[] = [
      {},
      { password: Buffer.from("opensesam") },
      { password: undefined },
      { username: "bob" },
      { clientId: "sensor-2" },
      { remoteAddress: "192.0.2.2" },
      { listener: "tcp://127.0.0.1:1883" },
      {
        certificate: {
          commonName: "pump-1",
          alternativeNames: { dns: [], email: [], uri: [] },
          fingerprint256: "ab".repeat(32),
        },
      },
    ]
    for (const words of others) await hook.authenticate(credentials(words))
    expect(service.asked).toHaveLength(others.length)
  })

  test("are no refusals, and hold no longer than the service says", async () => {
    const hook = authenticator({ cacheSeconds: 60 })
    const login = async () => outcome(await hook.authenticate(credentials()))
    service.answer = () => Response.json({ result: "deny" })
    await login()
    service.answer = () => Response.json({ result: "allow", expire_at: desk.now + 10 })
    expect(await login()).toBe("accept ann")
    expect(service.asked).toHaveLength(2)
    desk.clock.advance(10_000)
    service.answer = () => Response.json({ result: "deny" })
    expect(await login()).toBe("the service denies it")
  })

  test("do not outlive an account that was disabled", async () => {
    const hook = authenticator({ cacheSeconds: 60 })
    await hook.authenticate(credentials())
    await saveUsers(desk.accounts, storedUser("ann", { enabled: false }))
    expect(outcome(await hook.authenticate(credentials()))).toBe("the user is disabled")
  })
})
