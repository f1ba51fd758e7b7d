import { forever, type Persona } from "./persona.ts"

/** What decides about the end of a session besides what its client says. */
export interface PresenceSurroundings {
  now(): number
  /** How often the broker has crashed. */
  readonly crashes: number
}

/** What a client knows of the broker's half of its session: whether it must be there, cannot be, or may be. */
export class Presence {
  readonly #persona: Persona
  readonly #surroundings: PresenceSurroundings
  #state: "none" | "perhaps" | "there" = "none"
  /** What CONNACK may say to the present CONNECT. */
  #mayBePresent = false
  /** A clean start was asked for and not confirmed, so it is asked for again. */
  #wantsCleanStart = false
  /** The client has thrown away its half of a session that the broker may still have. */
  #isForgotten = false
  #lasts = false
  /** Its connection was surely there at the first time, and surely not any more at the second. */
  #openAtMs = 0
  #closedAtMs = 0
  /** NaN when the broker may have noticed the end later. */
  #crashesAtClose = 0

  constructor(persona: Persona, surroundings: PresenceSurroundings) {
    this.#persona = persona
    this.#surroundings = surroundings
  }

  /** The session of the present connection outlives it. */
  get lasts(): boolean {
    return this.#lasts
  }

  /** The broker has it, and it cannot have expired. */
  get mustBeThere(): boolean {
    const { expirySeconds } = this.#persona
    if (this.#state !== "there") return false
    return expirySeconds === forever || this.#surroundings.now() - this.#openAtMs < expirySeconds * 1000
  }

  /** When the session of a client that is not there ends; undefined: not while it is not, or nobody knows. */
  get endsAtMs(): number | undefined {
    const { expirySeconds } = this.#persona
    if (expirySeconds === forever || !this.#lasts || this.#state === "none") return undefined
    return this.#closedAtMs + expirySeconds * 1000
  }

  /** @returns whether CONNECT asks for a clean start */
  connecting(asksForCleanStart: boolean): boolean {
    const { version, expirySeconds } = this.#persona
    if (this.#mustHaveExpired()) this.#state = "none"
    // MQTT 3.1.1 has no other way to say that a session is to end with its connection [3.1.1: 3.1.2.4].
    const isForOnce = version === 4 && expirySeconds === 0
    const hasForgotten = this.#isForgotten && this.#state !== "none"
    const cleanStart = asksForCleanStart || this.#wantsCleanStart || isForOnce || hasForgotten
    this.#wantsCleanStart = cleanStart
    this.#lasts = version === 4 ? !cleanStart : expirySeconds > 0
    this.#mayBePresent = this.#state !== "none" && !cleanStart
    if (cleanStart || this.#state === "none") this.#state = this.#lasts ? "perhaps" : "none"
    return cleanStart
  }

  /** @returns what is wrong with the session present flag of CONNACK, if anything */
  objection(sessionPresent: boolean, cleanStart: boolean): string | undefined {
    if (sessionPresent) return this.#mayBePresent ? undefined : "cannot have a session"
    return cleanStart || this.#state !== "there" ? undefined : "has lost its session"
  }

  letIn(): void {
    this.#wantsCleanStart = false
    this.#isForgotten = false
    this.#state = this.#lasts ? "there" : "none"
  }

  /** The connection is surely there. */
  seen(): void {
    this.#openAtMs = this.#surroundings.now()
  }

  /** @param wasAnswered false: its CONNECT may still be worked on, and count as a connection for longer */
  offline(wasAnswered: boolean): void {
    this.#closedAtMs = this.#surroundings.now()
    this.#crashesAtClose = wasAnswered ? this.#surroundings.crashes : Number.NaN
    if (!this.#lasts) this.#state = "none"
  }

  /** The client asked for the end of its session. */
  ended(isHeard: boolean): void {
    this.#state = isHeard ? "none" : "perhaps"
    this.#isForgotten = true
  }

  /** What was not stored is undone: an end of the session for example. */
  crashed(): void {
    if (this.#persona.expirySeconds === 0 || this.#state !== "none" || this.#openAtMs === 0) return
    this.#state = "perhaps"
    this.#isForgotten = true
  }

  /** The broker is back, and all that runs out for those who were connected runs from now. */
  restarted(): void {
    this.#closedAtMs = this.#surroundings.now()
    this.#crashesAtClose = this.#surroundings.crashes
  }

  /**
   * Whether the session of a client that is not online may expire at any moment from now on.
   *
   * @param isConnecting it is about to be told whether that has happened; otherwise it forgets its own half
   */
  expires(isConnecting: boolean): boolean {
    const { expirySeconds } = this.#persona
    if (expirySeconds === forever) return false
    if (this.#surroundings.now() - this.#openAtMs < expirySeconds * 1000) return false
    this.#state = "perhaps"
    if (!isConnecting) this.#isForgotten = true
    return true
  }

  /** Unless a crash gave it new time. */
  #mustHaveExpired(): boolean {
    const { expirySeconds } = this.#persona
    if (expirySeconds === forever || this.#crashesAtClose !== this.#surroundings.crashes) return false
    return this.#surroundings.now() - this.#closedAtMs >= expirySeconds * 1000
  }
}
