import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from "jose"
import type { Clock } from "../../foundation/clock.ts"
import { errorText, type Log } from "../../foundation/log.ts"
import { readBounded } from "./bounded-body.ts"

const timeoutMs = 5_000
/** Strangers name keys that do not exist as often as they like; we ask for them no more often than this. */
const cooldownMs = 30_000
/** Whoever could not answer is left alone for so long. */
const restMs = 2_000
const mostBytes = 1_048_576
/** Two clocks that go alike are apart by no more. */
const slackMs = 1_000

/** The keys cannot be had at the moment, so that nobody can be told from anybody. */
export class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable"
}

/**
 * The keys that somebody publishes at an address. They are fetched when they are first needed, when they have become too
 * old, and when a token names one that is not among them.
 */
export class PublishedKeys {
  readonly #clock: Clock
  readonly #log: Log
  readonly #source: { readonly url: string; readonly maxAgeSeconds: number }
  #keys: JWTVerifyGetKey
  /** By how much the wall is ahead of our clock. */
  #wallAheadMs: number
  #restsUntilMs = 0
  #isDown = false

  constructor(source: { readonly url: string; readonly maxAgeSeconds: number }, clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
    this.#source = source
    this.#keys = this.#unfetched()
    this.#wallAheadMs = clock.wall() - clock.now()
  }

  /** @throws KeysUnavailable; or an error about the token, for which no key fits, or more than one */
  readonly get: JWTVerifyGetKey = (header, token) => {
    // Whoever keeps them measures by the wall: put back, it would not let us ask again for as long.
    const wallAheadMs = this.#clock.wall() - this.#clock.now()
    if (Math.abs(wallAheadMs - this.#wallAheadMs) > slackMs) {
      this.#wallAheadMs = wallAheadMs
      this.#keys = this.#unfetched()
    }
    return this.#keys(header, token)
  }

  #unfetched(): JWTVerifyGetKey {
    return createRemoteJWKSet(new URL(this.#source.url), {
      timeoutDuration: timeoutMs,
      cooldownDuration: cooldownMs,
      cacheMaxAge: this.#source.maxAgeSeconds * 1000,
      [customFetch]: (url: string, options: RequestInit) => this.#fetch(url, options),
    })
  }

  async #fetch(url: string, options: RequestInit): Promise<Response> {
    if (this.#clock.now() < this.#restsUntilMs)
      throw new KeysUnavailable("they could not be had a moment ago")
    try {
      const body = await readKeySet(await fetch(url, options))
      if (this.#isDown) this.#log.info("the keys of tokens can be fetched again")
      this.#isDown = false
      return new Response(body)
    } catch (error) {
      const why = errorText(error)
      this.#restsUntilMs = this.#clock.now() + restMs
      // Said once, until they can be had again: each login meets it.
      if (!this.#isDown) this.#log.error("the keys of tokens cannot be fetched", { why })
      this.#isDown = true
      throw new KeysUnavailable(why, { cause: error })
    }
  }
}

/** @throws unless it is the whole of a JWKS */
async function readKeySet(response: Response): Promise<Uint8Array> {
  const body = await readBounded(response, mostBytes)
  if (response.status !== 200) throw new KeysUnavailable(`its status is ${response.status}, not 200`)
  createLocalJWKSet(JSON.parse(new TextDecoder().decode(body)) as JSONWebKeySet)
  return body
}
