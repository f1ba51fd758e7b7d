import { existsSync } from "node:fs"
import packageJson from "../../package.json" with { type: "json" }
import type { Peer } from "./peer.ts"
import { startProcess } from "./peer-process.ts"

/*
 * The peers that are a script beside us, which prints the port that it listens on.
 */

/** On Node, for which it was made, if there is one. */
export function aedesPeer(): Peer {
  const node = Bun.which("node")
  return scriptPeer(node ?? process.execPath, new URL("aedes.mjs", import.meta.url).pathname, {
    name: "aedes",
    version: packageJson.devDependencies.aedes,
    about: `on ${node === null ? "Bun" : "Node"}; keeps everything in memory`,
  })
}

/** No broker: it passes bytes on, and shows what is left to gain. */
export function forwarderPeer(): Peer | undefined {
  const script = new URL("../forwarder.ts", import.meta.url).pathname
  if (!existsSync(script)) return undefined
  return scriptPeer(process.execPath, script, {
    name: "forwarder",
    version: "",
    about: "no broker but the floor: bytes in, the same bytes out",
  })
}

function scriptPeer(runtime: string, script: string, facts: Pick<Peer, "name" | "version" | "about">): Peer {
  return {
    ...facts,
    kind: facts.name,
    start: async () => {
      const broker = startProcess([runtime, script])
      const [line = ""] = /^\d+$/m.exec(await broker.printed(/^\d+\n/m)) ?? []
      return { ...broker, tcpPort: Number(line), tlsPort: undefined, webSocketPort: undefined }
    },
  }
}
