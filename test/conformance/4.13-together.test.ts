import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import type { Packet, Qos } from "../../src/protocol/packet.ts"
import { noProperties, type PropertiesOf } from "../../src/protocol/properties.ts"
import type { ScriptedClient } from "../support/scripted-client.ts"
import {
  allVersions,
  named,
  payloads,
  pingreq,
  publish,
  pubrel,
  subscribe,
  unsubscribe,
} from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"
import { bytesOf } from "../support/wire-notation.ts"

/*
 * Packets that come in one chunk are read in runs. Nobody may be able to tell.
 */

const step: fc.Arbitrary<(packetId: number) => Packet> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .record({
        topic: fc.constantFrom("a", "a", "a", "b"),
        qos: fc.constantFrom(0, 0, 1, 1, 2),
        retain: fc.nat(7).map((number) => number === 0),
        payload: fc.string({ maxLength: 3 }),
        properties: fc.constantFrom<PropertiesOf<"publish">>(
          noProperties,
          noProperties,
          { contentType: "x", userProperties: [["a", "b"]] },
          { messageExpiryInterval: 9 },
        ),
      })
      .map(
        ({ qos, ...rest }) =>
          (packetId: number) =>
            publish({ ...rest, qos: qos as Qos, ...(qos > 0 && { packetId }) }),
      ),
  },
  { weight: 1, arbitrary: fc.constant(() => pingreq) },
  { weight: 1, arbitrary: fc.constant((packetId: number) => subscribe(packetId, "a")) },
  { weight: 1, arbitrary: fc.constant((packetId: number) => unsubscribe(packetId, "a")) },
  // Releases the packet before, be it known or not.
  { weight: 2, arbitrary: fc.constant((packetId: number) => pubrel(packetId - 1)) },
)

/** What everybody receives when the packets are sent by `send`. */
async function outcome(
  version: 3 | 4 | 5,
  packets: readonly Packet[],
  send: (client: ScriptedClient, packets: readonly Packet[]) => void,
): Promise<unknown[]> {
  const broker = await TestBroker.start()
  const watchers = [
    await broker.connected("old", { version: 4 }),
    await broker.connected("new", { version: 5 }),
    await broker.connected("numbered", { version: 5 }),
    await broker.connected("one", { version: 4 }),
    await broker.connected("other", { version: 5 }),
    await broker.connected("small", { version: 5, properties: { maximumPacketSize: 11 } }),
    await broker.connected("aliases", { version: 5, properties: { topicAliasMaximum: 3 } }),
  ]
  const [old, newer, numbered, one, other, small, aliases] = watchers
  old?.subscribes([{ filter: "a", qos: 1 }])
  newer?.subscribes([{ filter: "#", qos: 2 }])
  numbered?.subscribes([{ filter: "+", qos: 1 }], 7)
  for (const member of [one, other]) member?.subscribes([{ filter: "$share/g/a", qos: 1 }])
  small?.subscribes([{ filter: "a", qos: 0 }])
  aliases?.subscribes([{ filter: "#", qos: 0 }])
  const publisher = await broker.connected("p", { version })
  send(publisher, packets)
  await broker.settle()
  // What it is sent and what it is answered have an order each, and none between them [4.6].
  const own = Object.groupBy(publisher.receives(), ({ type }) => (type === "publish" ? "sent" : "answered"))
  return [own, ...watchers.map((client) => client.receives())]
}

describe("4.13 what comes together", () => {
  for (const version of allVersions) {
    test(`is treated as if it came one by one, in ${named(version)}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
          const packets = steps.map((make, index) => make(index + 2))
          const alone = await outcome(version, packets, (client, all) => client.sends(...all))
          const together = await outcome(version, packets, (client, all) => client.sendsTogether(...all))
          expect(together).toEqual(alone)
        }),
        { numRuns: 60 },
      )
    })
  }

  test("with a packet that breaks a rule was received up to there", async () => {
    const broker = await TestBroker.start()
    const watcher = await broker.connected("watcher")
    watcher.subscribes("a")
    const client = await broker.connected("p", { version: 5 })
    client.sends(bytesOf("30 05 0001'a' 00 'x' 30 05 0001'a' 00 'y' 36 05 0001'a' 00 'z'"))
    expect(payloads(watcher.receives())).toEqual(["x", "y"])
    expect(client.receives().map(({ type }) => type)).toEqual(["disconnect"])
  })
})
