import type { Figures } from "./figures.ts"

const width = 860
const plotHeight = 200
const margin = { left: 60, right: 50, top: 34, bottom: 40 }

/**
 * Small plots one above the other, one for each thing that was measured: its cost over how many there are, which is on a
 * logarithmic scale. A cost that grows with the logarithm is a straight line there.
 *
 * @param figures of bench:scale growth
 * @returns an SVG document
 */
export function plot(figures: Figures): string {
  const series = Map.groupBy(figures, (figure) => String(figure["what is measured"]))
  const height = plotHeight + margin.top + margin.bottom
  const plots = [...series].map(([what, points], index) => {
    const xy = points.map((point) => [Number(point["of how many"]), Number(point["CPU, µs"])] as const)
    return `<g transform="translate(0 ${index * height})">${onePlot(what, xy)}</g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height * plots.length}" font-family="system-ui, sans-serif" font-size="13">
<style>svg { color: #222; background: #fff } @media (prefers-color-scheme: dark) { svg { color: #ddd; background: #181818 } }</style>
${plots.join("\n")}
</svg>
`
}

function onePlot(what: string, points: readonly (readonly [x: number, y: number])[]): string {
  const decades = Math.max(1, ...points.map(([x]) => Math.ceil(Math.log10(x))))
  const highest = niceAbove(Math.max(...points.map(([, y]) => y)))
  const xOf = (x: number) => margin.left + (Math.log10(x) / decades) * (width - margin.left - margin.right)
  const yOf = (y: number) => margin.top + plotHeight - (y / highest) * plotHeight
  const vertical = Array.from({ length: decades + 1 }, (_, decade) => {
    const x = xOf(10 ** decade)
    return `${line(x, margin.top, x, margin.top + plotHeight)}${label(x, margin.top + plotHeight + 18, "middle", (10 ** decade).toLocaleString("en-US"))}`
  })
  const horizontal = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = yOf(highest * share)
    const text = String(Number((highest * share).toPrecision(3)))
    return `${line(margin.left, y, width - margin.right, y)}${label(margin.left - 8, y + 4, "end", text)}`
  })
  const path = points.map(([x, y]) => `${xOf(x).toFixed(1)},${yOf(y).toFixed(1)}`).join(" ")
  const dots = points.map(
    ([x, y]) =>
      `<circle cx="${xOf(x).toFixed(1)}" cy="${yOf(y).toFixed(1)}" r="4" fill="#2a7de1"><title>${x.toLocaleString("en-US")}: ${y} µs</title></circle>`,
  )
  return [
    label(margin.left, margin.top - 12, "start", `CPU of a ${what}, µs`, "600"),
    ...vertical,
    ...horizontal,
    `<polyline points="${path}" fill="none" stroke="#2a7de1" stroke-width="2"/>`,
    ...dots,
  ].join("\n")
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="currentColor" stroke-opacity="0.15"/>`
}

function label(
  x: number,
  y: number,
  anchor: "start" | "middle" | "end",
  text: string,
  weight = "400",
): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" font-weight="${weight}" fill="currentColor">${text}</text>`
}

/** The least of 1, 2 and 5 times a power of ten that is not below the value. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return power * ([1, 2, 5].find((step) => step * power >= value) ?? 10)
}
