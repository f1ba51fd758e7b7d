import type { Break } from "./break.ts"

export const simulatedBreaks: readonly Break[] = [
  {
    what: "acknowledges what could not be written",
    noticedBy: "simulated faults",
    effort: "short",
    as: /^seed \d+: \S+ lacks /,
    file: "src/connection/ack-queue.ts",
    find: `next.settle(ticket?.state !== "failed")`,
    replace: `next.settle(true)`,
  },
  {
    what: "dates the end of a connection by the wall, which may be put back",
    noticedBy: "simulated faults",
    effort: "short",
    as: /^seed \d+: the session of \w+ is gone before its time/,
    file: "src/broker/session-registry.ts",
    find: `session.detach()
    const now = this.#options.clock.now()`,
    replace: `session.detach()
    const now = this.#options.clock.wall()`,
  },
  {
    what: "begins its clock with the wall, however that was put meanwhile",
    noticedBy: "simulated faults",
    // Half of all stories put the wall forward over a restart: of the twenty from this seed on, nine.
    effort: "short",
    as: /^seed \d+: the clock of the broker is ahead of the time that has passed/,
    file: "src/foundation/clock.ts",
    find: `return kept === undefined ? wallMs : kept.nowMs + Math.max(0, wallMs - kept.wallMs - 1)`,
    replace: `return kept === undefined ? wallMs : wallMs`,
  },
  {
    what: "gives up sessions when the store fails right after a start",
    noticedBy: "simulated faults",
    effort: "long",
    as: /^seed \d+: the session of \w+ is gone before its time/,
    file: "src/broker/session-registry.ts",
    find: `if (session.record.disconnectedAtMs === undefined) session.note({ disconnectedAtMs: now })`,
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
    as: /^seed \d+: \w+ cannot have a session/,
    file: "src/broker/session-registry.ts",
    find: `      if (session.record.disconnectedAtMs === undefined) session.note({ disconnectedAtMs: now })`,
    replace: `      session.note({ disconnectedAtMs: now })`,
  },
  {
    what: "forgets what happens to sessions while the disk fails",
    noticedBy: "simulated faults",
    effort: "long",
    file: "src/session/session.ts",
    find: `this.#journal?.noted(this.#record)`,
    replace: `this.#journal?.updated(this.#record)`,
  },
  {
    what: "ends sessions a moment before their time",
    noticedBy: "simulated faults",
    effort: "long",
    as: /^seed \d+: the session of \w+ is gone before its time/,
    file: "src/broker/session-registry.ts",
    find: `if (expiry !== neverExpires) this.#expiries.set(session.clientId, now + expiry * 1000)`,
    replace: `if (expiry !== neverExpires) this.#expiries.set(session.clientId, now + expiry * 1000 - 25)`,
  },
  {
    what: "never ends a connection that has fallen silent",
    noticedBy: "simulated faults",
    effort: "long",
    as: /^seed \d+: \w+ has said nothing for \d+ ms, and is connected/,
    file: "src/connection/connection.ts",
    find: `        this.#part(ReasonCode.keepAliveTimeout)
        return nowMs + farewellMs`,
    replace: `        return nowMs + silenceLimitMs`,
  },
  {
    what: "leaves a client unread that it paused while the disk was behind",
    noticedBy: "simulated faults",
    effort: "short",
    as: /^seed \d+: \S+ lacks /,
    file: "src/connection/reading.ts",
    find: `      this.#pause()
      this.#awaitStore()
`,
    replace: `      this.#pause()
`,
  },
  {
    what: "grants a subscription before it has written it",
    noticedBy: "simulated faults",
    // One story in a hundred or so: the crash must come before the commit, and no answer wait in front of the SUBACK.
    effort: "long",
    as: /^seed \d+: (\w+ lacks |\S+ matched nobody, says the broker)/,
    file: "src/connection/subscribe.ts",
    find: `      ticket,
      settle: (committed) => {`,
    replace: `      ticket: undefined,
      settle: (committed) => {`,
  },
  {
    what: "forgets a shared message when all members are cut off at once",
    noticedBy: "simulated faults",
    // A quarter of all stories cut off all members while they have something: of the twenty from this seed on, five.
    effort: "short",
    as: /^seed \d+: \$share\/\S+ lacks /,
    file: "src/session/session.ts",
    find: `if (outgoing.group === undefined || taken === "nobody") return`,
    replace: `if (outgoing.group === undefined) return`,
  },
]
