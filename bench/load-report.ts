import type { Percentiles } from "../cli/bench/histogram.ts"

/*
 * The seam of the bench: what the runner tells the load process, and what the load process answers.
 */

/** What the load process is told, as JSON in its only argument. */
export interface LoadOrder {
  readonly scenario: string
  /** Where the broker listens; a listener that is missing is undefined. */
  readonly tcpPort: number
  /** With a self-signed certificate, which the load takes unseen. */
  readonly tlsPort: number | undefined
  readonly webSocketPort: number | undefined
  /** Of the broker: its CPU time is read over the measured part. */
  readonly pid: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

/** What it prints as JSON when it is done. */
export interface LoadReport {
  /** Of the unit that the scenario counts. */
  readonly perSecond: number
  /** CPU time of the broker for one unit, all of its threads, in microseconds. */
  readonly brokerMicroseconds: number
  /** Share of one core that the load took: near 1, the load was the limit and not the broker. */
  readonly loadShare: number
  /** Of the broker at the end of the measured part. */
  readonly residentBytes: number
  /** Idle connections only. */
  readonly residentBytesPerConnection: number | undefined
  /** Open loop only. */
  readonly latency: Latency | undefined
  /** Messages that did not come, came twice, or came in the wrong order. */
  readonly faults: number
}

/** Microseconds, from the time a message was due to be sent: a stalled broker cannot hide what waited meanwhile. */
export interface Latency extends Percentiles {
  /**
   * 99th percentile of how late the load itself sent. It is not taken off the others: more than a few hundred means
   * that the machine was disturbed, and that the tail tells of that rather than of the broker.
   */
  readonly sentLate: number
}
