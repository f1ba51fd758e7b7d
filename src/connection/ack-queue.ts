import { Fifo } from "../foundation/fifo.ts"
import type { Ticket, TicketWaiter } from "../foundation/ticket.ts"

/** An answer that waits for the store. */
export interface PendingAnswer {
  /** Undefined when nothing durable is promised. */
  readonly ticket: Ticket | undefined
  /** Called once, in its turn, when what it promises is committed, or is known not to be. */
  settle(committed: boolean): void
}

/**
 * Answers that must not leave before what they promise is durable, in the order in which the packets they answer came
 * [4.6]. What promises nothing durable passes through when nothing waits, and takes its place in the line otherwise.
 *
 * It goes on when the connection is gone: nobody is answered then, but what could not be stored must be taken back.
 */
export class AckQueue implements TicketWaiter {
  readonly #answers = new Fifo<PendingAnswer>()
  #waitsOn: Ticket | undefined

  /** Answers that wait. */
  get size(): number {
    return this.#answers.size
  }

  /** Hot. Whether an answer with this ticket can leave now, so that no `PendingAnswer` need be made for it. */
  passes(ticket: Ticket | undefined): boolean {
    return this.#answers.size === 0 && (ticket === undefined || ticket.state === "committed")
  }

  push(answer: PendingAnswer): void {
    this.#answers.push(answer)
    this.#advance()
  }

  settled(ticket: Ticket): void {
    if (this.#waitsOn === ticket) this.#waitsOn = undefined
    this.#advance()
  }

  #advance(): void {
    for (let next = this.#answers.peek(); next !== undefined; next = this.#answers.peek()) {
      const { ticket } = next
      if (ticket?.state === "pending") {
        if (this.#waitsOn === ticket) return
        this.#waitsOn = ticket
        ticket.wait(this)
        return
      }
      this.#answers.shift()
      next.settle(ticket?.state !== "failed")
    }
  }
}
