import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs"
import { connect, createServer } from "node:net"
import type { ListenerSettings, Settings } from "../src/config/settings.ts"
import type { Finding } from "./doctor-findings.ts"
import { addressForUsers } from "./serve.ts"

type Look = Omit<Finding, "check">

/** Whether the broker can listen there, or does. @param served by this process */
export async function examineAddress(
  { url, address }: ListenerSettings,
  served: number | undefined,
): Promise<Look> {
  if (address.scheme === "unix") return examinePath(url, address.path, served)
  if (address.port === 0) return { verdict: "ok", what: `${url} takes a free port` }
  const why = await whyNotListen(address.host, address.port)
  switch (why) {
    case undefined:
      return { verdict: "ok", what: `${url} is free` }
    case "EADDRINUSE":
      return inUse(url, served, (processId) => portIsOf(processId, address.port))
    case "EACCES":
    case "EPERM":
      return {
        verdict: "fail",
        what: `${url} is not for user ${process.getuid?.() ?? "?"}`,
        remedy: "grant CAP_NET_BIND_SERVICE, or choose a port above 1023",
      }
    case "EADDRNOTAVAIL":
      return {
        verdict: "fail",
        what: `${url} is no address of this machine`,
        remedy: "choose one of its own, or 0.0.0.0 for all of them",
      }
    default:
      return {
        verdict: "fail",
        what: `${url} cannot be listened on (${why})`,
        remedy: "choose another address",
      }
  }
}

/** Who can come in where nobody need show who he is, or nobody can. @param users how many there are, if that is known */
export function examineDoors(settings: Settings, users: number | undefined): readonly Look[] {
  const open = settings.listeners
    .filter(({ loopback, allowsAnonymous }) => !loopback && allowsAnonymous)
    .map((listener): Look => {
      const what = `${listener.url} can be reached from the network, and takes clients without a user name`
      return { verdict: "warn", what, remedy: "set security.allow_anonymous = false unless that is meant" }
    })
  const waits = addressForUsers(settings)
  if (waits === undefined || users !== 0) return open
  const what = `${waits.url} can be reached from the network and there is no user yet, so the broker does not start`
  return [
    ...open,
    { verdict: "fail", what, remedy: "add a user with `bantam user add NAME`, or listen at 127.0.0.1 alone" },
  ]
}

async function examinePath(url: string, path: string, served: number | undefined): Promise<Look> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return { verdict: "ok", what: `${url} is free` }
  if (!found.isSocket()) {
    return { verdict: "fail", what: `${path} is no socket`, remedy: "remove it, or choose another path" }
  }
  if (!(await answers(path))) return { verdict: "ok", what: `${url} is left over, and the broker takes it` }
  return inUse(url, served, (processId) => pathIsOf(processId, path))
}

function inUse(
  url: string,
  served: number | undefined,
  isOf: (processId: number) => boolean | undefined,
): Look {
  const remedy = "stop the program that listens there (ss -ltnp names it), or choose another address"
  if (served === undefined) return { verdict: "fail", what: `another program listens at ${url}`, remedy }
  switch (isOf(served)) {
    case true:
      return { verdict: "ok", what: `the broker (process ${served}) listens at ${url}` }
    case false:
      return { verdict: "fail", what: `another program than the broker listens at ${url}`, remedy }
    case undefined:
      return {
        verdict: "warn",
        what: `somebody listens at ${url}, and it cannot be told whether that is process ${served}`,
        remedy: "run this as the broker's user, or as root",
      }
  }
}

/** @returns the system's code for why not; undefined: one can */
function whyNotListen(host: string, port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const server = createServer()
  server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  return promise
}

function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ path })
  socket.once("connect", () => {
    socket.destroy()
    resolve(true)
  })
  socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"))
  return promise
}

/** A line of the kernel's table: local address and port in hexadecimal, state 0A for listening, and the inode tenth. */
function portIsOf(processId: number, port: number): boolean | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`
  return holds(processId, ["tcp", "tcp6"], (columns) => {
    return columns[1]?.endsWith(suffix) === true && columns[3] === "0A" ? columns[9] : undefined
  })
}

function pathIsOf(processId: number, path: string): boolean | undefined {
  return holds(processId, ["unix"], (columns) => (columns[7] === path ? columns[6] : undefined))
}

/** @returns undefined where the system does not let us see what the process has open */
function holds(
  processId: number,
  tables: readonly string[],
  inodeOf: (columns: readonly string[]) => string | undefined,
): boolean | undefined {
  try {
    const sockets = new Set(
      tables.flatMap((table) =>
        readFileSync(`/proc/${processId}/net/${table}`, "utf8")
          .split("\n")
          .flatMap((line) => inodeOf(line.trim().split(/\s+/)) ?? [])
          .map((inode) => `socket:[${inode}]`),
      ),
    )
    return readdirSync(`/proc/${processId}/fd`).some((name) => sockets.has(linkOf(processId, name)))
  } catch {
    return undefined
  }
}

/** Empty for one that was closed meanwhile. */
function linkOf(processId: number, name: string): string {
  try {
    return readlinkSync(`/proc/${processId}/fd/${name}`)
  } catch {
    return ""
  }
}
