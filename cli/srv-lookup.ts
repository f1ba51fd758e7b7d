import { resolveSrv } from "node:dns/promises"
import type { ConnectTarget } from "../src/transport/connect.ts"

/** What the DNS answers: smaller priorities first, among those the heavier. */
interface ServiceRecord {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

/**
 * The host and port that serve MQTT for a name [RFC 2782].
 *
 * @throws Error of one sentence when the DNS names none
 */
export async function lookUpServer(
  target: ConnectTarget,
  resolve: (name: string) => Promise<readonly ServiceRecord[]> = resolveSrv,
): Promise<ConnectTarget> {
  if (target.scheme === "unix") return target
  const isTls = target.scheme === "tls" || target.scheme === "wss"
  const service = `${isTls ? "_secure-mqtt" : "_mqtt"}._tcp.${target.host}`
  const records = await resolve(service).catch((cause: unknown) => {
    throw new Error(`The DNS has no ${service}.`, { cause })
  })
  const [best] = records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight)
  if (best === undefined) throw new Error(`The DNS has no ${service}.`)
  return { ...target, host: best.name, port: best.port }
}
