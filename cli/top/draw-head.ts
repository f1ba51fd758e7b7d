import { harmless } from "../harmless.ts"
import type { Paint } from "../output.ts"
import { formatCode } from "../time-format.ts"
import type { Size } from "./draw.ts"
import { flowed } from "./draw-line.ts"
import { bytesText, countText, durationText, rateText, sparkline } from "../number-text.ts"
import type { Past } from "./past.ts"
import type { Reading } from "./reading.ts"
import type { View } from "./view.ts"

/** From this height on there is room for notes in full. */
const roomyRows = 24

/** What the broker is and does as a whole. */
export function headLines(
  reading: Reading,
  past: Past,
  { isPaused }: View,
  { columns, rows }: Size,
  paint: Paint,
): readonly string[] {
  const { name, version, uptimeSeconds, trouble, warnings, notes, totals, rates } = reading
  const time = formatCode("T", new Date(reading.atMs))
  const title = [
    paint.bold(harmless(name)),
    ...(version === undefined ? [] : [harmless(version)]),
    ...(uptimeSeconds === undefined ? [] : [`up ${durationText(uptimeSeconds)}`]),
    isPaused ? paint.yellow(`${time} paused`) : paint.dim(time),
  ]
  const facts: readonly (readonly [string, string])[] = [
    ["clients", countText(reading.clients)],
    ["sessions", countText(reading.sessions)],
    ["subscriptions", countText(reading.subscriptions)],
    ["retained", countText(reading.retained)],
    ["queued", countText(reading.queued)],
    [
      "dropped",
      `${countText(totals.dropped)}${rates.dropped === undefined ? "" : ` (${rateText(rates.dropped)}/s)`}`,
    ],
  ]
  const isRoomy = rows >= roomyRows
  return [
    ...flowed(title, columns, 2),
    ...flowed(
      facts.map(([fact, value]) => `${paint.dim(fact)} ${value}`),
      columns,
      2,
    ),
    trafficLine("in", rates.messagesIn, rates.bytesIn, past.messagesIn, columns, paint.green),
    trafficLine("out", rates.messagesOut, rates.bytesOut, past.messagesOut, columns, paint.blue),
    ...(trouble === undefined ? [] : [paint.red(`not reached: ${harmless(trouble)}; trying again`)]),
    ...warnings.map((warning) => paint.yellow(harmless(warning))),
    ...flowed(
      notes.map((note) => paint.dim(harmless(note))),
      columns,
      isRoomy ? notes.length : 1,
    ),
    ...(isRoomy ? [""] : []),
  ]
}

function trafficLine(
  way: string,
  messages: number | undefined,
  bytes: number | undefined,
  past: readonly (number | undefined)[],
  columns: number,
  colour: (text: string) => string,
): string {
  const text = `${way.padEnd(3)} ${rateText(messages).padStart(7)} msg/s ${bytesText(bytes).padStart(8)}/s  `
  return text + colour(sparkline(past, Math.max(0, columns - text.length)))
}
