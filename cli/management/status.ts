import { Command } from "commander"
import { escapeControls } from "../../src/foundation/log.ts"
import type { Status } from "../../src/management/status.ts"
import { ManagementClient } from "./management-client.ts"
import { bytesText, countText, durationText, rateText } from "../number-text.ts"
import { type SettingsOptions, withSettingsOptions } from "../options.ts"
import { paint } from "../output.ts"
import { show, type WatchOptions, withWatchOption } from "./watching.ts"

interface StatusOptions extends SettingsOptions, WatchOptions {
  readonly json?: true
}

const examples = `
Examples:
  bantam status
  bantam status --data /var/lib/bantam --json | jq .clients.connected
  bantam status --watch --every 1s

Exit codes: 0 a broker serves, 1 none does, or it may not be asked`

/** bantam status: how a running broker is. */
export function statusCommand(): Command {
  const command = new Command("status").description("how the broker is that serves the data directory")
  return withWatchOption(withSettingsOptions(command))
    .option("--json", "one JSON object, with every counter")
    .addHelpText("after", examples)
    .action(status)
}

async function status(options: StatusOptions): Promise<void> {
  const client = new ManagementClient(options)
  const draw = async () => {
    const found = await client.ask<Status>("GET", "/v1/status")
    return options.json === true ? `${JSON.stringify(found)}\n` : statusText(found)
  }
  await show(options, draw)
}

function statusText(status: Status): string {
  const { clients, sessions, subscriptions, retained, queued, memory, store } = status
  const rows = [
    ...status.urls.map((url, index) => [index === 0 ? "listening" : "", url]),
    [
      "data",
      status.directory === null
        ? "in memory alone"
        : `${status.directory} (durability: ${status.durability})`,
    ],
    ...(store.files.length === 0 ? [] : [["store", `${bytesText(store.bytes)}, ${store.mood}`]]),
    ["clients", `${countText(clients.connected)} connected, ${countText(clients.limit)} may be`],
    [
      "sessions",
      `${countText(sessions.total)}, of which ${countText(sessions.absent)} wait for their clients`,
    ],
    [
      "subscriptions",
      `${countText(subscriptions.total)}, of which ${countText(subscriptions.shared)} are shared`,
    ],
    ["retained", `${countText(retained.messages)} with $SYS (${bytesText(retained.bytes)})`],
    ["queued", `${countText(queued.messages)} (${bytesText(queued.bytes)})`],
    ["messages", `${flow(status, "received")} in, ${flow(status, "sent")} out`],
    ["lost", lost(status)],
    ["memory", bytesText(memory?.residentBytes)],
    ...status.warnings.map((warning) => ["attention", paint.yellow(warning)]),
  ]
  const head = `${paint.bold(`Bantam ${status.version}`)}, up ${durationText(status.uptimeSeconds)}, pid ${status.pid}\n`
  const lines = rows.map(
    ([name = "", fact = ""]) => `  ${paint.dim(name.padEnd(13))}  ${escapeControlsOf(name, fact)}\n`,
  )
  return head + lines.join("")
}

/** A directory may be called anything; what we have painted ourselves stays as it is. */
function escapeControlsOf(name: string, fact: string): string {
  return name === "attention" ? fact : escapeControls(fact)
}

function flow({ counters, rates }: Status, way: "received" | "sent"): string {
  const total = way === "received" ? counters.publishesReceived : counters.publishesSent
  const lately = rates[`publish/${way}`]?.["1min"]
  return lately === undefined ? countText(total) : `${countText(total)} (${rateText(lately)}/s)`
}

/** What sleepers miss at QoS 0 nobody promised them. */
function lost({ counters }: Status): string {
  const reasons = Object.entries(counters.dropped).filter(([why, count]) => count > 0 && why !== "absent")
  if (reasons.length === 0) return "nothing"
  return `${reasons.map(([why, count]) => `${countText(count)} ${why}`).join(", ")}; see bantam drops`
}
