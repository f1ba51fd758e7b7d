import type { PublishRequest } from "../src/client/sender.ts"
import { isError } from "../src/protocol/reason-code.ts"
import type { ClientRun } from "./client-run.ts"
import type { Manner } from "./manner.ts"
import { counted } from "./quantities.ts"

/** A table that the server does not want at all is not worth a line for each row. */
const mostRefusalsTold = 20

/** Publishes as fast as the server takes it, and remembers what is not answered yet. */
export class Publisher {
  readonly #run: ClientRun
  readonly #manner: Manner
  /** No more than the client has in flight. */
  readonly #unanswered = new Set<Promise<void>>()
  #count = 0
  #refusals = 0
  /** Why a message was not answered, of the first that was not. */
  #failure: { readonly error: unknown } | undefined

  constructor(run: ClientRun, manner: Manner) {
    this.#run = run
    this.#manner = manner
  }

  /** How many were published, refused ones included. */
  get count(): number {
    return this.#count
  }

  get refusals(): number {
    return this.#refusals
  }

  get unanswered(): number {
    return this.#unanswered.size
  }

  /**
   * Resolves when it is on its way.
   *
   * @throws ConnectionEnded
   */
  async publish(request: PublishRequest): Promise<void> {
    const { client } = this.#run
    if (!client.writable) await client.whenWritable()
    const answer = this.#publish(request).finally(() => this.#unanswered.delete(answer))
    // Told to whoever asks whether all is answered, and by then it is not among the unanswered any more.
    answer.catch((error: unknown) => void (this.#failure ??= { error }))
    this.#unanswered.add(answer)
  }

  /** @throws ConnectionEnded */
  async answered(): Promise<void> {
    await Promise.all(this.#unanswered)
    if (this.#failure !== undefined) throw this.#failure.error
    const untold = this.#refusals - mostRefusalsTold
    if (untold > 0 && !this.#tellsAll) this.#run.warn(`${counted(untold, "more message")} refused`)
  }

  get #tellsAll(): boolean {
    return this.#manner.name === "mosquitto"
  }

  async #publish(request: PublishRequest): Promise<void> {
    const count = ++this.#count
    const answer = await this.#run.client.publish(request)
    if (!isError(answer.reasonCode)) return
    this.#refusals += 1
    if (this.#refusals <= mostRefusalsTold || this.#tellsAll)
      this.#run.fail(this.#manner.publishRefused(request.topic, answer, count))
  }
}
