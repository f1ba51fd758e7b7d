/** A member of an `ar` archive. */
export interface Member {
  /** At most 16 characters. */
  readonly name: string
  readonly content: Uint8Array
}

/** An archive in the common format of `ar`, which is what a .deb is. Owned by root, mode 0644. */
export function ar(members: readonly Member[], date: Date): Buffer {
  const seconds = String(Math.floor(date.getTime() / 1000))
  const parts = members.flatMap(({ name, content }) => [
    Buffer.from(
      `${name.padEnd(16)}${seconds.padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(content.length).padEnd(10)}\`\n`,
    ),
    content,
    // Each begins at an even place.
    Buffer.alloc(content.length % 2, "\n"),
  ])
  return Buffer.concat([Buffer.from("!<arch>\n"), ...parts])
}
