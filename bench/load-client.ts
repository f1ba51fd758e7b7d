import { LoadClient, type LoadClientOptions } from "../src/client/load-client.ts"
import type { ConnectTarget } from "../src/transport/connect.ts"
import { password } from "./access.ts"
import type { LoadOrder } from "./load-report.ts"
import type { Transport } from "./scenario-kinds.ts"

/** Where a broker listens, out of a load order. */
export type Doors = Pick<LoadOrder, "tcpPort"> & Partial<Pick<LoadOrder, "tlsPort" | "webSocketPort">>

/** A user is one of access.ts; nobody unless told. */
export interface BenchClientOptions extends Omit<LoadClientOptions, "password" | "connackMs"> {
  readonly transport?: Transport
}

/** A crowd that logs in at once waits for the passwords of all of them. */
const connackMs = 120_000

/** @throws Error when the broker cannot be reached or refuses */
export function connectLoadClient(
  doors: Doors,
  { transport = "tcp", ...options }: BenchClientOptions,
): Promise<LoadClient> {
  return LoadClient.connect(targetOf(doors, transport), {
    ...options,
    connackMs,
    ...(options.username === undefined ? {} : { password: Buffer.from(password) }),
  })
}

function targetOf({ tcpPort, tlsPort, webSocketPort }: Doors, transport: Transport): ConnectTarget {
  const host = "127.0.0.1"
  if (transport === "tcp") return { scheme: "tcp", host, port: tcpPort }
  const port = transport === "tls" ? tlsPort : webSocketPort
  if (port === undefined) throw new Error(`the broker does not listen for ${transport}`)
  if (transport === "tls") return { scheme: "tls", host, port, tls: { insecure: true } }
  return { scheme: "ws", host, port }
}
