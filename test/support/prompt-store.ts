import type { Ticket } from "../../src/foundation/ticket.ts"
import type { RecalledMessage, Sequence } from "../../src/storage/store.ts"
import type { Change } from "./simulated-disk.ts"
import { SimulatedStore } from "./simulated-store.ts"

/** A simulated store whose disk has at once whatever it is told, unless `fail` was called; `commit` ends that. */
export class PromptStore extends SimulatedStore {
  /** The process is gone, without a word. @returns the store of the next one, on the same disk */
  restarted(): PromptStore {
    this.crash()
    return new PromptStore(this.disk)
  }

  override promise(apply: Change, when: "in turn" | "at the end" = "in turn"): Ticket {
    const ticket = super.promise(apply, when)
    this.#write()
    return ticket
  }

  override carry(apply: Change, when: "in turn" | "at the end" = "in turn"): Ticket | undefined {
    const ticket = super.carry(apply, when)
    this.#write()
    return ticket
  }

  override ask(session: number, after: Sequence, limit: number): Promise<readonly RecalledMessage[]> {
    const asked = super.ask(session, after, limit)
    this.answer()
    return asked
  }

  #write(): void {
    if (this.cannotWrite) return
    this.endTurn()
    this.commit()
  }
}
