import { unreachable } from "./foundation/assert.ts"
import type { Counters } from "./foundation/counters.ts"
import type { Log } from "./foundation/log.ts"
import type { Store } from "./storage/store.ts"

/** Writes to the log how the store is, and counts how often it is behind. */
export function watchStore(store: Pick<Store, "onMood">, counters: Counters, log: Log): void {
  store.onMood((mood, why) => {
    switch (mood) {
      case "behind":
        counters.storeBehind += 1
        return log.warn("the disk is behind; publishers are slowed", { why })
      case "failed":
        return log.error("nothing can be stored; durable messages are refused", { why })
      case "lost":
        return log.error("stopping, for the store is lost", { why })
      case "healthy":
        return log.info("the store is well again", { why })
      default:
        unreachable(mood)
    }
  })
}
