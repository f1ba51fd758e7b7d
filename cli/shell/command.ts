import { nearest } from "../../src/config/nearest.ts"
import type { Qos } from "../../src/protocol/packet.ts"
import {
  parseSubscriptionFilter,
  parseTopicFilter,
  parseTopicName,
  type TopicFilter,
  wireTopicLimits,
} from "../../src/protocol/topic.ts"
import { parseDuration } from "../duration.ts"
import { CommandError } from "../output.ts"
import { type Change, parseChange } from "./settings.ts"
import { typedWord, wordsOf } from "./words.ts"

/** What a line asks for. */
export type ShellCommand =
  | { readonly word: "sub"; readonly filter: string; readonly qos: Qos | undefined }
  | { readonly word: "unsub"; readonly filter: string }
  | {
      readonly word: "pub"
      readonly topic: string
      readonly payload: string
      readonly qos: Qos | undefined
      readonly retain: boolean
    }
  | { readonly word: "topics"; readonly filter: TopicFilter | undefined }
  | { readonly word: "last"; readonly topic: string }
  | { readonly word: "wait"; readonly messages: number; readonly withinMs: number }
  | { readonly word: "set"; readonly change: Change | undefined }
  | { readonly word: "help"; readonly about: Word | undefined }
  | { readonly word: "subs" | "status" | "quit" }

/** How each word is written, and what it does. */
export const usages = {
  sub: { usage: "sub FILTER [-q 0|1|2]", does: "subscribe; messages are shown as they come" },
  unsub: { usage: "unsub FILTER", does: "end a subscription" },
  pub: { usage: "pub TOPIC PAYLOAD [-q 0|1|2] [-r]", does: "publish; -r retains the message" },
  retain: { usage: "retain TOPIC PAYLOAD [-q 0|1|2]", does: "publish, and retain the message" },
  clear: { usage: "clear TOPIC [-q 0|1|2]", does: "remove the retained message of a topic" },
  topics: { usage: "topics [FILTER]", does: "the topics that were seen, with counts and the last payload" },
  last: { usage: "last TOPIC", does: "the last message on a topic, whole" },
  subs: { usage: "subs", does: "the subscriptions" },
  status: { usage: "status", does: "where we are connected, since when, and what came and went" },
  wait: {
    usage: "wait [COUNT] [TIME]",
    does: "wait for so many messages, 30s at most unless told; or so long",
  },
  set: { usage: "set [NAME VALUE]", does: "show or change how messages are shown" },
  help: { usage: "help [WORD]", does: "this, or one word with examples" },
  quit: { usage: "quit", does: "say goodbye; Ctrl-D does the same" },
} as const satisfies Record<string, { readonly usage: string; readonly does: string }>

export type Word = keyof typeof usages

export const shellWords = Object.keys(usages).filter(isWord)

export function isWord(text: string): text is Word {
  return Object.hasOwn(usages, text)
}

/** How long `wait` waits for messages unless told. */
const usualWaitMs = 30_000

/**
 * @returns undefined for an empty line and for a comment, which begins with `#`
 * @throws CommandError
 */
