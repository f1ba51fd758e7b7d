import type { Peer, Place } from "./peer.ts"
import { freePort, startProcess, untilListening } from "./peer-process.ts"

/**
 * A peer from the command line, such as `flashmq=/usr/bin/flashmq --port {port} --dir {directory}`. The words are split
 * at blanks; {port}, {tlsPort}, {webSocketPort}, {directory}, {certFile} and {keyFile} are filled in. It is ready when
 * its port accepts, and takes part wherever a full broker can; what it has no port for fails there.
 *
 * @throws Error when there is no name, or no {port}
 */
export function templatePeer(template: string): Peer {
  const [, name, command] = /^([\w.-]+)=(.+)$/.exec(template) ?? []
  if (name === undefined || command === undefined) throw new Error(`a peer is NAME=COMMAND, not ${template}`)
  if (!command.includes("{port}")) throw new Error(`the command of ${name} needs a {port}`)
  return {
    name,
    kind: "mosquitto",
    version: "",
    about: `started by ${command}`,
    start: async (needs, place) => {
      const ports = {
        tcpPort: freePort(),
        tlsPort: portFor("tlsPort", needs.tls, command),
        webSocketPort: portFor("webSocketPort", needs.webSocket, command),
      }
      const broker = startProcess(filled(command, { ...ports, ...place }))
      await untilListening(ports.tcpPort, broker)
      return { ...broker, ...ports }
    },
  }
}

function portFor(placeholder: string, needed: boolean, command: string): number | undefined {
  const known = command.includes(`{${placeholder}}`)
  if (needed && !known) throw new Error(`its command names no {${placeholder}}`)
  return known ? freePort() : undefined
}

type Values = Place & Readonly<Record<"tcpPort" | "tlsPort" | "webSocketPort", number | undefined>>

/** @throws Error about a placeholder that nobody knows */
function filled(command: string, { tcpPort: port, ...rest }: Values): string[] {
  const values = new Map<string, string | number | undefined>(Object.entries({ port, ...rest }))
  return command.split(/\s+/).map((word) =>
    word.replaceAll(/\{(\w+)\}/g, (whole, key: string) => {
      const value = values.get(key)
      if (value === undefined) throw new Error(`nobody knows what ${whole} is`)
      return String(value)
    }),
  )
}
