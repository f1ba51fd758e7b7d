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
/** In the header that says, percent-encoded, who asks. */
const longestName = 256

export interface ManagementSocket {
  /** Answers nobody any more, and the file is gone. */
  stop(): Promise<void>
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
  const offices: Offices = { surroundings, changes: new Changes(surroundings, soon), activity, soon }
  try {
    await clearSocketPath(path)
    const server = Bun.serve({
      unix: path,
      maxRequestBodySize: mostBodyBytes,
      development: false,
      fetch: (request) => serve(offices, request),
      error: (error) => {
        log.error("a bug in Bantam", { error: error.stack ?? error.message })
        return Response.json({ error: "a bug in Bantam; the log says more" }, { status: 500 })
      },
    })
    chmodSync(path, ownerAlone)
    return {
      stop: async () => {
        activity.close()
        await server.stop(true)
      },
    }
  } catch (cause) {
    throw listenErrorFrom(cause, { scheme: "unix", path })
  }
}

async function serve(offices: Offices, request: Request): Promise<Response> {
  // No page of the web has a way here, and none is to have one by a proxy that somebody puts in front.
  if (request.headers.has("origin")) return Response.json({ error: "not for web pages" }, { status: 403 })
  const { method } = request
  const who = nameOf(request.headers.get("bantam-who"))
  return answer(offices, { method, url: new URL(request.url), who, body: await request.text() })
}

function nameOf(header: string | null): string {
  if (header === null) return "administrator"
  try {
    return decodeURIComponent(header).slice(0, longestName)
  } catch {
    // Not encoded as we do it: as it stands, then.
    return header.slice(0, longestName)
  }
}
