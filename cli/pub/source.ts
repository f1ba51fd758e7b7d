import { fileName } from "../file-chunks.ts"
import { linesOf } from "../lines.ts"
import type { MannerName } from "../manner.ts"
import { CommandError } from "../output.ts"
import { type PayloadOptions, payloadOf } from "../payload-options.ts"
import type { Composer } from "./composer.ts"
import { csvRows } from "./csv-rows.ts"
import { jsonlRows } from "./jsonl-rows.ts"
import { lineNames, lineRows, repeatedRows, type Row } from "./row.ts"

/** Where messages come from, and how fast. */
export interface SourceOptions {
  readonly stdinLine?: true
  readonly csv?: string
  readonly jsonl?: string
  readonly repeat?: number
  /** In seconds. */
  readonly repeatDelay: number
  /** Both are the time from one message to the next, in milliseconds. */
  readonly every?: number
  readonly rate?: number
  readonly template?: true
}

export interface Source {
  readonly rows: AsyncIterable<Row>
  /** Only somebody else ends it. */
  readonly isEndless: boolean
  /** Undefined: as fast as the server takes them. */
  readonly intervalMs: number | undefined
}

/**
 * The payload that the command line gives, which is a template where a source gives one as well.
 *
 * @returns undefined when only a source does
 * @throws CommandError for too many of them, or none
 */
export async function givenPayload(
  options: SourceOptions & PayloadOptions,
  manner: MannerName,
): Promise<Uint8Array | undefined> {
  const { stdinLine, csv, jsonl, template, stdinFile } = options
  const sources = [stdinLine, csv, jsonl].filter((source) => source !== undefined)
  if (sources.length > 1) throw new CommandError("-l, --csv and --jsonl exclude each other")
  const read = payloadOf(options, manner, ...(template === true ? [] : [stdinLine]))
  if (read === undefined) {
    if (sources.length > 0) return undefined
    throw new CommandError("say what to publish with one of -m, -f, -l, -s, -n, --csv and --jsonl")
  }
  if (sources.length > 0 && template === undefined) {
    throw new CommandError("-m, -f, -s and -n beside --csv or --jsonl are templates: add --template")
  }
  if (stdinFile === true && [stdinLine, csv === "-", jsonl === "-"].includes(true)) {
    throw new CommandError("-s reads all of standard input: nothing else can be read from it")
  }
  return read()
}

/**
 * Reads as much as has to be known before the first message.
 *
 * @throws CommandError
 */
export async function openSource(
  options: SourceOptions & { readonly topic?: string },
  composer: Composer,
  hasPayload: boolean,
): Promise<Source> {
  const { stdinLine, csv, jsonl, repeat, repeatDelay, topic } = options
  const intervalMs = intervalOf(options)
  if (repeat !== undefined && (csv ?? jsonl) !== undefined) {
    throw new CommandError("--repeat repeats one message: leave it out with --csv and --jsonl")
  }
  if (csv !== undefined) {
    const { columns, rows } = await csvRows(csv)
    const lacks = [topic === undefined ? "topic" : [], hasPayload ? [] : "payload"].flat()
    for (const column of lacks.filter((each) => !columns.includes(each))) {
      const instead = column === "topic" ? "-t TOPIC" : "--template -m TEXT"
      throw new CommandError(
        `${fileName(csv)}:1: no column is called ${column}; name one so, or add ${instead}`,
      )
    }
    composer.check(columns, "columns")
    return { rows, isEndless: false, intervalMs }
  }
  if (jsonl !== undefined) return { rows: jsonlRows(jsonl), isEndless: false, intervalMs }
  if (stdinLine !== undefined) {
    composer.check(lineNames, "field")
    return { rows: lineRows(linesOf(Bun.stdin.stream())), isEndless: false, intervalMs }
  }
  composer.check([], "")
  const times = repeat ?? (intervalMs === undefined ? 1 : Number.POSITIVE_INFINITY)
  return {
    rows: repeatedRows(times, repeatDelay * 1000),
    isEndless: times === Number.POSITIVE_INFINITY,
    intervalMs,
  }
}

function intervalOf({ every, rate, repeatDelay }: SourceOptions): number | undefined {
  if (every !== undefined && rate !== undefined)
    throw new CommandError("--every and --rate exclude each other")
  const intervalMs = every ?? rate
  if (intervalMs !== undefined && repeatDelay > 0) {
    throw new CommandError("--repeat-delay waits after each message: leave it out with --every and --rate")
  }
  return intervalMs
}
