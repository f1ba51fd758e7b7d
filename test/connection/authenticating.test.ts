import { describe, expect, test } from "bun:test"
import { Authenticating } from "../../src/connection/authenticating.ts"
import type { Auth } from "../../src/protocol/packet.ts"
import type { ExchangeVerdict } from "../../src/security/authentication/exchange.ts"

const more: ExchangeVerdict = { verdict: "continue", data: new Uint8Array([1]) }
const left = { verdict: "reject", why: "it left before it had proven who it is" }

function exchange(step: (data: Uint8Array | undefined) => ExchangeVerdict | Promise<ExchangeVerdict>) {
  const asked: Auth[] = []
  const authenticating = new Authenticating({
    method: "M",
    exchange: { step },
    maximumPacketBytes: Number.POSITIVE_INFINITY,
    ask: (auth) => void asked.push(auth),
  })
  return { authenticating, asked }
}

describe("An exchange that is given up", () => {
  test("is over when it is the client's turn", async () => {
    const { authenticating } = exchange(() => more)
    authenticating.begin(undefined)
    await Promise.resolve()
    await Promise.resolve()
    authenticating.abandon()
    expect(await authenticating.outcome).toMatchObject(left)
  })

  test("is over when we have thought, and nothing is asked any more", async () => {
    const thought = Promise.withResolvers<ExchangeVerdict>()
    const { authenticating, asked } = exchange(() => thought.promise)
    authenticating.begin(undefined)
    authenticating.abandon()
    thought.resolve(more)
    expect(await authenticating.outcome).toMatchObject(left)
    expect(asked).toEqual([])
  })

  test("tells of a bug all the same", async () => {
    const thought = Promise.withResolvers<ExchangeVerdict>()
    const { authenticating } = exchange(() => thought.promise)
    authenticating.begin(undefined)
    authenticating.abandon()
    thought.reject(new Error("a bug"))
    await expect(authenticating.outcome).rejects.toThrow("a bug")
  })
})
