import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { BrokerNeeds } from "../scenario-kinds.ts"
import type { Peer, Place } from "./peer.ts"
import { freePort, startProcess, versionOf } from "./peer-process.ts"

export function mosquittoPeer(path: string): Peer {
  return {
    name: "mosquitto",
    kind: "mosquitto",
    version: versionOf([path, "-h"]),
    about: "keeps everything in memory, durable rows too: on disk it would save once in half an hour",
    start: async (needs, place) => {
      const tcpPort = freePort()
      const tlsPort = needs.tls ? freePort() : undefined
      const webSocketPort = needs.webSocket ? freePort() : undefined
      const file = join(place.directory, "mosquitto.conf")
      const lines = configuration(needs, place, { tcpPort, tlsPort, webSocketPort })
      writeFileSync(file, `${lines.join("\n")}\n`)
      const broker = startProcess([path, "-c", file])
      await broker.printed(/ running$/m)
      return { ...broker, tcpPort, tlsPort, webSocketPort }
    },
  }
}

interface Ports {
  readonly tcpPort: number
  readonly tlsPort: number | undefined
  readonly webSocketPort: number | undefined
}

function configuration(needs: BrokerNeeds, { certFile, keyFile }: Place, ports: Ports): string[] {
  return [
    `listener ${ports.tcpPort} 127.0.0.1`,
    ...(ports.tlsPort === undefined
      ? []
      : [`listener ${ports.tlsPort} 127.0.0.1`, `certfile ${certFile}`, `keyfile ${keyFile}`]),
    ...(ports.webSocketPort === undefined
      ? []
      : [`listener ${ports.webSocketPort} 127.0.0.1`, "protocol websockets"]),
    "allow_anonymous true",
    // Whatever waits for a client is its own to keep; 0 is no limit.
    "max_queued_messages 0",
    "max_inflight_messages 1000",
    `max_connections ${needs.connections ?? -1}`,
    // Where latency counts: without it an acknowledgement may wait 40 ms for company. Elsewhere it would cost more.
    `set_tcp_nodelay ${needs.promptly === true}`,
    "persistence false",
    "user root",
    "log_dest stderr",
  ]
}
