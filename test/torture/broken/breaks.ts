import type { Break } from "./break.ts"

/** At least one for each torture. */
export const breaks: readonly Break[] = [
  {
    what: "acknowledges before it has written",
    noticedBy: "crash at work",
    effort: "short",
    file: "src/connection/ack-queue.ts",
    find: `(ticket === undefined || ticket.state === "committed")`,
    replace: `(ticket === undefined || ticket.state !== "failed")`,
  },
  {
    what: "acknowledges what could not be written",
    noticedBy: "simulated faults",
    effort: "short",
    file: "src/connection/ack-queue.ts",
    find: `next.settle(ticket?.state !== "failed")`,
    replace: `next.settle(true)`,
  },
]
