import { afterEach, describe, expect, test } from "bun:test"
import { Deadlines } from "../../src/transport/deadlines.ts"
import type { GreetingLimits } from "../../src/transport/listen-options.ts"
import type { TcpSocket } from "../../src/transport/tcp-socket.ts"

/** As much of a socket as is looked at here. */
class Peer {
  state: "open" | "cut off" = "open"
  readonly remoteAddress: string

  constructor(remoteAddress: string) {
    this.remoteAddress = remoteAddress
  }

  terminate(): void {
    this.state = "cut off"
  }
}

const asSocket = (peer: Peer) => peer as unknown as TcpSocket

let open: { readonly deadlines: Deadlines; readonly peer: Peer }[] = []
afterEach(() => {
  for (const { deadlines, peer } of open) deadlines.end(asSocket(peer))
  open = []
})

function door(limits: Partial<GreetingLimits>) {
  const refused: string[] = []
  const deadlines = new Deadlines({
    onBug: () => {},
    onRefused: (address, at, why) => void refused.push(`${address}: ${at}: ${why}`),
    greetings: {
      most: 1_000,
      mostOfSource: 0,
      sourceOf: (address) => (address === "127.0.0.1" ? undefined : address),
      ...limits,
    },
  })
  const comes = (address = "192.0.2.7"): Peer => {
    const peer = new Peer(address)
    open.push({ deadlines, peer })
    deadlines.begin(asSocket(peer), "TLS handshake")
    return peer
  }
  return { deadlines, refused, comes }
}

describe("Peers that have not introduced themselves", () => {
  test("are no more than there may be: one more is turned away", () => {
    const { deadlines, refused, comes } = door({ most: 2, patienceMs: Number.POSITIVE_INFINITY })
    const [first, second, third] = [comes("192.0.2.1"), comes("192.0.2.2"), comes("192.0.2.3")]
    expect([first, second, third].map(({ state }) => state)).toEqual(["open", "open", "cut off"])
    expect(refused).toEqual(["192.0.2.3: TLS handshake: too many have not come to an end"])
    expect(deadlines.end(asSocket(third))).toBe(false)
    expect(deadlines.end(asSocket(first))).toBe(true)
    expect(comes().state).toBe("open")
  })

  test("give way to somebody new when they have been silent for long, the first of them first", () => {
    const { refused, comes } = door({ most: 2, patienceMs: 0 })
    const peers = [comes("192.0.2.1"), comes("192.0.2.2"), comes("192.0.2.3")]
    expect(peers.map(({ state }) => state)).toEqual(["cut off", "open", "open"])
    expect(refused).toEqual([
      "192.0.2.1: TLS handshake: too many have not come to an end, and this one came first",
    ])
  })

  test("have one deadline for all their greetings, and are refused at the one they have come to", () => {
    const { deadlines, refused, comes } = door({ most: 1, patienceMs: 0 })
    const peer = comes("192.0.2.1")
    deadlines.goesOn(asSocket(peer), "WebSocket upgrade")
    expect(deadlines.holds(asSocket(peer))).toBe(true)
    comes("192.0.2.2")
    expect(deadlines.holds(asSocket(peer))).toBe(false)
    expect(refused).toEqual([
      "192.0.2.1: WebSocket upgrade: too many have not come to an end, and this one came first",
    ])
  })

  test("are no more from one address than there may be, and nobody else is worse off", () => {
    const { deadlines, comes } = door({ mostOfSource: 2 })
    const peers = [comes(), comes(), comes(), comes("192.0.2.8")]
    expect(peers.map(({ state }) => state)).toEqual(["open", "open", "cut off", "open"])
    for (const peer of peers) deadlines.end(asSocket(peer))
    expect([comes(), comes(), comes()].map(({ state }) => state)).toEqual(["open", "open", "cut off"])
  })

  test("from where nobody answers for them are bounded as a whole alone", () => {
    const { comes } = door({ mostOfSource: 1 })
    expect([comes("127.0.0.1"), comes("127.0.0.1")].map(({ state }) => state)).toEqual(["open", "open"])
  })
})
