/** A message that sessions or the retained ones share. */
export interface SavedMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: number
  readonly retain: boolean
  /** Unix time; 0: it never expires. */
  readonly expiresAtSeconds: number
  /** Of the client that published it; empty when Mosquitto did. */
  readonly sourceClientId: string
  readonly sourceUsername: string | undefined
  /** Those that travel on, as a Message carries them. */
  readonly properties: Uint8Array
}

export interface SavedClient {
  readonly clientId: string
  readonly username: string | undefined
  /** Unix time; 0 when it was connected, or never ends. */
  readonly expiresAtSeconds: number
  /** 0xFFFFFFFF: never. */
  readonly expiryIntervalSeconds: number
}

export interface SavedSubscription {
  readonly clientId: string
  /** `$share/…` included. */
  readonly filter: string
  readonly qos: number
  /** Bits of the MQTT 5 subscription options: 4 no local, 8 retain as published, 48 retain handling. */
  readonly options: number
  /** 0 when there is none. */
  readonly identifier: number
}

/** A message in one client's hands. */
export interface SavedClientMessage {
  readonly clientId: string
  readonly storeId: bigint
  readonly packetId: number
  readonly qos: number
  readonly retain: boolean
  readonly direction: "in" | "out"
  /** One of `messageStates`. */
  readonly state: number
  readonly subscriptionIdentifier: number
}

/** Where a message stands between Mosquitto and one client. */
export const messageStates = {
  publishQos1: 2,
  waitForPuback: 3,
  publishQos2: 4,
  waitForPubrec: 5,
  resendPubrel: 6,
  waitForPubrel: 7,
  resendPubcomp: 8,
  waitForPubcomp: 9,
  sendPubrec: 10,
  queued: 11,
} as const

/** All that Mosquitto kept of its clients, from whichever of its files. */
export interface SavedState {
  readonly messages: ReadonlyMap<bigint, SavedMessage>
  readonly clients: readonly SavedClient[]
  readonly subscriptions: readonly SavedSubscription[]
  /** Each client's in their order. */
  readonly clientMessages: readonly SavedClientMessage[]
  /** Numbers of messages. */
  readonly retained: readonly bigint[]
  /** False: the file does not say whose the sessions are. */
  readonly namesUsers: boolean
  /** Mosquitto wrote the file when it stopped; false: it went on, and may have more by now. */
  readonly isFinal: boolean
  /** Clients whose user name stands in the file by mistake, perhaps. */
  readonly doubtfulUsernames: readonly string[]
  /** Messages whose topic or client identifier the file has turned into a number. */
  readonly damagedTexts: readonly string[]
}
