import { BlockList, isIP } from "node:net"

/** Source addresses with the same first bits, IPv4 or IPv6: 10.0.0.0/8. */
export class AddressRange {
  readonly text: string
  readonly #addresses = new BlockList()
  readonly #first: string
  readonly #bits: number

  private constructor(text: string, address: string, bits: number) {
    this.text = text
    this.#first = address
    this.#bits = bits
    this.addTo(this.#addresses)
  }

  /** @param text an address, or an address, a slash and how many of its bits count. @returns undefined when it is neither */
  static parse(text: string): AddressRange | undefined {
    const [, address = "", bits] = /^([\d.a-f:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
    const family = isIP(address)
    if (family === 0) return undefined
    const width = family === 4 ? 32 : 128
    const count = bits === undefined ? width : Number(bits)
    return count <= width ? new AddressRange(text, address, count) : undefined
  }

  /** @param address of a peer; what is no IP address, such as that of a unix socket, is in no range */
  contains(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.#addresses.check(address, family === 4 ? "ipv4" : "ipv6")
  }

  /** Many ranges in one list are looked through at once. */
  addTo(list: BlockList): void {
    list.addSubnet(this.#first, this.#bits, isIP(this.#first) === 4 ? "ipv4" : "ipv6")
  }
}
