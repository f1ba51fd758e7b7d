import type { Break } from "./break.ts"

export const crashBreaks: readonly Break[] = [
  {
    what: "acknowledges before it has written",
    noticedBy: "crash at work",
    effort: "short",
    file: "src/connection/ack-queue.ts",
    find: `(ticket === undefined || ticket.state === "committed")`,
    replace: `(ticket === undefined || ticket.state !== "failed")`,
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
    effort: "short",
    file: "src/storage/backup.ts",
    find: `const draft = draftOf(file)`,
    replace: `const draft = replace ? file : draftOf(file)`,
  },
  {
    what: "takes the log of a store away before a restore replaces it",
    noticedBy: "crash in backup",
    effort: "long",
    file: "src/storage/backup.ts",
    find: `  writeLogBack(database)
`,
    replace: ``,
  },
  {
    what: "takes a damaged store away before anything of it is saved",
    noticedBy: "crash in recovery",
    effort: "short",
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
    find: `    session.update({ will: undefined })
`,
    replace: ``,
  },
]
