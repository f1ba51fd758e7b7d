import * as v from "valibot"
import { noBytes } from "../protocol/message.ts"
import { encodeForwardedProperties, type ForwardedProperties } from "../protocol/publish-properties.ts"
import { ForeignDatabase, type ForeignRow, type ForeignValue } from "../storage/foreign-database.ts"
import { MosquittoFileError } from "./problem.ts"
import type { SavedMessage, SavedState } from "./saved-state.ts"

/*
 * Topics and client identifiers of messages stand in columns of type STRING, which SQLite takes for numbers wherever
 * they look like some: `0123` has become 123 in the file. They are read as texts, and what was a number is told.
 */
const queries = {
  messages:
    "SELECT CAST(store_id AS TEXT) AS id, expiry_time, CAST(topic AS TEXT) AS topic, typeof(topic) AS kind, payload, " +
    "CAST(source_id AS TEXT) AS source_id, CAST(source_username AS TEXT) AS source_username, qos, retain, " +
    "CAST(properties AS TEXT) AS properties FROM base_msgs",
  clients: "SELECT client_id, username, session_expiry_time, session_expiry_interval FROM clients",
  subscriptions: "SELECT client_id, topic, subscription_options, subscription_identifier FROM subscriptions",
  clientMessages:
    "SELECT client_id, CAST(store_id AS TEXT) AS id, mid, qos, retain, direction, state, subscription_identifier " +
    "FROM client_msgs ORDER BY rowid",
  retained: "SELECT CAST(store_id AS TEXT) AS id FROM retains",
} as const

/**
 * Reads a mosquitto.sqlite3.
 *
 * @throws MosquittoFileError, StoreError it is another file, or damaged
 */
export function readSqliteDatabase(file: string): SavedState {
  return ForeignDatabase.read(file, (database) => {
    if (!database.hasTable("base_msgs")) {
      throw new MosquittoFileError(
        `${file}: is no database of Mosquitto's; check the path, nothing was changed`,
      )
    }
    const messages = new Map<bigint, SavedMessage>()
    const damagedTexts: string[] = []
    for (const row of database.rows(queries.messages)) {
      const message = readMessage(row, file)
      messages.set(idOf(row["id"]), message)
      if (row["kind"] !== "text") damagedTexts.push(message.topic)
    }
    return {
      messages,
      clients: database.rows(queries.clients).map((row) => ({
        clientId: textOf(row["client_id"]),
        username: typeof row["username"] === "string" ? row["username"] : undefined,
        expiresAtSeconds: numberOf(row["session_expiry_time"]),
        // A column of 32 bits with a sign: -1 is the highest number.
        expiryIntervalSeconds: numberOf(row["session_expiry_interval"]) >>> 0,
      })),
      subscriptions: database.rows(queries.subscriptions).map((row) => {
        const options = numberOf(row["subscription_options"])
        return {
          clientId: textOf(row["client_id"]),
          filter: textOf(row["topic"]),
          qos: options & 3,
          options: options & ~3,
          identifier: numberOf(row["subscription_identifier"]),
        }
      }),
      clientMessages: database.rows(queries.clientMessages).map((row) => ({
        clientId: textOf(row["client_id"]),
        storeId: idOf(row["id"]),
        packetId: numberOf(row["mid"]),
        qos: numberOf(row["qos"]),
        retain: numberOf(row["retain"]) !== 0,
        direction: numberOf(row["direction"]) === 0 ? "in" : "out",
        state: numberOf(row["state"]),
        subscriptionIdentifier: numberOf(row["subscription_identifier"]),
      })),
      retained: database.rows(queries.retained).map((row) => idOf(row["id"])),
      namesUsers: true,
      isFinal: true,
      doubtfulUsernames: [],
      damagedTexts,
    }
  })
}

function readMessage(row: ForeignRow, file: string): SavedMessage {
  const { payload, source_username: username } = row
  return {
    topic: textOf(row["topic"]),
    payload: payload instanceof Uint8Array ? payload : Buffer.from(textOf(payload)),
    qos: numberOf(row["qos"]),
    retain: numberOf(row["retain"]) !== 0,
    expiresAtSeconds: numberOf(row["expiry_time"]),
    sourceClientId: textOf(row["source_id"]),
    sourceUsername: typeof username === "string" && username !== "" ? username : undefined,
    properties: readProperties(textOf(row["properties"]), file),
  }
}

const propertiesSchema = v.array(
  v.object({
    identifier: v.string(),
    name: v.optional(v.string()),
    value: v.union([v.string(), v.number()]),
  }),
)

/** Of a JSON array, one object each; what does not travel on is not asked for. */
function readProperties(json: string, file: string): Uint8Array {
  if (json === "") return noBytes
  const checked = v.safeParse(v.pipe(v.string(), v.parseJson(), propertiesSchema), json)
  if (!checked.success) {
    throw new MosquittoFileError(
      `${file}: has properties that nothing can read (${json}); nothing was changed`,
    )
  }
  const properties: { -readonly [Name in keyof ForwardedProperties]: ForwardedProperties[Name] } = {}
  const pairs: [string, string][] = []
  for (const { identifier, name = "", value } of checked.output) {
    if (identifier === "payload-format-indicator") properties.payloadFormatIndicator = Number(value)
    else if (identifier === "content-type") properties.contentType = String(value)
    else if (identifier === "response-topic") properties.responseTopic = String(value)
    else if (identifier === "correlation-data")
      properties.correlationData = Uint8Array.from(Buffer.from(String(value), "hex"))
    else if (identifier === "user-property") pairs.push([name, String(value)])
  }
  if (pairs.length > 0) properties.userProperties = pairs
  return encodeForwardedProperties(properties)
}

function textOf(value: ForeignValue | undefined): string {
  return value === null || value === undefined || value instanceof Uint8Array ? "" : String(value)
}

/** As text: a number of JavaScript's would round it. */
function idOf(value: ForeignValue | undefined): bigint {
  const text = textOf(value)
  return /^-?\d+$/.test(text) ? BigInt(text) : 0n
}

function numberOf(value: ForeignValue | undefined): number {
  const number = Number(value)
  return typeof value === "number" && Number.isSafeInteger(number) ? number : 0
}
