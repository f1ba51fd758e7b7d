import { InvalidArgumentError } from "commander"
import { listenUrl } from "../../src/config/listen-url.ts"
import { type ConnectionUrl, connectionUrl } from "../connection-url.ts"
import { CommandError } from "../output.ts"
import { lookUpServer } from "../srv-lookup.ts"
import { type TargetOptions, targetOf } from "../target-options.ts"
import type { BenchOptions } from "./options.ts"
import { oneLine } from "./one-line.ts"
import type { Server } from "./plan.ts"

/**
 * Reads the value of -L, where a topic may follow the address, as it has to in `pub`.
 *
 * @throws CommandError
 */
export function parseServerOption(text: string): { readonly server: ConnectionUrl; readonly topic?: string } {
  const [, address = text, topic = ""] = /^([a-z]+:\/\/[^/]+)\/(.*)$/s.exec(text) ?? []
  try {
    return { server: connectionUrl(address), ...(topic === "" ? {} : { topic }) }
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw new CommandError(`-L ${text}: ${error.message}`)
    throw error
  }
}

/**
 * A broker to put a load on: what its URL leaves open, the options say, and without one they say all.
 *
 * @throws CommandError
 */
export async function serverOf(written: ConnectionUrl | undefined, options: BenchOptions): Promise<Server> {
  const named = targetWith(written, options)
  const target = options.srv === true ? await lookedUp(named) : named
  const username = written?.username ?? options.username
  const password = written?.username === undefined ? options.pw : written.password
  if (password !== undefined && username === undefined && options.protocolVersion !== 5) {
    throw new CommandError("-P without -u is for MQTT 5 only: add -u NAME")
  }
  return {
    target,
    url: listenUrl(target),
    username,
    password: password === undefined ? undefined : Buffer.from(password),
  }
}

async function lookedUp(target: Server["target"]): Promise<Server["target"]> {
  try {
    return await lookUpServer(target)
  } catch (error) {
    throw oneLine(error)
  }
}

function targetWith(written: ConnectionUrl | undefined, options: BenchOptions): Server["target"] {
  if (written === undefined) return targetOf(options, "bantam")
  const { target } = written
  if (target.scheme === "unix") return target
  const { host, port } = target
  const isTls = target.scheme === "tls" || target.scheme === "wss"
  const isWebSocket = target.scheme === "ws" || target.scheme === "wss"
  // What says where the other one is, when two are compared, is not about this one.
  const { unix: _unix, ws: _ws, ...others } = options
  const asked: Pick<TargetOptions, "tlsUseOsCerts" | "ws"> = {
    ...(isTls ? { tlsUseOsCerts: true } : {}),
    ...(isWebSocket ? { ws: true } : {}),
  }
  const found = targetOf({ ...others, host, port, ...asked }, "bantam")
  return "path" in target && (found.scheme === "ws" || found.scheme === "wss")
    ? { ...found, ...(target.path === undefined ? {} : { path: target.path }) }
    : found
}
