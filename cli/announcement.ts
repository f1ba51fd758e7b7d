import type { Settings } from "../src/config/settings.ts"
import { paint, shellWord } from "./output.ts"

/** What a broker says of itself when it serves. */
export interface Announcement {
  readonly version: string
  /** In the order of the listeners. */
  readonly urls: readonly string[]
  readonly settings: Settings
  /** What clients are to trust, of a certificate of our own making. */
  readonly caFile: string | undefined
  /** The settings file that was named, if any. */
  readonly configFile: string | undefined
  /** The data directory was made by this start. */
  readonly isFirst: boolean
  readonly userCount: number
  /** What other commands need to find the same data: empty, or such as ` --data try`. */
  readonly where: string
}

/** A name and what stands behind it; a command, for the reader to type, is never wrapped. */
interface Section {
  readonly name: string
  readonly lines: readonly Line[]
}
type Line = { readonly text: string } | { readonly command: string; readonly note?: string }

/** In a pipe: what listens, and where the data is. */
export function plainAnnouncement(facts: Omit<Announcement, "userCount">): string {
  const { version, urls, settings, caFile } = facts
  const rows = [
    ...urls.map((url, index) => [index === 0 ? "listening" : "", url]),
    ["data", dataText(settings)],
    ...(caFile === undefined
      ? []
      : [
          ["TLS", `clients trust ${caFile}, as in`],
          ["", secureStep(urls, caFile)],
        ]),
  ]
  const lines = rows.map(([name = "", fact = ""]) => `  ${paint.dim(name.padEnd(nameWidth))}  ${fact}\n`)
  return `${paint.bold(`Bantam ${version}`)}\n${lines.join("")}`
}

/**
 * On a terminal: who can reach it as well, and at the first start what to do next.
 *
 * @param columns how wide the terminal is
 */
export function announcement(facts: Announcement, columns: number): string {
  const { version, isFirst } = facts
  const sections = [
    listening(facts),
    data(facts),
    users(facts),
    tls(facts),
    ...(isFirst ? [firstSteps(facts), network(facts), settings(facts), stop] : []),
  ].filter(({ lines }) => lines.length > 0)
  const isNarrow = columns < narrowest
  const indent = isNarrow ? 2 : nameWidth + 4
  const widths: Widths = { text: columns - indent, command: commandWidth(sections) }
  const blocks = sections.map((section) => render(section, widths, isNarrow))
  // One screen of text wants air; three lines do not.
  const gap = isFirst ? "\n" : ""
  return `${paint.bold(`Bantam ${version}`)}\n${gap}${blocks.join(isNarrow ? gap : "")}${gap}`
}

const nameWidth = 9
/** From here on a name has a column of its own. */
const narrowest = 64
/** A longer command has its note below, and does not push the others aside. */
const widestCommand = 48

/** In columns. */
interface Widths {
  readonly text: number
  readonly command: number
}

function commandWidth(sections: readonly Section[]): number {
  const commands = sections.flatMap(({ lines }) =>
    lines.flatMap((line) => ("command" in line && line.note !== undefined ? [line.command.length] : [])),
  )
  return Math.max(0, ...commands.filter((length) => length <= widestCommand))
}

function render({ name, lines }: Section, widths: Widths, isNarrow: boolean): string {
  const rendered = lines.flatMap((line) => renderLine(line, widths))
  const indent = isNarrow ? 2 : nameWidth + 4
  const margin = " ".repeat(indent)
  if (isNarrow) return `${paint.dim(name)}\n${rendered.map((line) => `${margin}${line}\n`).join("")}`
  return rendered
    .map((line, index) => `${index === 0 ? `  ${paint.dim(name.padEnd(nameWidth))}  ` : margin}${line}\n`)
    .join("")
}

function renderLine(line: Line, { text: width, command: commands }: Widths): readonly string[] {
  if ("text" in line) return Bun.wrapAnsi(line.text, width).split("\n")
  const { command, note } = line
  if (note === undefined) return [paint.cyan(command)]
  const padded = command.padEnd(commands)
  if (padded.length + 2 + note.length <= width) return [`${paint.cyan(padded)}  ${paint.dim(note)}`]
  return [
    paint.cyan(command),
    ...Bun.wrapAnsi(note, width - 2)
      .split("\n")
      .map((each) => `  ${paint.dim(each)}`),
  ]
}

