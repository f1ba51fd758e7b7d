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
  {
    what: "dates the end of a connection by the wall, which may be put back",
    noticedBy: "simulated faults",
    effort: "short",
    file: "src/broker/session-registry.ts",
    find: `session.detach()
    const now = this.#options.clock.now()`,
    replace: `session.detach()
    const now = this.#options.clock.wall()`,
  },
  {
    what: "begins its clock with the wall, however that was put meanwhile",
    noticedBy: "simulated faults",
    effort: "short",
    file: "src/foundation/clock.ts",
    find: `return kept === undefined ? wallMs : kept.nowMs + Math.max(0, wallMs - kept.wallMs)`,
    replace: `return kept === undefined ? wallMs : wallMs`,
  },
  {
    what: "gives up sessions when the store fails right after a start",
    noticedBy: "simulated faults",
    effort: "long",
    file: "src/broker/session-registry.ts",
    find: `if (session.record.disconnectedAtMs === undefined) session.update({ disconnectedAtMs: now })`,
    replace: `if (session.record.disconnectedAtMs === undefined) {
        const ticket = session.update({ disconnectedAtMs: now })
        if (ticket?.state === "pending") {
          ticket.wait({ settled: ({ state }) => void (state === "failed" && this.end(session)) })
        }
      }`,
  },
  {
    what: "gives absent sessions their whole time again at each start",
    noticedBy: "simulated faults",
    effort: "long",
    file: "src/broker/session-registry.ts",
    find: `      if (session.record.disconnectedAtMs === undefined) session.update({ disconnectedAtMs: now })`,
    replace: `      session.update({ disconnectedAtMs: now })`,
  },
  {
    what: "ends sessions a moment before their time",
    noticedBy: "simulated faults",
    effort: "long",
    file: "src/broker/session-registry.ts",
    find: `if (expiry !== neverExpires) this.#expiries.set(session.clientId, now + expiry * 1000)`,
    replace: `if (expiry !== neverExpires) this.#expiries.set(session.clientId, now + expiry * 1000 - 25)`,
  },
  {
    what: "never ends a connection that has fallen silent",
    noticedBy: "simulated faults",
    effort: "long",
    file: "src/connection/connection.ts",
    find: `        this.#part(ReasonCode.keepAliveTimeout)
        return nowMs + farewellMs`,
    replace: `        return nowMs + silenceLimitMs`,
  },
  {
    what: "leaves a client unread that was stalled as the disk fell behind",
    noticedBy: "simulated faults",
    effort: "long",
    file: "src/connection/reading.ts",
    find: `      // Whoever was paused for another reason must wait for the store too, should it be behind by then.
      this.#awaitStore()
`,
    replace: "",
  },
  {
    what: "forgets a shared message when all members are cut off at once",
    noticedBy: "simulated faults",
    effort: "short",
    file: "src/session/session.ts",
    find: `if (outgoing.group === undefined || taken === "nobody") return`,
    replace: `if (outgoing.group === undefined) return`,
  },
  {
    what: "measures what waits and lasts by the wall",
    noticedBy: "time steps",
    effort: "short",
    file: "src/foundation/clock.ts",
    find: `return Math.floor(this.#originMs + performance.now())`,
    replace: `return Date.now()`,
  },
  {
    what: "forgets with each stop how far the wall was off",
    noticedBy: "time steps",
    effort: "short",
    file: "src/storage/sqlite/time-keeper.ts",
    find: `const nowMs = resumedMs(kept ?? undefined, Date.now())`,
    replace: `const nowMs = resumedMs(kept === null ? undefined : undefined, Date.now())`,
  },
  {
    what: "keeps retained messages that have expired",
    noticedBy: "time soak",
    effort: "short",
    file: "src/broker/retained-messages.ts",
    find: `if (this.#change(topic, undefined) !== "refused") return`,
    replace: `if (topic !== "") return`,
  },
  {
    what: "never writes the log of its database back",
    noticedBy: "time soak",
    effort: "short",
    file: "src/storage/sqlite/worker.ts",
    find: `if (log >= checkpointPages || early)`,
    replace: `if (log < 0 || early)`,
  },
  {
    what: "remembers every connection that there ever was",
    noticedBy: "time soak",
    effort: "long",
    file: "src/connection/patrol.ts",
    find: `    this.#due.delete(visited)
    this.#rounds.get(due)?.delete(visited)`,
    replace: `    this.#rounds.get(due)?.delete(visited)`,
  },
]
