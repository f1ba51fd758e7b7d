import type { Connack, Qos } from "../protocol/packet.ts"

/** What the server said in its CONNACK that it takes [3.2.2.3]. */
export interface ServerTerms {
  /** PUBLISH packets above QoS 0 that it takes unacknowledged. */
  readonly receiveMaximum: number
  /** Bytes, fixed header included; Infinity for no bound but the protocol's own. */
  readonly maximumPacketSize: number
  readonly maximumQos: Qos
  readonly retainAvailable: boolean
  readonly topicAliasMaximum: number
  readonly keepAliveSeconds: number
}

/** What is absent has the default that the specification gives it; before MQTT 5.0 everything is absent. */
export function serverTerms({ properties }: Connack, keepAliveSeconds: number): ServerTerms {
  return {
    receiveMaximum: properties.receiveMaximum ?? 65_535,
    maximumPacketSize: properties.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    maximumQos: properties.maximumQos === 0 ? 0 : properties.maximumQos === 1 ? 1 : 2,
    retainAvailable: properties.retainAvailable ?? true,
    topicAliasMaximum: properties.topicAliasMaximum ?? 0,
    keepAliveSeconds: properties.serverKeepAlive ?? keepAliveSeconds,
  }
}
