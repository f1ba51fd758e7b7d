/** A file in an archive. Its owner is root, and it is as old as the whole release. */
export interface ArchiveFile {
  /** With slashes, and none in front. */
  readonly path: string
  /** Such as 0o644. */
  readonly mode: number
  readonly content: Uint8Array
}

/** One of text, for everyone to read. */
export function textFile(path: string, text: string, mode = 0o644): ArchiveFile {
  return { path, mode, content: Buffer.from(text) }
}

/** The folders that the files stand in, the outer before the inner, each once and none in front. */
export function foldersOf(files: readonly ArchiveFile[]): readonly string[] {
  const folders = new Set<string>()
  for (const { path } of files) {
    for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) folders.add(path.slice(0, at))
  }
  return [...folders].toSorted()
}

/** Sorted by path, so that it does not matter who named them first. */
export function inOrder(files: readonly ArchiveFile[]): readonly ArchiveFile[] {
  return files.toSorted((one, other) => (one.path < other.path ? -1 : 1))
}
