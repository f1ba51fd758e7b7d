import type { Acceptor } from "../connection/acceptor.ts"
import type { Connection } from "../connection/connection.ts"
import type { OnlineClient } from "../connection/online-client.ts"
import type { WaitsFor } from "../connection/reading.ts"
import { neverExpires, type ProtocolVersion, protocolVersionNames } from "../protocol/packet.ts"
import { globMatches } from "./glob.ts"
import { Refused } from "./refused.ts"
import type { ManagementSurroundings } from "./surroundings.ts"

/** A client that is connected. Counts are of this connection. */
export interface ClientFacts {
  readonly client: string
  /** Null: anonymous. */
  readonly user: string | null
  readonly address: string
  readonly listener: string
  readonly protocol: (typeof protocolVersionNames)[ProtocolVersion]
  readonly connectedAt: string
  readonly superuser: boolean
  /** The common name of its certificate, if it showed one. */
  readonly certificate: string | null
  /** Longest silence in seconds before it is taken for gone, one and a half keep alives; null: any. */
  readonly silenceLimitSeconds: number | null
  readonly cleanStart: boolean
  /** Of its session, in seconds; null: for ever. */
  readonly expirySeconds: number | null
  readonly subscriptions: number
  readonly queuedMessages: number
  readonly queuedBytes: number
  /** Of these, sent and not acknowledged to the end. */
  readonly inFlight: number
  readonly published: number
  readonly delivered: number
  readonly bytesReceived: number
  readonly bytesSent: number
  /** What the system does not take for it so far. */
  readonly bytesUnsent: number
  /** It does not take what it is sent as fast as it comes. */
  readonly slow: boolean
  /** It is not read for the moment. */
  readonly paused: boolean
  /** What is to come first; null while it is read. */
  readonly pausedFor: WaitsFor | null
}

/** `*` and `?` stand for what they do in names of files. Undefined: any. */
export interface ClientQuery {
  readonly client?: string | undefined
  readonly user?: string | undefined
  readonly address?: string | undefined
}

/** Undefined for a connection that does not fit. Who comes or goes meanwhile may be among them or not. */
export function* listClients(
  { acceptor }: ManagementSurroundings,
  query: ClientQuery,
): IterableIterator<ClientFacts | undefined> {
  for (const connection of acceptor.connections) {
    const { client } = connection
    yield client !== undefined && fits(client, connection, query) ? factsOf(connection, client) : undefined
  }
}

/** @throws Refused when no such client is connected */
export function clientOf({ acceptor }: ManagementSurroundings, clientId: string): ClientFacts {
  const connection = connectionOf(acceptor, clientId)
  if (connection?.client !== undefined) return factsOf(connection, connection.client)
  throw new Refused(404, `no client ${JSON.stringify(clientId)} is connected`)
}

/** By which the client is connected. A look at each of them, for nobody else asks for one by name. */
export function connectionOf(acceptor: Acceptor, clientId: string): Connection | undefined {
  for (const connection of acceptor.connections) {
    if (connection.client?.terms.clientId === clientId) return connection
  }
  return undefined
}

export function fits(
  { requester }: OnlineClient,
  { door }: Connection,
  { client, user, address }: ClientQuery,
): boolean {
  if (client !== undefined && !globMatches(client, requester.clientId)) return false
  if (user !== undefined && !globMatches(user, requester.username ?? "")) return false
  return address === undefined || globMatches(address, door.remoteAddress)
}

function factsOf(connection: Connection, client: OnlineClient): ClientFacts {
  const { door, waitsFor, bytesReceived, bytesSent, bytesUnsent } = connection
  const { session, terms, requester, link } = client
  const { expiryIntervalSeconds } = session.record
  return {
    client: requester.clientId,
    user: requester.username ?? null,
    address: door.remoteAddress,
    listener: door.entrance.url,
    protocol: protocolVersionNames[terms.version],
    connectedAt: new Date(client.connectedAtMs).toISOString(),
    superuser: requester.superuser,
    certificate: requester.certificateName ?? null,
    silenceLimitSeconds: Number.isFinite(terms.silenceLimitMs) ? terms.silenceLimitMs / 1000 : null,
    cleanStart: terms.cleanStart,
    expirySeconds: expiryIntervalSeconds === neverExpires ? null : expiryIntervalSeconds,
    subscriptions: session.subscriptions.size,
    queuedMessages: session.load,
    queuedBytes: session.queuedBytes,
    inFlight: session.inFlight,
    published: client.published,
    delivered: link.delivered,
    bytesReceived,
    bytesSent,
    bytesUnsent,
    slow: !link.takesMore,
    paused: waitsFor !== undefined,
    pausedFor: waitsFor ?? null,
  }
}
