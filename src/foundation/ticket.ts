/**
 * The promise that something will be durable. What waits for it is an acknowledgement on the wire.
 *
 * A ticket is shared by all that is written together, so waiting costs one entry in one list however many
 * messages the ticket stands for.
 */
export interface Ticket {
  /** `failed`: it is not in the store and will not be, so it must not be acknowledged. */
  readonly state: "pending" | "committed" | "failed"
  /** Calls `settled` once, after the state has changed. Only while pending. */
  wait(waiter: TicketWaiter): void
}

export interface TicketWaiter {
  settled(ticket: Ticket): void
}

/** Waits until it is known whether it is durable. */
export function settled(ticket: Ticket): Promise<"committed" | "failed"> {
  if (ticket.state !== "pending") return Promise.resolve(ticket.state)
  return new Promise((resolve) => {
    ticket.wait({ settled: ({ state }) => resolve(state === "failed" ? "failed" : "committed") })
  })
}
