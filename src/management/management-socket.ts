import { chmodSync } from "node:fs"
import type { Log } from "../foundation/log.ts"
import { clearSocketPath, ownerAlone } from "../transport/unix.ts"
import { listenErrorFrom } from "../transport/listen-error.ts"
import { Activity } from "./activity.ts"
import { Changes } from "./changes.ts"
import { answer, type Offices } from "./routes.ts"
import type { ManagementSurroundings } from "./surroundings.ts"

/** Nothing that is asked needs more. */
const mostBodyBytes = 64 * 1024
/** What is asked for in the name of another place was meant for that. */
const host = "localhost"
/** Whoever reads a list in a pager takes his time, and nobody else can connect. Bun's types know it of ports alone. */
const patience: object = { idleTimeout: 0 }
/** In the header that says, percent-encoded, who asks. */
const longestName = 256

export interface ManagementSocket {
  /** Answers nobody any more, and the file is gone. What somebody changes at the moment goes no further. */
  stop(): Promise<void>
  /** Resolves when that is written down. To be waited for before the store is closed. */
  settled(): Promise<void>
}

/**
 * Answers by HTTP at a unix socket. Whoever may open its file may do everything, and only the broker's own user may; who
 * says to be somebody is believed, as with the files beside it.
 *
 * @throws ListenError
 */
export async function openManagementSocket(
  path: string,
  surroundings: ManagementSurroundings,
  log: Log,
): Promise<ManagementSocket> {
  const soon = (run: () => void): void => void setImmediate(run)
  const activity = new Activity(surroundings, soon)
  const changes = new Changes(surroundings, soon)
  const offices: Offices = { surroundings, changes, activity, soon }
  const underWay = new Set<Promise<Response>>()
  try {
    await clearSocketPath(path)
    const server = forOwnerAlone(() =>
      Bun.serve({
        unix: path,
        maxRequestBodySize: mostBodyBytes,
        ...patience,
        development: false,
        fetch: (request) => {
          const answered = serve(offices, request)
          underWay.add(answered)
          return answered.finally(() => underWay.delete(answered))
        },
        error: (error) => {
          log.error("a bug in Bantam", { error: error.stack ?? error.message })
          return refusal(500, "a bug in Bantam; the log says more")
        },
      }),
    )
    chmodSync(path, ownerAlone)
    return {
      stop: async () => {
        activity.close()
        changes.stop()
        await server.stop(true)
      },
      settled: async () => {
        await Promise.allSettled(underWay)
      },
    }
  } catch (cause) {
    throw listenErrorFrom(cause, { scheme: "unix", path })
  }
}

/** There is no moment in which others may open what is bound here, whatever the program's umask. */
function forOwnerAlone<Bound>(bind: () => Bound): Bound {
  const usual = process.umask(0o077)
  try {
    return bind()
  } finally {
    process.umask(usual)
  }
}

async function serve(offices: Offices, request: Request): Promise<Response> {
  // No page of the web has a way here, and none is to have one by a proxy that somebody puts in front.
  if (request.headers.has("origin")) return refusal(403, "not for web pages")
  const url = URL.parse(request.url)
  if (url?.hostname !== host)
    return refusal(421, `this is ${host}, and nobody else; say so in the Host header`)
  const body = await bodyOf(request)
  if (body === undefined) return refusal(400, "the body came to no end")
  const { method } = request
  return answer(offices, { method, url, who: nameOf(request.headers.get("bantam-who")), body })
}

function refusal(status: number, error: string): Response {
  return Response.json({ error }, { status })
}

/** @returns undefined when whoever asks went away in the middle of it */
async function bodyOf(request: Request): Promise<string | undefined> {
  try {
    return await request.text()
  } catch {
    return undefined
  }
}

/** Who else could have opened the file is root. */
function nameOf(header: string | null): string {
  if (header === null) return `administrator@${process.getuid?.() ?? "localhost"}`
  try {
    return decodeURIComponent(header).slice(0, longestName)
  } catch {
    // Not encoded as we do it: as it stands, then.
    return header.slice(0, longestName)
  }
}
