import type { Database } from "./database.ts"

export type Transaction = (work: () => void) => void

/** @returns what does its work in one transaction, or none of it, and throws what the work or SQLite throws */
export function transactionOf(database: Database): Transaction {
  const begin = database.query("BEGIN IMMEDIATE")
  const commit = database.query("COMMIT")
  const rollback = database.query("ROLLBACK")
  return (work) => {
    begin.run()
    try {
      work()
      commit.run()
    } catch (error) {
      // After some errors SQLite has rolled back by itself.
      if (database.inTransaction) rollback.run()
      throw error
    }
  }
}
