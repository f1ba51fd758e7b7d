import type { Store } from "../storage/store.ts"

/** Holds back those who publish faster than the disk writes, until it has caught up. */
export class StoreGate {
  #waiting: (() => void)[] = []

  constructor(store: Pick<Store, "onMood">) {
    store.onMood((mood) => {
      if (mood !== "behind") this.#open()
    })
  }

  wait(resume: () => void): void {
    this.#waiting.push(resume)
  }

  #open(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }
}
