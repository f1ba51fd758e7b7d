import { DatabaseBytes } from "./database-bytes.ts"
import { MosquittoFileError } from "./problem.ts"
import type {
  SavedClient,
  SavedClientMessage,
  SavedMessage,
  SavedState,
  SavedSubscription,
} from "./saved-state.ts"

const magic = Buffer.from("\0\xb5\0mosquitto db", "latin1")
const headerBytes = magic.length + 8

const chunk = {
  configuration: 1,
  message: 2,
  clientMessage: 3,
  retained: 4,
  subscription: 5,
  client: 6,
} as const

/**
 * Reads a mosquitto.db of version 5 or 6, as Mosquitto writes it since 1.6.
 *
 * @throws MosquittoFileError it is another file, of another version, or damaged
 */
export function parseDatabase(bytes: Uint8Array, file: string): SavedState {
  const reader = new DatabaseBytes(bytes, file)
  const version = readHeader(reader, bytes, file)
  const messages = new Map<bigint, SavedMessage>()
  const clients: SavedClient[] = []
  const subscriptions: SavedSubscription[] = []
  const clientMessages: SavedClientMessage[] = []
  const retained: bigint[] = []
  const usernames = new UsernameReader()
  let isFirst = true
  let isFinal = false
  while (reader.left > 0) {
    const type = reader.uint32()
    const length = reader.uint32()
    // Everything else is read by the sizes that this chunk tells of.
    if (isFirst && type !== chunk.configuration) throw reader.broken("it does not begin as a database does")
    isFirst = false
    reader.enter(length)
    switch (type) {
      case chunk.configuration:
        isFinal = readConfiguration(reader)
        break
      case chunk.message: {
        const storeId = reader.uint64()
        messages.set(storeId, readMessage(reader))
        break
      }
      case chunk.clientMessage:
        clientMessages.push(readClientMessage(reader))
        break
      case chunk.retained:
        retained.push(reader.uint64())
        break
      case chunk.subscription:
        subscriptions.push(readSubscription(reader))
        break
      case chunk.client:
        clients.push(readClient(reader, version, usernames))
        break
      default:
        throw reader.broken(`there is a chunk of type ${type}, which nothing is known of`)
    }
    reader.leave()
  }
  if (isFirst) throw reader.broken("it ends where a database begins")
  return {
    messages,
    clients,
    subscriptions,
    clientMessages,
    retained,
    namesUsers: version >= 6,
    isFinal,
    doubtfulUsernames: usernames.doubtful,
    damagedTexts: [],
  }
}

function readHeader(reader: DatabaseBytes, bytes: Uint8Array, file: string): 5 | 6 {
  if (bytes.length < headerBytes || magic.compare(bytes, 0, magic.length) !== 0) {
    throw new MosquittoFileError(
      `${file}: is no database of Mosquitto's; check the path, nothing was changed`,
    )
  }
  reader.skip(magic.length + 4)
  const version = reader.uint32()
  if (version === 5 || version === 6) return version
  throw new MosquittoFileError(
    `${file}: is a database of version ${version}, and only 5 and 6 are known; start a Mosquitto 2 with it once and ` +
      "stop it, which writes it anew; nothing was changed",
  )
}

/** @returns whether it was written when Mosquitto stopped */
function readConfiguration(reader: DatabaseBytes): boolean {
  reader.skip(8)
  const isFinal = reader.uint8() !== 0
  const sizeOfNumbers = reader.uint8()
  if (sizeOfNumbers !== 8) throw reader.broken(`it numbers messages in ${sizeOfNumbers} bytes instead of 8`)
  return isFinal
}

function readMessage(reader: DatabaseBytes): SavedMessage {
  const expiresAtSeconds = reader.seconds()
  const payloadLength = reader.uint32()
  reader.skip(2)
  const clientIdLength = reader.uint16()
  const usernameLength = reader.uint16()
  const topicLength = reader.uint16()
  reader.skip(2)
  const qos = reader.uint8()
  const retain = reader.uint8() !== 0
  const sourceClientId = reader.text(clientIdLength)
  const username = reader.text(usernameLength)
  return {
    expiresAtSeconds,
    qos,
    retain,
    sourceClientId,
    sourceUsername: username === "" ? undefined : username,
    topic: reader.text(topicLength),
    payload: reader.bytes(payloadLength),
    properties: reader.properties(),
  }
}

function readClientMessage(reader: DatabaseBytes): SavedClientMessage {
  const storeId = reader.uint64()
  const packetId = reader.uint16()
  const clientIdLength = reader.uint16()
  const qos = reader.uint8()
  const state = reader.uint8()
  const retainAndDup = reader.uint8()
  const direction = reader.uint8() === 0 ? "in" : "out"
  return {
    storeId,
    packetId,
    qos,
    state,
    retain: retainAndDup >> 4 !== 0,
    direction,
    clientId: reader.text(clientIdLength),
    subscriptionIdentifier: readSubscriptionIdentifier(reader),
  }
}

/** The one property that may stand here. */
function readSubscriptionIdentifier(reader: DatabaseBytes): number {
  if (reader.left === 0 || reader.variable() === 0) return 0
  if (reader.uint8() !== 0x0b) throw reader.broken("a message carries a property that cannot be here")
  return reader.variable()
}

function readSubscription(reader: DatabaseBytes): SavedSubscription {
  const identifier = reader.uint32()
  const clientIdLength = reader.uint16()
  const filterLength = reader.uint16()
  const qos = reader.uint8()
  const options = reader.uint8()
  reader.skip(2)
  return {
    identifier,
    qos: qos & 3,
    options,
    clientId: reader.text(clientIdLength),
    filter: reader.text(filterLength),
  }
}

function readClient(reader: DatabaseBytes, version: 5 | 6, usernames: UsernameReader): SavedClient {
  const expiresAtSeconds = reader.seconds()
  const expiryIntervalSeconds = reader.uint32()
  reader.skip(2)
  const clientIdLength = reader.uint16()
  let usernameLength = 0
  if (version === 6) {
    reader.skip(2)
    usernameLength = reader.uint16()
    reader.skip(4)
  }
  const clientId = reader.text(clientIdLength)
  const username = usernames.read(reader, usernameLength, clientId)
  return { clientId, username, expiresAtSeconds, expiryIntervalSeconds }
}

/**
 * Mosquitto 2.0 forgets to clear the user name between two clients. One without a user name gets that of the client
 * before it, with the two bytes of its length swapped; the next one the same with the bytes swapped back. So a name of
 * 3 bytes is followed by one of 768, which is the name, a NUL and whatever stood behind it in memory.
 */
class UsernameReader {
  readonly doubtful: string[] = []
  /** The name in whose place a swapped one stood last. */
  #stale: string | undefined

  read(reader: DatabaseBytes, length: number, clientId: string): string | undefined {
    if (length === 0) {
      this.#stale = undefined
      return undefined
    }
    const bytes = reader.bytes(length)
    const end = bytes.indexOf(0)
    if (end >= 0) {
      this.#stale = Buffer.from(bytes.subarray(0, end)).toString()
      return undefined
    }
    const username = Buffer.from(bytes).toString()
    if (username === this.#stale) this.doubtful.push(clientId)
    this.#stale = undefined
    return username
  }
}
