export interface Heading {
  readonly level: number
  readonly text: string
  /** What a link to it says behind its #. */
  readonly anchor: string
}

/** The headings of a page, in order. Their anchors are those of GitHub and GitLab, so that links lead to them there too. */
export function headingsOf(markdown: string): readonly Heading[] {
  const headings: Heading[] = []
  const counts = new Map<string, number>()
  Bun.markdown.render(markdown, {
    heading: (text, { level }) => {
      const name = text
        .toLowerCase()
        .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
        .replaceAll(" ", "-")
      const count = counts.get(name) ?? 0
      counts.set(name, count + 1)
      headings.push({ level, text, anchor: count === 0 ? name : `${name}-${count}` })
      return text
    },
  })
  return headings
}
