import { isMainThread, parentPort } from "node:worker_threads"

/*
 * The broker with a storage worker that dies when it is given its second batch, as it would of a bug of ours: by an
 * error that nobody caught, or by leaving without a word. It has to be compiled, for then its worker begins here too.
 */
if (!isMainThread) {
  let batches = 0
  parentPort?.on("message", ({ type }: { readonly type: string }) => {
    if (type !== "write" || ++batches < 2) return
    if (process.env["WORKER_ENDS_BY"] === "exit") process.exit(0)
    throw new Error("struck by lightning")
  })
}
await import("../../cli/main.ts")