function listening({ urls, settings: { listeners } }: Announcement): Section {
  const width = Math.max(...urls.map((url) => url.length))
  const lines = urls.map((url, index) => {
    const listener = listeners[index]
    if (listener === undefined) return { text: url }
    const reach = listener.loopback ? "this machine alone" : "the network"
    return { text: `${url.padEnd(width)}  ${paint.dim(reach)}` }
  })
  return { name: "listening", lines }
}

function data({ settings: all, isFirst, where }: Announcement): Section {
  const lines: Line[] = [{ text: dataText(all) }]
  if (isFirst) lines.push({ command: `bantam backup FILE${where}`, note: "copies it, while it serves" })
  return { name: "data", lines }
}

function users(facts: Announcement): Section {
  const { userCount, settings: all, isFirst, where } = facts
  if (userCount > 0) return { name: "users", lines: [{ text: `${userCount}: bantam user list${where}` }] }
  const open = all.listeners.filter(({ allowsAnonymous }) => allowsAnonymous)
  const who = open.every(({ loopback }) => loopback) ? "every program on this machine" : "whoever reaches it"
  const lines: Line[] = [{ text: open.length === 0 ? "none yet" : `none: ${who} may publish and subscribe` }]
  if (isFirst) lines.push({ command: addUser(facts), note: "makes one; asks for a password" })
  return { name: "users", lines: all.storage.ephemeral ? lines.slice(0, 1) : lines }
}

function addUser({ where }: Announcement): string {
  return `bantam user add alice --allow '#'${where}`
}

function tls({ urls, caFile }: Announcement): Section {
  if (caFile === undefined) return { name: "TLS", lines: [] }
  return {
    name: "TLS",
    lines: [{ text: `clients trust ${caFile}, as in` }, { command: secureStep(urls, caFile) }],
  }
}

/** Two commands that show a newcomer that it works. */
function firstSteps({ urls }: Announcement): Section {
  const place = urls.map((url) => /^tcp:\/\/(.+):(\d+)$/.exec(url)).find((found) => found !== null)
  if (place === null || place === undefined) return { name: "try", lines: [] }
  const [, host = "", port = ""] = place
  // Another address of this machine, such as 127.0.0.2, is not what `localhost` means.
  const isFoundUntold = ["127.0.0.1", "localhost", "0.0.0.0", "[::]"].includes(host)
  const at =
    (isFoundUntold ? "" : ` -h ${host.replace(/^\[(.*)\]$/, "$1")}`) + (port === "1883" ? "" : ` -p ${port}`)
  return {
    name: "try",
    lines: [
      { command: `bantam sub${at} -t '#' -v`, note: "in a second terminal, and in a third" },
      { command: `bantam pub${at} -t hello -m world` },
    ],
  }
}

function network({ settings: all, where, userCount }: Announcement): Section {
  const isReached = all.listeners.some(({ loopback }) => !loopback)
  // Nobody comes in from outside who is no user, and in memory alone there are none.
  if (isReached || all.storage.ephemeral) return { name: "network", lines: [] }
  const note = userCount > 0 ? "lets others reach it" : "lets others reach it, once there is a user"
  return { name: "network", lines: [{ command: `bantam serve -l tcp://0.0.0.0:1883${where}`, note }] }
}

function settings({ configFile }: Announcement): Section {
  if (configFile !== undefined) {
    const file = shellWord(configFile)
    return {
      name: "settings",
      lines: [
        { text: `in ${configFile}` },
        { command: `bantam config check ${file}`, note: "before a restart" },
      ],
    }
  }
  return {
    name: "settings",
    lines: [
      { command: "bantam config print > bantam.toml", note: "every setting, explained" },
      { command: "bantam serve -c bantam.toml", note: "serves by them" },
    ],
  }
}

const stop: Section = { name: "stop", lines: [{ text: "Ctrl-C" }] }

function dataText({ storage }: Settings): string {
  return storage.ephemeral ? "in memory alone" : `${storage.directory} (durability: ${storage.durability})`
}

/** A command that shows that TLS works. */
function secureStep(urls: readonly string[], caFile: string): string {
  const [, port = "8883"] = /^tls:.*:(\d+)$/m.exec(urls.join("\n")) ?? []
  return `mosquitto_sub --cafile ${shellWord(caFile)} -h localhost -p ${port} -t '#' -v`
}
