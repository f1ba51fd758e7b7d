import { table, paint } from "../output.ts"
import { type Findings, mainLatency } from "./findings.ts"
import { drawHistogram } from "./histogram-drawing.ts"
import { rate } from "./numbers.ts"
import { counted } from "../quantities.ts"
import { bytesPerSecond, latency, whole } from "./units.ts"

const percentiles = [
  ["p50", "p50"],
  ["p90", "p90"],
  ["p99", "p99"],
  ["p99.9", "p999"],
  ["max", "maximum"],
] as const

/**
 * What a run showed, for a person.
 *
 * @param columns of the terminal
 * @param isPlain draws with letters that every terminal has
 */
export function summary(findings: Findings, columns: number, isPlain: boolean): string {
  const sections = [
    heading(findings, columns),
    ratesTable(findings, columns),
    latencyTable(findings),
    drawing(findings, columns, isPlain),
    verdict(findings, columns),
  ]
  return sections.filter((section) => section !== "").join("\n")
}

function heading({ shape, broker, load, ended, seconds }: Findings, columns: number): string {
  const parties = [
    ...(load.publishers > 0 ? [counted(load.publishers, "publisher")] : []),
    ...(load.subscribers > 0
      ? [counted(load.subscribers, load.shared ? "sharing subscriber" : "subscriber")]
      : []),
    ...(load.publishers > 0 ? [counted(load.topics, "topic")] : [`${whole(load.inFlight)} at a time`]),
  ]
  const message = load.publishers > 0 ? `, QoS ${load.qos}, ${whole(load.payloadBytes)} bytes` : ""
  const words = [
    `${paint.bold(shape)} ${broker}`,
    `MQTT ${load.mqtt}${message}`,
    parties.join(", "),
    loopText(load),
    `${seconds.toFixed(1)} s measured${endings[ended]}`,
  ]
  return `${flowed(words, columns)}\n`
}

function loopText({ publishers, subscribers, qos, inFlight, ratePerSecond }: Findings["load"]): string {
  if (ratePerSecond !== null) return `open loop, ${whole(ratePerSecond)} a second`
  if (publishers === 0) return "closed loop"
  return `closed loop, ${qos === 0 && subscribers === 0 ? "as the socket takes it" : `${whole(inFlight)} in flight`}`
}

const endings: Readonly<Record<Findings["ended"], string>> = {
  time: "",
  count: "",
  interrupted: ", ended early by you",
  "connection-lost": ", ended early: a connection was lost",
  stalled: ", ended early: nothing more came",
}

/** A terminal that is too narrow gets no payload. */
function ratesTable({ rates }: Findings, columns: number): string {
  const rows = Object.entries(rates).map(([name, { count, perSecond, bytesPerSecond: bytes }]) => [
    name,
    whole(count),
    `${perSecond < 1e4 ? whole(perSecond) : rate(perSecond)}/s`,
    ...(bytes === null ? [] : [bytesPerSecond(bytes)]),
  ])
  const all = rightAligned([["", "COUNT", "RATE", ...(rows[0]?.length === 4 ? ["PAYLOAD"] : [])], ...rows])
  const isWide = all.some((row) => row.join("  ").length > columns)
  return table(isWide ? all.map((row) => row.slice(0, 3)) : all)
}

function latencyTable({ latencies }: Findings): string {
  const kinds = Object.entries(latencies)
  if (kinds.every(([, { count }]) => count === 0)) return ""
  const rows = percentiles.map(([label, key]) => [label, ...kinds.map(([, facts]) => latency(facts[key]))])
  return table(rightAligned([["LATENCY", ...kinds.map(([name]) => name.toUpperCase())], ...rows]))
}

function drawing(findings: Findings, columns: number, isPlain: boolean): string {
  const main = mainLatency(findings)
  if (main === undefined) return ""
  const lines = drawHistogram(main[1].histogram, columns, isPlain)
  return [paint.bold(main[0].toUpperCase()), ...lines].map((line) => `${line}\n`).join("")
}

function verdict(findings: Findings, columns: number): string {
  const { faults, refused, remarks, rates, generator } = findings
  const { lost, duplicated, outOfOrder, isBreach } = faults
  const checked = rates.delivered !== undefined || rates.drained !== undefined
  const counts = `lost ${whole(lost)}, duplicated ${whole(duplicated)}, out of order ${whole(outOfOrder)}`
  const breach = isBreach ? `${counts}: QoS ${findings.load.qos} promises none` : counts
  return [
    ...(checked ? [isBreach ? paint.red(breach) : breach] : []),
    ...refused.map(({ what, reasonCode, reason, count }) =>
      paint.red(
        `${what === "publish" ? "publishes" : "connections"} ${reasonCode === null ? "failed" : "refused"}: ` +
          `${whole(count)}, ${reason}${reasonCode === null ? "" : ` (${reasonCode})`}`,
      ),
    ),
    paint.dim(generatorText(generator)),
    ...remarks.map((remark) => paint.yellow(Bun.wrapAnsi(`note: ${remark}`, columns))),
  ]
    .map((line) => `${line}\n`)
    .join("")
}

function generatorText({ cpuShare, sentLateP99 }: Findings["generator"]): string {
  const late = sentLateP99 === null ? "" : `, itself late by ${latency(sentLateP99)} (p99)`
  return `load generator: ${(cpuShare * 100).toFixed(0)} % of a core${late}`
}

/** All columns but the first. */
function rightAligned(rows: readonly (readonly string[])[]): string[][] {
  const width = (column: number) => Math.max(...rows.map((row) => Bun.stringWidth(row[column] ?? "")))
  return rows.map((row) =>
    row.map((cell, column) =>
      column === 0 ? cell : " ".repeat(width(column) - Bun.stringWidth(cell)) + cell,
    ),
  )
}

/** Parts with semicolons between them, as many on a line as fit. */
function flowed(parts: readonly string[], columns: number): string {
  const lines: string[] = []
  for (const part of parts) {
    const last = lines.at(-1)
    const joined = `${last}; ${part}`
    if (last !== undefined && Bun.stringWidth(joined) <= columns) lines[lines.length - 1] = joined
    else lines.push(part)
  }
  return lines.join("\n")
}
