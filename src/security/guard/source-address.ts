/**
 * Who answers for what comes from an address. A household or a server has a whole /64 of IPv6 to itself, and may come
 * from another of its addresses each time [RFC 6177].
 */
export function sourceOf(address: string): string {
  if (!address.includes(":")) return address
  const [head = "", tail] = address.split("::")
  const before = head === "" ? [] : head.split(":")
  // Behind the gap are the last groups: those of the first four among them are known by how many there are.
  const behind = tail === undefined || tail === "" ? [] : tail.split(":")
  const groupsBehind = behind.length + (tail?.includes(".") === true ? 1 : 0)
  const gap = Array.from({ length: Math.max(0, 8 - before.length - groupsBehind) }, () => "0")
  const network = [...before, ...gap, ...behind].slice(0, 4)
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`
}

/** This machine: behind it may stand a proxy, and behind that everybody. */
export function isThisMachine(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address === "unix"
}
