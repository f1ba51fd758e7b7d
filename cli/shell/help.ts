import { shellWords, usages, type Word } from "./command.ts"
import type { Layout } from "./message-text.ts"

/** Further sentences and examples, where a usage does not say it all. */
const more: Readonly<Partial<Record<Word, readonly string[]>>> = {
  sub: ["sub home/#", "sub 'home/living room/+' -q 1"],
  pub: [
    "pub lamp/set on",
    `pub lamp/set '{"brightness": 80}' -q 1`,
    "pub lamp/offset -5",
    "A word that begins with -q or -r is an option; behind -- it is not.",
  ],
  retain: ["retain lamp/state on", "clear lamp/state"],
  clear: ["clear lamp/state"],
  topics: ["topics", "topics home/+/temperature"],
  wait: [
    "wait 3 5s",
    "wait 500ms",
    "Messages that came since the last wait count; for scripts: see bantam shell --help.",
  ],
  set: [
    "set format human      in lines, as bantam sub shows them on a terminal",
    "set format plain      topic and payload",
    "set format json       one object a line",
    "set format '%I %t %p' as bantam sub -F has it",
    "set messages hidden   count them and show none",
    "set qos 1             of sub and pub that name none",
  ],
}

export function helpLines(about: Word | undefined, { columns, paint }: Layout): readonly string[] {
  if (about !== undefined) {
    const { usage, does } = usages[about]
    return [`${paint.bold(usage)}  ${does}`, ...(more[about] ?? []).map((line) => `  ${line}`)]
  }
  const width = Math.max(...shellWords.map((word) => usages[word].usage.length))
  const isNarrow = columns < width + 60
  return [
    ...shellWords.flatMap((word) => {
      const { usage, does } = usages[word]
      if (isNarrow) return [paint.bold(usage), `  ${does}`]
      return [`${paint.bold(usage)}${" ".repeat(width - usage.length)}  ${does}`]
    }),
    "Tab completes words and topics that were seen; Up finds what begins as the line does.",
  ]
}
