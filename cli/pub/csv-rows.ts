import { pipeline, Readable } from "node:stream"
import type { Options } from "csv-parse"
import type { PublishRequest } from "../../src/client/sender.ts"
import type { Qos } from "../../src/protocol/packet.ts"
import { chunksOf, fileName } from "../file-chunks.ts"
import { longestLineBytes } from "../lines.ts"
import { CommandError } from "../output.ts"
import type { Row } from "./row.ts"

export interface CsvRows {
  readonly columns: readonly string[]
  readonly rows: AsyncIterable<Row>
}

interface Line {
  readonly record: readonly string[]
  /** Lines of the file up to the end of the record. */
  readonly info: { readonly lines: number }
}

/** As RFC 4180 has it, and a byte order mark before the first row. An error takes the place of what it is about. */
const asWritten: Options = {
  bom: true,
  info: true,
  skip_empty_lines: true,
  skip_records_with_error: true,
  // A quote that nobody closes would otherwise gather the rest of the file.
  max_record_size: longestLineBytes,
}

/**
 * A table whose first row names the columns. Those called topic, payload, qos and retain say what their names say; an
 * empty cell of the last two says nothing.
 *
 * @param file `-` for standard input
 * @throws CommandError for a file that cannot be read, or has no such row; the rows throw it as well
 */
export async function csvRows(file: string): Promise<CsvRows> {
  const name = fileName(file)
  const lines = linesOf(file)
  const first = await lines.next()
  if (first.done === true) throw new CommandError(`${name}: is empty; the first row must name the columns`)
  const columns = first.value.record.map((column) => column.trim())
  const twice = columns.find((column, index) => columns.indexOf(column) !== index)
  if (twice !== undefined) throw new CommandError(`${name}:1: two columns are called ${twice}; rename one`)
  return { columns, rows: rowsOf(lines, name, columns) }
}

async function* rowsOf(
  lines: AsyncIterable<Line>,
  name: string,
  columns: readonly string[],
): AsyncGenerator<Row> {
  for await (const { record, info } of lines) {
    const place = `${name}:${info.lines}`
    const text = (column: string) => record[columns.indexOf(column)]
    yield { place, fields: { names: columns, text }, own: messageOf(text, place) }
  }
}

async function* linesOf(file: string): AsyncGenerator<Line> {
  const { parse } = await import("csv-parse")
  const parser = parse(asWritten)
  parser.on("skip", (error) => parser.push(error))
  // What goes wrong with the file reaches whoever reads the rows.
  pipeline(Readable.from(textChunksOf(file)), parser, () => {})
  for await (const line of parser as AsyncIterable<Line | Error>) {
    if (line instanceof Error) throw new CommandError(`${fileName(file)}: ${line.message}`)
    yield line
  }
}

async function* textChunksOf(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
  for await (const chunk of chunksOf(file)) yield textOf(() => decoder.decode(chunk, { stream: true }), file)
  yield textOf(() => decoder.decode(), file)
}

function textOf(decode: () => string, file: string): string {
  try {
    return decode()
  } catch {
    throw new CommandError(`${fileName(file)}: is no UTF-8 text; save it as UTF-8`)
  }
}

function messageOf(text: (column: string) => string | undefined, place: string): Partial<PublishRequest> {
  const topic = text("topic")
  const payload = text("payload")
  const qos = text("qos") ?? ""
  const retain = text("retain") ?? ""
  return {
    ...(topic === undefined ? {} : { topic }),
    ...(payload === undefined ? {} : { payload: Buffer.from(payload) }),
    ...(qos === "" ? {} : { qos: known(levels, qos, `${place}: qos must be 0, 1 or 2, and is`) }),
    ...(retain === ""
      ? {}
      : { retain: known(truths, retain, `${place}: retain must be true or false, and is`) }),
  }
}

const levels: Readonly<Record<string, Qos>> = { "0": 0, "1": 1, "2": 2 }
const truths: Readonly<Record<string, boolean>> = { "0": false, "1": true, false: false, true: true }

function known<Value>(values: Readonly<Record<string, Value>>, cell: string, problem: string): Value {
  const word = cell.trim().toLowerCase()
  const value = Object.hasOwn(values, word) ? values[word] : undefined
  if (value === undefined) throw new CommandError(`${problem} ${JSON.stringify(cell)}`)
  return value
}
