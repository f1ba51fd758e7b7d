import type { Ticket, TicketWaiter } from "../foundation/ticket.ts"

/** Whom they were given to. */
export interface UndecidedOwner {
  /** The store has them, or never will. */
  decided(undecided: Undecided, isStored: boolean): void
}

/**
 * Messages that were given to a client who is away, while it is not known whether the store will have them. All of them
 * are of one batch: should it fail, none of them is in the queue, and those that made room for them are.
 */
export class Undecided implements TicketWaiter {
  readonly ticket: Ticket
  messages = 0
  bytes = 0
  /** How much the queue has grown by them: less than was given where others were dropped for it. */
  grownByMessages = 0
  grownByBytes = 0
  readonly #owner: UndecidedOwner

  /** @param ticket a pending one */
  constructor(ticket: Ticket, owner: UndecidedOwner) {
    this.ticket = ticket
    this.#owner = owner
    ticket.wait(this)
  }

  settled({ state }: Ticket): void {
    this.#owner.decided(this, state === "committed")
  }
}
