import type { Break } from "./break.ts"

export const crashBreaks: readonly Break[] = [
  {
    what: "acknowledges before it has written",
    noticedBy: "crash at work",
    effort: "short",
    as: /^lost: \d+/,
    file: "src/connection/ack-queue.ts",
    find: `(ticket === undefined || ticket.state === "committed")`,
    replace: `(ticket === undefined || ticket.state !== "failed")`,
  },
  {
    what: "lets go of a message of QoS 2 before it has noted that its client has it",
    noticedBy: "crash at work",
    effort: "short",
    as: /^doubled: \d+/,
    file: "src/session/conversation.ts",
    find: `return this.#owner.journal?.released(sequence)`,
    replace: `this.#owner.journal?.released(sequence)
    return undefined`,
  },
  {
    what: "lets what comes overtake what is still being read back from the store",
    noticedBy: "crash at work",
    effort: "short",
    as: /^out of order: \d+/,
    file: "src/session/conversation.ts",
    find: `(this.#pagedUpTo < this.#storedUpTo || this.#waiting.size >= this.#owner.limits.windowMessages)`,
    replace: `this.#waiting.size >= this.#owner.limits.windowMessages`,
  },
  {
    what: "forgets that a topic was cleared in the batch in which it was set",
    noticedBy: "crash at work",
    effort: "short",
    as: /^retained wrong: \d+/,
    file: "src/storage/sqlite/batch.ts",
    find: `    earlier.message = message
`,
    replace: `    earlier.message = message ?? earlier.message
`,
  },
  {
    what: "folds batches bit by bit, and not what it notes of them with it",
    noticedBy: "crash at start-up",
    effort: "long",
    file: "src/storage/sqlite/batch-log.ts",
    find: `this.#transaction(() => {`,
    replace: `((work: () => void) => work())(() => {`,
  },
  {
    what: "takes the steps of a migration one by one",
    noticedBy: "crash in migration",
    effort: "long",
    as: /^migrating schema \d, killed /,
    file: "src/storage/sqlite/database.ts",
    find: `for (const step of migrations.slice(pragma(database, "user_version"))) database.run(step)`,
    replace: `database.run("COMMIT")
      for (const step of migrations.slice(pragma(database, "user_version"))) database.run(step)
      database.run("BEGIN IMMEDIATE")`,
  },
  {
    what: "lets the row counts of a clean stop stand while it serves",
    noticedBy: "crash in shutdown",
    effort: "long",
    file: "src/storage/sqlite/opening.ts",
    find: `      openHead(database)
`,
    replace: ``,
  },
  {
    what: "writes a backup under its own name from the beginning where there is one",
    noticedBy: "crash in backup",
    // With an even seed the short trial backs up over a backup; wherever that is killed, none that is whole is left.
    effort: "short",
    as: /^backing up over a backup, killed /,
    file: "src/storage/backup.ts",
    find: `const draft = draftOf(file)`,
    replace: `const draft = replace ? file : draftOf(file)`,
  },
  {
    what: "takes the log of a store away before a restore replaces it",
    noticedBy: "crash in backup",
    effort: "long",
    as: /^restoring over a store, killed /,
    file: "src/storage/backup.ts",
    find: `  writeLogBack(database)
`,
    replace: ``,
  },
  {
    what: "takes a damaged store away before anything of it is saved",
    noticedBy: "crash in recovery",
    effort: "short",
    as: /^recovering .+, killed /,
    file: "src/storage/sqlite/recovery.ts",
    find: `    createDraft(draft)
`,
    replace: `    for (const suffix of ["", "-wal"]) rmSync(\`\${file}\${suffix}\`, { force: true })
    createDraft(draft)
`,
  },
  {
    what: "saves the sessions of a damaged store without their queues",
    noticedBy: "crash in recovery",
    effort: "short",
    file: "src/storage/sqlite/recovery.ts",
    find: `return isSession(row) && this.#exists("message", "id", row["message"])`,
    replace: `return row["session"] === 0`,
  },
  {
    what: "stores no wills",
    noticedBy: "crash with wills",
    effort: "short",
    file: "src/storage/sqlite/packing.ts",
    find: `writer.uint8(record.will === undefined ? 0 : 1)
  if (record.will === undefined) return`,
    replace: `writer.uint8(0)
  if (record.will === undefined || record.clientId !== "") return`,
  },
  {
    what: "leaves a will that it has published with its session",
    noticedBy: "crash with wills",
    effort: "long",
    file: "src/broker/delayed-wills.ts",
    find: `    session.note({ will: undefined })
`,
    replace: ``,
  },
]
