import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { BrokerNeeds } from "../scenario-kinds.ts"
import type { Peer, Place } from "./peer.ts"
import { freePort, startProcess, versionOf } from "./peer-process.ts"

/** Speaks MQTT 3.1.1 with QoS 0 and 1 (QoS 2 since 2.10). */
export function natsPeer(path: string): Peer {
  return {
    name: "nats",
    kind: "nats",
    version: versionOf([path, "--version"]),
    about: "QoS 1 through JetStream streams in files, which it syncs every two minutes; uses all cores",
    start: async (needs, place) => {
      const mqttPort = freePort()
      const webSocketPort = needs.webSocket ? freePort() : undefined
      const file = join(place.directory, "nats.conf")
      writeFileSync(file, configuration(needs, place, mqttPort, webSocketPort))
      const broker = startProcess([path, "-c", file])
      await broker.printed(/Server is ready/)
      // It has one listener for MQTT, with TLS or without.
      return { ...broker, tcpPort: mqttPort, tlsPort: needs.tls ? mqttPort : undefined, webSocketPort }
    },
  }
}

function configuration(
  needs: BrokerNeeds,
  { directory, certFile, keyFile }: Place,
  mqttPort: number,
  webSocketPort: number | undefined,
): string {
  const tls = needs.tls ? `tls { cert_file: "${certFile}", key_file: "${keyFile}" }` : ""
  return [
    "server_name: bench",
    "listen: 127.0.0.1:-1",
    `jetstream { store_dir: "${join(directory, "jetstream")}" }`,
    `mqtt { listen: "127.0.0.1:${mqttPort}", max_ack_pending: 1000, ${tls} }`,
    ...(webSocketPort === undefined
      ? []
      : [`websocket { listen: "127.0.0.1:${webSocketPort}", no_tls: true }`]),
    "",
  ].join("\n")
}
