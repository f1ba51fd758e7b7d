import { describe, expect, test } from "bun:test"
import {
  decoyCredential,
  makeCredential,
  makeScramCredentials,
  provesPassword,
  scramIterations,
  ScramPasswordError,
  serverSignature,
} from "../../../src/security/authentication/scram.ts"
import { scramMechanisms } from "../../../src/storage/account-store.ts"
import { ScramClient } from "../../support/scram-client.ts"

/** A challenge to that client, and what it proves. */
async function conversation(client: ScramClient, salt: string, iterations: number) {
  const first = client.first().toString()
  const nonce = /r=(.*)$/.exec(first)?.[1] ?? ""
  const challenge = `r=${nonce}ours,s=${salt},i=${iterations}`
  const final = (await client.final(Buffer.from(challenge))).toString()
  const [, withoutProof = "", proof = ""] = /^(.*),p=(.*)$/.exec(final) ?? []
  const authMessage = `${first.replace(/^n,,/, "")},${challenge},${withoutProof}`
  return { authMessage, proof: Buffer.from(proof, "base64") }
}

describe("SCRAM-SHA-256", () => {
  test("proves and answers as in the example of RFC 7677, section 3", async () => {
    const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64")
    const credential = await makeCredential("SCRAM-SHA-256", "pencil", salt, 4096)
    const nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    const authMessage =
      "n=user,r=rOprNGfwEbeRWgbNEkqO," + `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,` + `c=biws,r=${nonce}`
    const proof = Buffer.from("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "base64")
    expect(provesPassword(credential, authMessage, proof)).toBe(true)
    expect(serverSignature(credential, authMessage)).toBe("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
  })
})

describe.each(scramMechanisms)("A credential for %s", (mechanism) => {
  test("is proven by whoever knows the password, and by nobody else", async () => {
    const salt = crypto.getRandomValues(new Uint8Array(16))
    const credential = await makeCredential(mechanism, "pencil", salt, 10)
    const knows = new ScramClient(mechanism, "user", "pencil")
    const right = await conversation(knows, credential.salt, 10)
    expect(provesPassword(credential, right.authMessage, right.proof)).toBe(true)
    const answer = `v=${serverSignature(credential, right.authMessage)}`
    expect(knows.trusts(Buffer.from(answer))).toBe(true)
    const guesses = new ScramClient(mechanism, "user", "pencils")
    const wrong = await conversation(guesses, credential.salt, 10)
    expect(provesPassword(credential, wrong.authMessage, wrong.proof)).toBe(false)
  })

  test("is not proven by what was said before, by a part of it, or by more than it", async () => {
    const credential = await makeCredential(mechanism, "pencil", Buffer.from("salt"), 10)
    const client = new ScramClient(mechanism, "user", "pencil")
    const { authMessage, proof } = await conversation(client, credential.salt, 10)
    expect(provesPassword(credential, `${authMessage}x`, proof)).toBe(false)
    expect(provesPassword(credential, authMessage, proof.subarray(1))).toBe(false)
    expect(provesPassword(credential, authMessage, Buffer.concat([proof, proof]))).toBe(false)
    expect(provesPassword(credential, authMessage, new Uint8Array(0))).toBe(false)
  })

  test("that is damaged is proven by nobody", async () => {
    const credential = await makeCredential(mechanism, "pencil", Buffer.from("salt"), 10)
    const client = new ScramClient(mechanism, "user", "pencil")
    const { authMessage, proof } = await conversation(client, credential.salt, 10)
    for (const storedKey of ["", "AAAA", credential.storedKey.slice(4)]) {
      expect(provesPassword({ ...credential, storedKey }, authMessage, proof)).toBe(false)
    }
  })
})

describe("What is kept of a password for SCRAM", () => {
  test("is a credential for each mechanism, each with a salt of its own", async () => {
    const credentials = await makeScramCredentials("pencil")
    expect(credentials.map(({ mechanism }) => mechanism)).toEqual([...scramMechanisms])
    for (const { iterations, salt } of credentials) {
      expect(iterations).toBe(scramIterations)
      expect(Buffer.from(salt, "base64")).toHaveLength(16)
    }
    expect(new Set(credentials.map(({ salt }) => salt)).size).toBe(2)
    const again = await makeScramCredentials("pencil")
    expect(again[0]?.salt).not.toBe(credentials[0]?.salt as string)
  })

  test.each(scramMechanisms)("fits whoever types it in another form, by %s", async (mechanism) => {
    const credentials = await makeScramCredentials(new TextEncoder().encode("IX\u00ad z\u00fcrich"))
    const credential = credentials.find((each) => each.mechanism === mechanism)
    if (credential === undefined) throw new Error("there is none")
    const client = new ScramClient(mechanism, "user", "IX z\u00fcrich")
    const { authMessage, proof } = await conversation(client, credential.salt, credential.iterations)
    expect(provesPassword(credential, authMessage, proof)).toBe(true)
  })

  test.each([["\u0007"], [""], [new Uint8Array([0x70, 0xff])], [new Uint8Array(0)]])(
    "is nothing when it is %j, which cannot be typed",
    async (password) => {
      await expect(makeScramCredentials(password)).rejects.toBeInstanceOf(ScramPasswordError)
    },
  )
})

describe("A user that does not exist", () => {
  test("has the same salt each time, another than the next one, and looks like one that does", async () => {
    const [real] = await makeScramCredentials("pencil")
    const decoy = decoyCredential("SCRAM-SHA-256", "nobody")
    expect(decoyCredential("SCRAM-SHA-256", "nobody")).toEqual(decoy)
    expect(decoyCredential("SCRAM-SHA-256", "somebody").salt).not.toBe(decoy.salt)
    expect(decoyCredential("SCRAM-SHA-512", "nobody").salt).not.toBe(decoy.salt)
    expect(decoy.salt).toHaveLength(real?.salt.length ?? 0)
    expect(decoy.iterations).toBe(real?.iterations ?? 0)
  })
})
