/** What of a broker only grows, while it runs. */
export const counterNames = ["messagesIn", "messagesOut", "bytesIn", "bytesOut", "dropped"] as const
export type CounterName = (typeof counterNames)[number]

/** Undefined: not known. */
export type Counts = Readonly<Record<CounterName, number | undefined>>

export interface TopicRow {
  readonly topic: string
  readonly messagesPerSecond: number
  readonly bytesPerSecond: number
  /** Since we look, or since the topic came into the table. */
  readonly messages: number
}

export interface ClientRow {
  readonly clientId: string
  readonly username: string | undefined
  readonly address: string | undefined
  /** Messages a second that it published, and that it was sent. */
  readonly inPerSecond: number | undefined
  readonly outPerSecond: number | undefined
  /** Messages that wait for it. */
  readonly queued: number
  /** What is wrong with it, in a word each. */
  readonly marks: readonly string[]
}

/** What is known of a broker at one moment. */
export interface Reading {
  readonly atMs: number
  readonly name: string
  /** Such as `bantam 0.1.0`. */
  readonly version: string | undefined
  readonly uptimeSeconds: number | undefined
  readonly clients: number | undefined
  /** Connected or not. */
  readonly sessions: number | undefined
  readonly subscriptions: number | undefined
  readonly retained: number | undefined
  /** Messages that wait for clients. */
  readonly queued: number | undefined
  readonly totals: Counts
  /** Of each second. */
  readonly rates: Counts
  /** In no order. */
  readonly topics: readonly TopicRow[]
  /** Undefined where the clients are not told. */
  readonly clientRows: readonly ClientRow[] | undefined
  /** What somebody should look at. */
  readonly warnings: readonly string[]
  /** What a person must know to read this: what is not known, and why. */
  readonly notes: readonly string[]
  /** Why the broker cannot be asked at the moment; the rest is as it was. */
  readonly trouble: string | undefined
}

/** Where readings come from. */
export interface Source {
  readonly kind: "management" | "mqtt"
  read(): Promise<Reading>
  /** Ends the connection of a client; undefined where that is not possible. */
  readonly kick: ((clientId: string) => Promise<void>) | undefined
  close(): Promise<void>
}
