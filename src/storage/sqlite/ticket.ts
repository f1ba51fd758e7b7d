import type { Ticket, TicketWaiter } from "../../foundation/ticket.ts"

/** One ticket for everything of its kind that one batch writes. */
export class BatchTicket implements Ticket {
  #state: Ticket["state"] = "pending"
  #waiters: TicketWaiter[] = []

  get state(): Ticket["state"] {
    return this.#state
  }

  wait(waiter: TicketWaiter): void {
    this.#waiters.push(waiter)
  }

  settle(state: "committed" | "failed"): void {
    this.#state = state
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.settled(this)
  }
}

/** For what is refused at once, while the store can keep no promise. */
export const failedTicket: Ticket = {
  state: "failed",
  wait() {
    throw new Error("a failed ticket is not waited for")
  },
}
