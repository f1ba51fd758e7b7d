import { parseArgs } from "node:util"
import type { Span } from "./measure.ts"

/** What a run is asked for. */
export interface Options extends Span {
  /** Names of rows, or parts of them; empty: all. */
  readonly only: readonly string[]
  /** Peers beside ours; undefined: all that are installed. */
  readonly peers: readonly string[] | undefined
  readonly templates: readonly string[]
  readonly rounds: number
  /** A file, or "-" for standard output. */
  readonly json: string | undefined
  readonly markdown: boolean
  readonly report: string | undefined
  /** An executable of ours, or a file of an earlier run. */
  readonly compare: string | undefined
  readonly profile: string | undefined
  readonly list: boolean
  readonly help: boolean
}

export const usage = `Ours beside others under the same load, in CPU time of the broker.

Usage: npm run bench -- [options]

  --only NAME       the row of that name, or without one the rows whose names hold it; repeatable, or names
                    with commas between
  --peers NAMES     peers beside ours, with commas between; without it all that are installed
  --peer NAME=CMD   one more, such as 'flashmq=/usr/bin/flashmq --port {port} --dir {directory}';
                    also {tlsPort}, {webSocketPort}, {certFile}, {keyFile}; repeatable
  --rounds N        measurements of each peer in each row; 3, and 5 with --compare
  --seconds N       how long each of them takes, 2; after a --warm-up of 1
  --compare BASE    with BASE, another executable of ours (measured in turn, the trustworthy form) or the
                    file of an earlier run; fails when something became worse
  --json FILE       everything that was measured; - prints it instead of the table
  --markdown        the table for a document
  --report FILE     the figures as a page for a browser
  --profile FOLDER  leaves a CPU profile of each run of ours; the figures are then worth less
  --list            the rows and the peers, and what they are`

/** @throws Error about a word that means nothing here */
export function parseOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      only: { type: "string", multiple: true },
      peers: { type: "string" },
      peer: { type: "string", multiple: true },
      rounds: { type: "string" },
      seconds: { type: "string", default: "2" },
      "warm-up": { type: "string", default: "1" },
      compare: { type: "string" },
      json: { type: "string" },
      markdown: { type: "boolean", default: false },
      report: { type: "string" },
      profile: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  })
  return {
    only: (values.only ?? []).flatMap(names),
    peers: values.peers === undefined ? undefined : names(values.peers),
    templates: values.peer ?? [],
    rounds: positive("rounds", values.rounds ?? (values.compare === undefined ? "3" : "5")),
    seconds: positive("seconds", values.seconds),
    warmUpSeconds: positive("warm-up", values["warm-up"]),
    compare: values.compare,
    json: values.json,
    markdown: values.markdown,
    report: values.report,
    profile: values.profile,
    list: values.list,
    help: values.help,
  }
}

/**
 * A whole name stands for itself alone, so that "durable" is not "durable-2" as well; a part of names for all of them.
 *
 * @throws Error about a word that is neither
 */
export function chooseRows(rows: readonly string[], only: readonly string[]): Set<string> {
  if (only.length === 0) return new Set(rows)
  const chosen = only.map((word) => {
    const found = rows.includes(word) ? [word] : rows.filter((name) => name.includes(word))
    if (found.length === 0) throw new Error(`no row is called ${word}, not even in part; see --list`)
    return found
  })
  return new Set(chosen.flat())
}

function names(text: string): string[] {
  return text.split(",").filter((name) => name !== "")
}

function positive(option: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new Error(`--${option} takes a number above 0, not ${text}`)
}
