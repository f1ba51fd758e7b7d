import type { Published, Will } from "./published.ts"

/**
 * A will, by what its client knows of it: it is published when the connection ends without a farewell, after its
 * delay, unless the client is back in time [3.1.2.5, 3.1.3.2.2].
 */
export class KnownWill implements Will {
  readonly delayMs: number
  readonly survivesCrash: boolean
  #published: Published | undefined
  /**
   * unsure: anything may have become of it. armed: its client is connected. waiting: its delay runs. cancelling: its
   * client is coming back in time. forbidden: never to be published.
   */
  #state: "unsure" | "armed" | "waiting" | "cancelling" | "forbidden" = "unsure"
  #dueAtMs = 0
  #forbiddenAtStep = 0
  readonly #isOpen: () => boolean

  /**
   * @param isStored it is on the disk from CONNACK on; otherwise it is lost with the process
   * @param isOpen whether its connection is still there
   */
  constructor(delaySeconds: number, isStored: boolean, isOpen: () => boolean) {
    this.delayMs = delaySeconds * 1000
    // A delay may begin anew with the crash, and the client be back in time after all.
    this.survivesCrash = isStored && delaySeconds === 0
    this.#isOpen = isOpen
  }

  isOf(published: Published): void {
    this.#published = published
  }

  get published(): Published | undefined {
    return this.#published
  }

  /** When its delay is over; undefined while that is not known. */
  get dueAtMs(): number | undefined {
    return this.#state === "waiting" ? this.#dueAtMs : undefined
  }

  objection(): string | undefined {
    if (this.#state === "forbidden") return "said farewell, or was back in time"
    return this.#state === "armed" && this.#isOpen() ? "is still connected" : undefined
  }

  accepted(): void {
    this.#state = "armed"
  }

  /** The client said DISCONNECT, and was surely heard. */
  farewell(step: number): void {
    if (this.#state === "armed") this.#forbid(step)
    else this.#state = "unsure"
  }

  /**
   * The connection is gone.
   *
   * @param atMs when that was; undefined when we only found out
   * @returns whether it is published at once
   */
  fell(atMs: number | undefined): boolean {
    if (this.#state !== "armed") return false
    this.#state = this.delayMs === 0 || atMs === undefined ? "unsure" : "waiting"
    this.#dueAtMs = (atMs ?? 0) + this.delayMs
    return this.delayMs === 0
  }

  /** @returns whether its delay has just passed */
  passed(nowMs: number): boolean {
    if (this.#state !== "waiting" || nowMs < this.#dueAtMs) return false
    this.#state = "unsure"
    return true
  }

  /** @param resumes the client asks for the session as it was */
  returns(resumes: boolean): void {
    this.#state = this.#state === "waiting" && resumes ? "cancelling" : this.#unlessForbidden()
  }

  /** @param nowMs when the client is surely back */
  returned(nowMs: number, step: number): void {
    if (this.#state === "cancelling" && nowMs < this.#dueAtMs) this.#forbid(step)
    else this.#state = this.#unlessForbidden()
  }

  /** What the store does not have yet, it may never have. @param atRestStep when it last had everything */
  uncertain(atRestStep: number): void {
    if (this.#state !== "forbidden" || this.#forbiddenAtStep >= atRestStep) this.#state = "unsure"
  }

  #forbid(step: number): void {
    this.#state = "forbidden"
    this.#forbiddenAtStep = step
  }

  #unlessForbidden(): "forbidden" | "unsure" {
    return this.#state === "forbidden" ? "forbidden" : "unsure"
  }
}
