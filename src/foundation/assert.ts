/** Something only a bug of ours can break. What a peer may get wrong is a ProtocolError instead. */
export function assert(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`assertion failed: ${what}`)
}

/** Ends a switch over a tagged union: a new member does not compile until it is thought of there. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
