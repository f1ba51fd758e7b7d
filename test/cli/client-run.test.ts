import { expect, spyOn, test } from "bun:test"
import { ByteOutput } from "../../cli/byte-output.ts"
import { ClientRun } from "../../cli/client-run.ts"
import type { ConnectionPlan } from "../../cli/connection-options.ts"
import { bantamManner } from "../../cli/manner.ts"
import { Client } from "../../src/client/client.ts"
import { connack } from "../client/scripted-server.ts"
import { startScripted } from "./pub-sub-server.ts"

test("a run that rests when the connection is lost goes on resting when it is back", async () => {
  let connections = 0
  using server = startScripted(4, (packet) => {
    if (packet.type !== "connect") return []
    connections += 1
    return connections === 1 ? [connack(), "close"] : [connack()]
  })
  const plan: ConnectionPlan = {
    target: { scheme: "tcp", host: "127.0.0.1", port: Number(server.flags[3]) },
    properties: { connect: {}, publish: {}, subscribe: {}, unsubscribe: {}, disconnect: {}, will: {} },
    manner: bantamManner,
    isLookedUp: false,
    client: { version: 4, clientId: "me" },
  }
  const run = new ClientRun(plan, {}, new ByteOutput(() => {}))
  using pause = spyOn(Client.prototype, "pause")
  const work = () => (connections === 2 ? Promise.resolve() : Promise.withResolvers<void>().promise)
  await run.persist(work, () => run.pause())
  expect(pause.mock.contexts.map((client) => client === run.client)).toEqual([false, true])
})
