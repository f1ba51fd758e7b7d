import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import {
  longestMessageBytes,
  longestNonceLength,
  parseClientFinal,
  parseClientFirst,
} from "../../../src/security/authentication/scram-message.ts"

const proof = Buffer.alloc(32, 7).toString("base64")

describe("The first message of a SCRAM client", () => {
  test("says who it wants to be, and brings a nonce", () => {
    expect(parseClientFirst(Buffer.from("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"))).toEqual({
      gs2Header: "n,,",
      authorizationIdentity: undefined,
      username: "user",
      nonce: "fyko+d2lbbFgONRv9qkxdawL",
      bare: "n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    })
  })

  test("may name whose rights it wants, and know of channel binding", () => {
    expect(parseClientFirst(Buffer.from("y,a=a=2Cb,n=x,r=1"))).toMatchObject({
      gs2Header: "y,a=a=2Cb,",
      authorizationIdentity: "a,b",
      username: "x",
    })
  })

  test("may have extensions that need not be understood", () => {
    expect(parseClientFirst(Buffer.from("n,,n=x,r=1,z=what,y=ever"))).toMatchObject({ nonce: "1" })
  })

  test.each([
    ["", "not a text of 1 to 4096 bytes"],
    ["\xff", "not a text of 1 to 4096 bytes"],
    ["n=user,r=1", "no GS2 header"],
    ["x,,n=user,r=1", "no GS2 header"],
    ["n,n=user,r=1", "no GS2 header"],
    ["p=tls-unique,,n=user,r=1", "channel binding, which is not offered"],
    ["n,,m=1,n=user,r=1", "an extension that must be understood, and is not"],
    ["n,,n=user,r=1,m=1", "an extension that must be understood, and is not"],
    ["n,,n=user,r=1,zwhat", "an attribute that is none"],
    ["n,,n=user,r=1,", "an attribute that is none"],
    ["n,,n=,r=1", "no user name"],
    ["n,,r=1", "no user name"],
    ["n,,n=a=2cb,r=1", "no user name"],
    ["n,,n=a=b,r=1", "no user name"],
    ["n,,n=a\0b,r=1", "no user name"],
    ["n,a=,n=a,r=1", "an authorization identity that is no name"],
    ["n,a=b=,n=a,r=1", "an authorization identity that is no name"],
    ["n,,n=user", "no nonce"],
    ["n,,n=user,r=", "no nonce"],
    ["n,,n=user,r=a b", "no nonce"],
    ["n,,n=user,r=\u00fc", "no nonce"],
  ])("%j is none: %s", (text, problem) => {
    expect(parseClientFirst(Buffer.from(text, text === "\xff" ? "latin1" : "utf8"))).toEqual({ problem })
  })

  test("has its bounds, in all and for the nonce", () => {
    const filled = (name: number, nonce: number) =>
      parseClientFirst(Buffer.from(`n,,n=${"x".repeat(name)},r=${"1".repeat(nonce)}`))
    const most = longestMessageBytes - "n,,n=,r=1".length
    expect(filled(most, 1)).toHaveProperty("username")
    expect(filled(most + 1, 1)).toHaveProperty("problem")
    expect(filled(1, longestNonceLength)).toHaveProperty("username")
    expect(filled(1, longestNonceLength + 1)).toHaveProperty("problem")
  })

  test("names any user there can be", () => {
    const names = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
      .filter((n) => !n.includes("\0"))
    fc.assert(
      fc.property(names, (name) => {
        const written = name.replaceAll("=", "=3D").replaceAll(",", "=2C")
        expect(parseClientFirst(Buffer.from(`n,,n=${written},r=1`))).toMatchObject({ username: name })
      }),
    )
  })
})

describe("The final message of a SCRAM client", () => {
  test("repeats the header and the nonce, and brings the proof", () => {
    expect(parseClientFinal(Buffer.from(`c=biws,r=abc,p=${proof}`))).toEqual({
      channelBinding: "biws",
      nonce: "abc",
      proof: Buffer.alloc(32, 7),
      withoutProof: "c=biws,r=abc",
    })
  })

  test("signs its extensions too", () => {
    expect(parseClientFinal(Buffer.from(`c=biws,r=abc,z=1,p=${proof}`))).toMatchObject({
      withoutProof: "c=biws,r=abc,z=1",
    })
  })

  test.each([
    ["", "not a text of 1 to 4096 bytes"],
    [`r=abc,p=${proof}`, "no channel binding"],
    [`c=biws,p=${proof}`, "no nonce"],
    ["c=biws,r=abc", "no proof"],
    ["c=biws,r=abc,p=", "no proof"],
    ["c=biws,r=abc,p=%%%%", "no proof"],
    [`c=biws,r=abc,p=${proof} `, "no proof"],
    [`c=biws,r=abc,p=${proof},z=1`, "no proof"],
    [`c=biws,r=abc,m=1,p=${proof}`, "an extension that must be understood, and is not"],
    [`c=biws,r=abc,what,p=${proof}`, "an attribute that is none"],
  ])("%j is none: %s", (text, problem) => {
    expect(parseClientFinal(Buffer.from(text))).toEqual({ problem })
  })
})

describe("Whatever a stranger sends", () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(
        "n",
        "y",
        "p=",
        "a=",
        ",",
        ",,",
        "n=",
        "r=",
        "m=",
        "c=biws",
        "s=",
        "=2C",
        "=3D",
        "=",
        proof,
      ),
      fc.string({ unit: "binary", maxLength: 5 }),
    ),
    { maxLength: 30 },
  )
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    pieces.map((all) => new Uint8Array(Buffer.from(all.join("")))),
    fc.nat({ max: 100_000 }).map((length) => new Uint8Array(length).fill(0x6e)),
  )

  test("is a message within its bounds, or has a problem, and nothing is thrown", () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        const first = parseClientFirst(bytes)
        if (!("problem" in first)) {
          expect(first.gs2Header + first.bare).toBe(
            new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes),
          )
          expect(first.nonce.length).toBeWithin(1, longestNonceLength + 1)
        }
        const final = parseClientFinal(bytes)
        if (!("problem" in final)) expect(final.proof.length).toBeWithin(1, longestMessageBytes)
      }),
      { numRuns: 2_000 },
    )
  })
})
