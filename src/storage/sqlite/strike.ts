import type { Sequence } from "../store.ts"
import type { SessionNumber } from "./operation.ts"
import { recordCode, recordHeaderBytes, recordOffset, struckMark } from "./packing.ts"
import { indexOfSequence } from "./sequences.ts"

/**
 * Strikes, where they stand, records that a later record undoes: a message that its subscriber has by now, with its
 * removal; a retained message that another one has replaced. What is left says the same when it is applied in order.
 *
 * Bench row durable: nearly all that is written there is undone within milliseconds, and costs no row.
 *
 * @param records packed ones, from the first to the last that is known
 */
export function strike(records: Uint8Array): void {
  new Striking(records).run()
}

/** Messages of one session and where their records begin. */
interface Waiting {
  readonly sequences: Sequence[]
  readonly starts: number[]
}

class Striking {
  readonly #records: Uint8Array
  readonly #view: DataView
  readonly #texts: Buffer
  readonly #waiting = new Map<SessionNumber, Waiting>()
  /** By topic, its bytes read as Latin-1. */
  readonly #retained = new Map<string, number>()

  constructor(records: Uint8Array) {
    this.#records = records
    this.#view = new DataView(records.buffer, records.byteOffset, records.length)
    this.#texts = Buffer.from(records.buffer, records.byteOffset, records.length)
  }

  run(): void {
    const view = this.#view
    for (let start = 0; start < this.#records.length;) {
      const end = start + recordHeaderBytes + view.getUint32(start + 1, true)
      this.#take(this.#records[start] ?? 0, start, end)
      start = end
    }
  }

  #take(code: number, start: number, end: number): void {
    const content = start + recordHeaderBytes
    switch (code) {
      case recordCode.enqueued:
        return this.#enqueued(this.#sessionAt(content), start)
      case recordCode.progressed:
        return this.#progressed(this.#sessionAt(content), content + recordOffset.progressed.removed, end)
      case recordCode.released:
        return this.#released(this.#sessionAt(content), start)
      case recordCode.removedOldest:
        // Which one that is depends on what is in the queue by then: what came before must be there.
        this.#waiting.delete(this.#sessionAt(content))
        return
      case recordCode.retained:
      case recordCode.unretained:
        return this.#retain(start)
      default:
        return
    }
  }

  #enqueued(session: SessionNumber, start: number): void {
    const sequence = this.#sequenceAt(start + recordHeaderBytes + recordOffset.enqueued.sequence)
    let waiting = this.#waiting.get(session)
    if (waiting === undefined) {
      waiting = { sequences: [], starts: [] }
      this.#waiting.set(session, waiting)
    }
    waiting.sequences.push(sequence)
    waiting.starts.push(start)
  }

  #progressed(session: SessionNumber, start: number, end: number): void {
    const waiting = this.#waiting.get(session)
    if (waiting === undefined) return
    for (let offset = start; offset < end; offset += 8) {
      const enqueued = startOf(waiting, this.#sequenceAt(offset))
      if (enqueued === undefined) continue
      this.#strike(enqueued)
      this.#view.setFloat64(offset, 0, true)
    }
  }

  /** The mark moves into the record of the message, which is then struck or applied with it. */
  #released(session: SessionNumber, start: number): void {
    const waiting = this.#waiting.get(session)
    const sequence = this.#sequenceAt(start + recordHeaderBytes + recordOffset.released.sequence)
    const enqueued = waiting === undefined ? undefined : startOf(waiting, sequence)
    if (enqueued === undefined) return
    this.#records[enqueued + recordHeaderBytes + recordOffset.enqueued.released] = 1
    this.#strike(start)
  }

  #retain(start: number): void {
    const length = this.#view.getUint32(start + recordHeaderBytes, true)
    const topicStart = start + recordHeaderBytes + 4
    const topic = this.#texts.toString("latin1", topicStart, topicStart + length)
    const earlier = this.#retained.get(topic)
    if (earlier !== undefined) this.#strike(earlier)
    this.#retained.set(topic, start)
  }

  #strike(start: number): void {
    this.#records[start] = (this.#records[start] ?? 0) | struckMark
  }

  #sessionAt(content: number): SessionNumber {
    return this.#view.getUint32(content + recordOffset.session, true)
  }

  #sequenceAt(offset: number): Sequence {
    return this.#view.getFloat64(offset, true)
  }
}

function startOf({ sequences, starts }: Waiting, sequence: Sequence): number | undefined {
  const index = indexOfSequence(sequences, sequence)
  return index === -1 ? undefined : starts[index]
}
