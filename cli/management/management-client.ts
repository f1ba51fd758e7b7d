import { loadSettings } from "../../src/config/load.ts"
import type { Settings } from "../../src/config/settings.ts"
import { whoAsks } from "../accounts.ts"
import { type SettingsOptions, settingsFlags } from "../options.ts"
import { CommandError } from "../output.ts"

/** Undefined is not said. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** Asks the broker that serves a data directory, at its admin socket. */
export class ManagementClient {
  readonly #settings: Settings

  /** @throws ConfigError */
  constructor(options: SettingsOptions) {
    this.#settings = loadSettings({
      ...(options.config === undefined ? {} : { file: options.config }),
      environment: process.env,
      flags: settingsFlags(options),
    })
  }

  /**
   * @param path as in `src/management/routes.ts`
   * @throws CommandError when nobody answers, or what is asked cannot be done
   */
  async ask<Answer>(
    method: "GET" | "PUT" | "DELETE",
    path: string,
    query: Query = {},
    body?: object,
  ): Promise<Answer> {
    const response = await this.#send(method, path, query, body)
    return (await response.json()) as Answer
  }

  /** The same for a list, each as soon as it comes. */
  async *list<Item>(path: string, query: Query): AsyncIterableIterator<Item> {
    const response = await this.#send("GET", path, query)
    const decoder = new TextDecoder()
    let rest = ""
    for await (const chunk of chunksOf(response)) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
      rest = lines.pop() ?? ""
      for (const line of lines) yield JSON.parse(line) as Item
    }
    if (rest !== "") throw brokenOff()
  }

  /** The same for facts as JSON in a line, with bytes behind it. */
  async read<Facts>(
    path: string,
    query: Query,
  ): Promise<{ readonly facts: Facts; readonly payload: Uint8Array }> {
    const bytes = await (await this.#send("GET", path, query)).bytes()
    const end = bytes.indexOf(0x0a)
    const facts = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as Facts
    return { facts, payload: bytes.subarray(end + 1) }
  }

  async #send(method: string, path: string, query: Query, body?: object): Promise<Response> {
    const words = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) words.set(name, String(value))
    const response = await this.#fetch(`http://localhost${path}?${words}`, {
      method,
      headers: { "bantam-who": encodeURIComponent(whoAsks()) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (response.ok) return response
    throw new CommandError(sentenceOf(await response.text()))
  }

  async #fetch(url: string, request: RequestInit): Promise<Response> {
    const { management, storage } = this.#settings
    if (management.socket === undefined) {
      throw new CommandError(
        "there is no admin socket; name a path of less than 108 bytes as management.socket",
      )
    }
    try {
      return await fetch(url, { ...request, unix: management.socket })
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : ""
      if (code === "EACCES" || code === "EPERM") {
        throw new CommandError(`${management.socket} may not be opened; be the user that the broker runs as`)
      }
      const remedy = "start one with `bantam serve`, or name its directory with --data"
      throw new CommandError(
        `no broker answers at ${management.socket} (data directory ${storage.directory}); ${remedy}`,
      )
    }
  }
}

/** @throws CommandError when the broker is gone before the end */
async function* chunksOf({ body }: Response): AsyncIterableIterator<Uint8Array> {
  const reader = body?.getReader()
  for (;;) {
    const read = await reader?.read().catch(() => {
      throw brokenOff()
    })
    if (read?.value === undefined) return
    yield read.value
  }
}

function brokenOff(): CommandError {
  return new CommandError("the list broke off; is the broker still there?")
}

function sentenceOf(text: string): string {
  try {
    const answer: unknown = JSON.parse(text)
    if (typeof answer === "object" && answer !== null && "error" in answer) return String(answer.error)
  } catch {
    // Not of ours: told as it stands.
  }
  return text
}
