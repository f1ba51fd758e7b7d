import type { Break } from "./break.ts"

export const timeBreaks: readonly Break[] = [
  {
    what: "measures what waits and lasts by the wall",
    noticedBy: "time steps",
    effort: "short",
    as: /^by -?\d+ seconds: waited in vain for /,
    file: "src/foundation/clock.ts",
    find: `return Math.floor(this.#originMs + performance.now())`,
    replace: `return Date.now()`,
  },
  {
    what: "forgets with each stop how far the wall was off",
    noticedBy: "time steps",
    effort: "short",
    as: /half an hour/,
    file: "src/storage/sqlite/time-keeper.ts",
    find: `const nowMs = resumedMs(kept ?? undefined, Date.now())`,
    replace: `const nowMs = resumedMs(kept === null ? undefined : undefined, Date.now())`,
  },
  {
    what: "keeps retained messages that have expired",
    noticedBy: "time soak",
    effort: "short",
    as: /\d+ retained are left when everybody is gone/,
    file: "src/broker/retained-messages.ts",
    find: `if (this.#change(topic, undefined) !== "refused") return`,
    replace: `if (topic !== "") return`,
  },
  {
    what: "never writes the log of its database back",
    noticedBy: "time soak",
    effort: "short",
    as: /^the log of the database has \d+ bytes at rest$/,
    file: "src/storage/sqlite/worker.ts",
    find: `if (log < checkpointPages && !this.#isOverdue) return`,
    replace: `if (!this.#isOverdue) return`,
  },
  {
    what: "remembers every connection that there ever was",
    noticedBy: "time soak",
    effort: "long",
    as: /^(heap|resident memory) rises by /,
    file: "src/connection/patrol.ts",
    find: `    this.#due.delete(visited)
    this.#rounds.get(due)?.delete(visited)`,
    replace: `    this.#rounds.get(due)?.delete(visited)`,
  },
]
