import type { Publish } from "../../../src/protocol/packet.ts"
import type { Client } from "../../../src/client/client.ts"
import type { WatchedBroker } from "../../failure/watched-broker.ts"
import { patiently } from "../patience.ts"

const own = "bystander/own"

/** An honest client that is there while others misbehave, and says what it notices of it. */
export class Bystander {
  readonly #client: Client
  readonly #heard: ReadonlySet<string>
  readonly #heardOwn: Promise<void>
  #lost = false

  private constructor(client: Client, heard: ReadonlySet<string>, heardOwn: Promise<void>) {
    this.#client = client
    this.#heard = heard
    this.#heardOwn = heardOwn
    client.ended.then(
      () => void (this.#lost = true),
      () => {},
    )
  }

  /** @param filter what it listens to, besides its own topic. @throws Error when it waits for that in vain */
  static async of(broker: WatchedBroker, filter: string): Promise<Bystander> {
    const heard = new Set<string>()
    const heardOwn = Promise.withResolvers<void>()
    const onMessage = ({ topic }: Publish) => {
      heard.add(topic)
      if (topic === own) heardOwn.resolve()
    }
    const client = await broker.client({ clientId: "bystander", onMessage })
    const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const requests = [filter, own].map((each) => ({ filter: each, ...options }))
    await patiently(client.subscribe(requests), "the subscriptions of a bystander")
    return new Bystander(client, heard, heardOwn.promise)
  }

  /** Takes its leave. @returns what was wrong; undefined: nothing. @throws Error when it waits for an answer in vain */
  async complaint(): Promise<string | undefined> {
    if (this.#lost) return "a bystander lost its connection"
    const said = this.#client.publish({ topic: own, payload: new Uint8Array(0), qos: 1 })
    await patiently(said, "an answer to a bystander")
    await patiently(Promise.race([this.#heardOwn, this.#client.ended]), "a bystander to hear itself")
    await patiently(this.#client.disconnect(), "the leave of a bystander")
    const strange = [...this.#heard].filter((topic) => topic !== own)
    if (strange.length > 0) return `a bystander heard of ${strange.slice(0, 5).join(", ")}`
    return this.#heard.has(own) ? undefined : "a bystander does not hear itself any more"
  }
}