export function parseCommand(line: string): ShellCommand | undefined {
  if (/^\s*(#|$)/.test(line)) return undefined
  const [name = "", ...rest] = wordsOf(line)
  if (!isWord(name)) throw unknownWord(name)
  return parsers[name](rest)
}

function unknownWord(name: string): CommandError {
  const meant = nearest(name, shellWords)
  return new CommandError(
    `there is no ${typedWord(name)}; ${meant === undefined ? "help lists the words" : `did you mean ${meant}?`}`,
  )
}

const parsers: Readonly<Record<Word, (words: readonly string[]) => ShellCommand>> = {
  sub: (words) => {
    const { plain, qos } = options("sub", words, 1, 1)
    return { word: "sub", filter: filterOf(plain[0]), qos }
  },
  unsub: (words) => ({ word: "unsub", filter: filterOf(options("unsub", words, 1, 1).plain[0]) }),
  pub: (words) => {
    const { plain, qos, retain } = options("pub", words, 2, 2)
    return { word: "pub", topic: topicOf(plain[0]), payload: plain[1] ?? "", qos, retain }
  },
  retain: (words) => {
    const { plain, qos } = options("retain", words, 2, 2)
    return { word: "pub", topic: topicOf(plain[0]), payload: plain[1] ?? "", qos, retain: true }
  },
  clear: (words) => {
    const { plain, qos } = options("clear", words, 1, 1)
    return { word: "pub", topic: topicOf(plain[0]), payload: "", qos, retain: true }
  },
  topics: (words) => {
    const [text] = options("topics", words, 0, 1).plain
    return { word: "topics", filter: text === undefined ? undefined : plainFilterOf(text) }
  },
  last: (words) => ({ word: "last", topic: topicOf(options("last", words, 1, 1).plain[0]) }),
  wait: (words) => waitOf(options("wait", words, 0, 2).plain),
  set: (words) => {
    const [name, ...values] = words
    return { word: "set", change: name === undefined ? undefined : parseChange(name, values.join(" ")) }
  },
  help: (words) => {
    const [about] = options("help", words, 0, 1).plain
    if (about !== undefined && !isWord(about)) throw unknownWord(about)
    return { word: "help", about }
  },
  subs: (words) => bare("subs", words),
  status: (words) => bare("status", words),
  quit: (words) => bare("quit", words),
}

function bare(word: "subs" | "status" | "quit", words: readonly string[]): ShellCommand {
  options(word, words, 0, 0)
  return { word }
}

interface Options {
  readonly plain: readonly string[]
  readonly qos: Qos | undefined
  readonly retain: boolean
}

/** `-q` and `-r` where the word knows them; whatever else begins with a hyphen may be a payload, as `--` before it says. */
function options(word: Word, words: readonly string[], least: number, most: number): Options {
  const { usage } = usages[word]
  const plain: string[] = []
  let qos: Qos | undefined
  let retain = false
  let isOver = false
  const rest = [...words]
  for (let each = rest.shift(); each !== undefined; each = rest.shift()) {
    const [, joined] = /^-q([012]?)$/.exec(each) ?? []
    if (!isOver && joined !== undefined && usage.includes("[-q")) {
      qos = qosOf(joined === "" ? rest.shift() : joined)
    } else if (!isOver && each === "-r" && usage.includes("[-r]")) {
      retain = true
    } else if (!isOver && each === "--") {
      isOver = true
    } else {
      plain.push(each)
    }
  }
  if (plain.length >= least && plain.length <= most) return { plain, qos, retain }
  const quoting = plain.length > most && most > 0 ? "; what has blanks in it stands in quotes" : ""
  throw new CommandError(`it is ${usage}${quoting}`)
}

/** Reads 0, 1 or 2. @throws CommandError */
export function qosOf(text: string | undefined): Qos {
  const level = ([0, 1, 2] as const).find((one) => String(one) === text)
  if (level === undefined) throw new CommandError("the quality of service is 0, 1 or 2")
  return level
}

function topicOf(text = ""): string {
  if (parseTopicName(text, wireTopicLimits) !== undefined) return text
  throw new CommandError(`${typedWord(text)}: a topic is not empty and holds neither + nor #`)
}

function filterOf(text = ""): string {
  if (parseSubscriptionFilter(text, wireTopicLimits) !== undefined) return text
  throw wrongFilter(text)
}

function plainFilterOf(text: string): TopicFilter {
  const filter = parseTopicFilter(text, wireTopicLimits)
  if (filter === undefined) throw wrongFilter(text)
  return filter
}

function wrongFilter(text: string): CommandError {
  return new CommandError(`${typedWord(text)}: in a topic filter + fills a whole level, and # the last one`)
}

function waitOf(words: readonly string[]): ShellCommand {
  let messages: number | undefined
  let withinMs: number | undefined
  for (const text of words) {
    const duration = parseDuration(text)
    if (duration !== undefined) withinMs = duration
    else if (/^[1-9]\d{0,8}$/.test(text)) messages = Number(text)
    else throw new CommandError(`${typedWord(text)} is neither a number of messages nor a time such as 5s`)
  }
  // A time alone is to be waited out.
  return {
    word: "wait",
    messages: messages ?? (withinMs === undefined ? 1 : 0),
    withinMs: withinMs ?? usualWaitMs,
  }
}
