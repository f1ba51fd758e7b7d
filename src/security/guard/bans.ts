import { BlockList, isIP } from "node:net"
import { unreachable } from "../../foundation/assert.ts"
import type { StoredBan } from "../../storage/account-store.ts"
import { UnreadableAccounts } from "../followed-accounts.ts"
import { AddressRange } from "../address-range.ts"

/** Whom a ban may fit. */
export interface Bannable {
  /** Undefined: it has not said so far. */
  readonly clientId: string | undefined
  /** Whom it was found to be; undefined: nobody in particular, or not found out so far. */
  readonly username: string | undefined
  readonly remoteAddress?: string | undefined
}

/** A ban in the store says what nobody can read: to go on without it might let in whom it was to keep out. */
export class BanError extends UnreadableAccounts {
  constructor({ id, value }: StoredBan) {
    super(
      `ban ${id} is of ${JSON.stringify(value)}, which is no address; take it away with \`bantam ban remove ${id}\``,
    )
    this.name = "BanError"
  }
}

/** A range of addresses, read. */
interface BannedRange {
  readonly ban: StoredBan
  readonly range: AddressRange
}

/** Who is not let in at the moment. Bans that are over do nothing, and are let go of when they are met. */
export class Bans {
  #clients = new Map<string, StoredBan>()
  #users = new Map<string, StoredBan>()
  #ranges: BannedRange[] = []
  /** All ranges in one, so that most are found innocent by a single look; ten thousand of them take 20 µs. */
  #addresses = new BlockList()
  #ids: ReadonlySet<number> = new Set()
  #onAdded: (added: Bans) => void = () => {}

  /** @param listener is told of those that are new after each change, for whom they fit and who is here */
  onAdded(listener: (added: Bans) => void): void {
    this.#onAdded = listener
  }

  /** @throws BanError and changes nothing */
  replace(bans: readonly StoredBan[]): void {
    const added = bans.filter(({ id }) => !this.#ids.has(id))
    this.#take(bans)
    if (added.length === 0) return
    const news = new Bans()
    news.#take(added)
    this.#onAdded(news)
  }

  #take(bans: readonly StoredBan[]): void {
    const clients = new Map<string, StoredBan>()
    const users = new Map<string, StoredBan>()
    const ranges: BannedRange[] = []
    for (const ban of bans) {
      switch (ban.kind) {
        case "client":
          clients.set(ban.value, ban)
          break
        case "user":
          users.set(ban.value, ban)
          break
        case "address": {
          const range = AddressRange.parse(ban.value)
          if (range === undefined) throw new BanError(ban)
          ranges.push({ ban, range })
          break
        }
        default:
          unreachable(ban.kind)
      }
    }
    this.#clients = clients
    this.#users = users
    this.#setRanges(ranges)
    this.#ids = new Set(bans.map(({ id }) => id))
  }

  /** The ban that holds against the address, if one does. */
  ofAddress(address: string, wallMs: number): StoredBan | undefined {
    if (this.#ranges.length === 0) return undefined
    const family = isIP(address)
    if (family === 0 || !this.#addresses.check(address, family === 4 ? "ipv4" : "ipv6")) return undefined
    const fits = this.#ranges.find(({ ban, range }) => holds(ban, wallMs) && range.contains(address))
    // Whoever is over must not make us look for him again.
    if (fits === undefined) this.#setRanges(this.#ranges.filter(({ ban }) => holds(ban, wallMs)))
    return fits?.ban
  }

  ofClient(clientId: string, wallMs: number): StoredBan | undefined {
    return findHolding(this.#clients, clientId, wallMs)
  }

  ofUser(username: string, wallMs: number): StoredBan | undefined {
    return findHolding(this.#users, username, wallMs)
  }

  /** The ban that holds against him in any way. */
  against({ clientId, username, remoteAddress }: Bannable, wallMs: number): StoredBan | undefined {
    return (
      (clientId === undefined ? undefined : this.ofClient(clientId, wallMs)) ??
      (username === undefined ? undefined : this.ofUser(username, wallMs)) ??
      (remoteAddress === undefined ? undefined : this.ofAddress(remoteAddress, wallMs))
    )
  }

  #setRanges(ranges: BannedRange[]): void {
    this.#ranges = ranges
    this.#addresses = new BlockList()
    for (const { range } of ranges) range.addTo(this.#addresses)
  }
}

/** For the log, never for whoever is banned. */
export function banText({ id, kind, value, why }: Omit<StoredBan, "untilMs" | "createdAtMs">): string {
  return `ban ${id} of ${kind} ${value}${why === "" ? "" : `: ${why}`}`
}

function findHolding(bans: Map<string, StoredBan>, name: string, wallMs: number): StoredBan | undefined {
  const ban = bans.get(name)
  if (ban === undefined || holds(ban, wallMs)) return ban
  bans.delete(name)
  return undefined
}

/** It is not over. */
export function holds({ untilMs }: StoredBan, wallMs: number): boolean {
  return untilMs === undefined || wallMs < untilMs
}
