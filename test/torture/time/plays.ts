import { rmSync } from "node:fs"
import { join } from "node:path"
import type { Stage } from "./stage.ts"

/** Something that clients do, from the first connection to the last: when it is over nothing is to be left of it. */
export interface Play {
  readonly name: string
  /** How often, next to the others; 0: once, at the beginning. */
  readonly weight: number
  run(stage: Stage): Promise<void>
}

/** What goes on around any broker. */
export const plays: readonly Play[] = [
  {
    name: "pass by",
    weight: 30,
    async run(stage) {
      const name = stage.name("passer")
      const guest = await stage.guest({ clientId: name })
      const topics = [`soak/${name}/a`, `soak/${name}/b`]
      for (const topic of topics) await stage.subscribe(guest, topic, stage.random.pick([0, 1, 2] as const))
      if (stage.random.chance(0.3)) await guest.client.unsubscribe([`soak/${name}/b`])
      for (const qos of [0, 1, 2] as const) await stage.publish(guest, `soak/${name}/a`, qos, 3)
      await guest.hears(9)
      await stage.leave(guest)
    },
  },
  {
    name: "sleep and come back",
    weight: 10,
    async run(stage) {
      const options = sleeper(stage.name("sleeper"), stage.random.pick([4, 5] as const), 60)
      const topic = `soak/${options.clientId}`
      const first = await stage.guest(options)
      await stage.subscribe(first, topic, stage.random.pick([1, 2] as const))
      await stage.leave(first)
      const publisher = await stage.guest({ clientId: stage.name("publisher") })
      await stage.publish(publisher, topic, stage.random.pick([1, 2] as const), 20, { bytes: 500 })
      await stage.leave(publisher)
      const again = await stage.guest(options)
      await again.hears(20)
      await stage.leaveForGood(again, options)
    },
  },
  {
    name: "never come back",
    weight: 6,
    async run(stage) {
      // Of a few names only: who loses what is kept by name for a long time.
      const options = sleeper(`lost-${stage.turn(200)}`, 5, stage.random.between(1, 2))
      const topic = `soak/${options.clientId}`
      const guest = await stage.guest(options)
      await stage.subscribe(guest, topic, 2)
      await stage.subscribe(guest, `soak/none/${options.clientId}/#`, 1)
      await stage.leave(guest)
      const publisher = await stage.guest({ clientId: stage.name("publisher") })
      await stage.publish(publisher, topic, 1, 10, { bytes: 2000 })
      await stage.publish(publisher, topic, 2, 10, { bytes: 2000, expirySeconds: 1 })
      await stage.leave(publisher)
      stage.count("sessions left to expire")
    },
  },
  {
    name: "retain and clear",
    weight: 10,
    async run(stage) {
      const name = stage.name("retainer")
      const guest = await stage.guest({ clientId: name })
      for (const qos of [0, 1, 2] as const) {
        await stage.publish(guest, `soak/${name}/${qos}`, qos, 1, { retain: true })
      }
      const reader = await stage.guest({ clientId: stage.name("reader") })
      await stage.subscribe(reader, `soak/${name}/+`, 1)
      await reader.hears(3)
      await stage.leave(reader)
      for (const qos of [0, 1, 2] as const) {
        await stage.publish(guest, `soak/${name}/${qos}`, qos, 1, { retain: true, bytes: 0 })
      }
      await stage.leave(guest)
    },
  },
  {
    name: "retain for a while",
    weight: 6,
    async run(stage) {
      const name = stage.name("retainer")
      const guest = await stage.guest({ clientId: name, version: 5 })
      const expirySeconds = stage.random.between(1, 2)
      await stage.publish(guest, `soak/${name}`, 1, 1, { retain: true, expirySeconds, bytes: 1000 })
      await stage.leave(guest)
      stage.count("retained messages left to expire")
    },
  },
  {
    name: "leave a will",
    weight: 8,
    async run(stage) {
      const name = stage.name("mortal")
      const heir = await stage.guest({ clientId: stage.name("heir") })
      const topic = `soak/will/${name}`
      await stage.subscribe(heir, topic, 1)
      const willDelayInterval = stage.random.pick([0, 0, 1] as const)
      const mortal = await stage.guest({
        ...sleeper(name, 5, willDelayInterval),
        will: { topic, payload: Buffer.from(name), qos: 1, retain: false, properties: { willDelayInterval } },
      })
      await stage.leave(mortal, true)
      await heir.hears(1)
      stage.count("wills heard")
      await stage.leave(heir)
    },
  },
  {
    name: "share",
    weight: 5,
    async run(stage) {
      const name = stage.name("group")
      const members = await Promise.all(
        [1, 2, 3].map(async (number) => {
          const member = await stage.guest({ clientId: `${name}-${number}` })
          await stage.subscribe(member, `$share/${name}/soak/${name}/+`, 1)
          return member
        }),
      )
      const publisher = await stage.guest({ clientId: stage.name("publisher") })
      await stage.publish(publisher, `soak/${name}/a`, 1, 12)
      await Promise.all(members.map((member) => member.hears(4)))
      for (const each of [...members, publisher]) await stage.leave(each)
      stage.count("shared subscriptions", 3)
    },
  },
  {
    name: "take over",
    weight: 5,
    async run(stage) {
      const options = sleeper(stage.name("twin"), 5, 60)
      const first = await stage.guest(options)
      await stage.subscribe(first, `soak/${options.clientId}`, 2)
      await stage.publish(first, `soak/${options.clientId}`, 2, 5)
      const second = await stage.guest(options)
      const { why } = await first.client.ended
      stage.must(why === "server-disconnect" || why === "lost", `${options.clientId} ended: ${why}`)
      await stage.leaveForGood(second, options)
      stage.count("takeovers")
    },
  },
  {
    name: "stop reading",
    weight: 2,
    async run(stage) {
      const name = stage.name("slow")
      const slow = await stage.guest({ clientId: name })
      await stage.subscribe(slow, `soak/${name}`, 1)
      slow.client.pause()
      const publisher = await stage.guest({ clientId: stage.name("publisher") })
      await stage.publish(publisher, `soak/${name}`, 1, 100, { bytes: 10_000 })
      await stage.leave(publisher)
      if (stage.random.chance(0.5)) {
        slow.client.resume()
        await slow.hears(100)
      }
      await stage.leave(slow)
      stage.count("readers that stopped")
    },
  },
  queueALot(),
  {
    name: "miss more than is kept",
    weight: 2,
    async run(stage) {
      const options = sleeper(`full-${stage.turn(8)}`, 5, 1)
      const guest = await stage.guest(options)
      await stage.subscribe(guest, `soak/${options.clientId}`, 1)
      await stage.leave(guest)
      const publisher = await stage.guest({ clientId: stage.name("publisher") })
      await stage.publish(publisher, `soak/${options.clientId}`, 1, mostQueued + 20)
      await stage.leave(publisher)
      stage.count("queues that overflowed")
    },
  },
]

/** What the broker of a soak keeps for one client. */
export const mostQueued = 150

/**
 * Played when all others are over. Nobody else writes to the database then: a command that does writes back the whole log,
 * also what the broker should have.
 */
export const atLast: readonly Play[] = [queueALot()]

/** Those that take a process of their own: played by the clock, and not one beside the other. */
export const commands: readonly Play[] = [
  {
    name: "add and remove a user",
    weight: 1,
    async run(stage) {
      const name = `user-${stage.random.between(1, 5)}`
      await stage.program(["user", "add", name, "--password-stdin"], "secret\n")
      const guest = await stage.guest({
        clientId: stage.name("member"),
        username: name,
        password: Buffer.from("secret"),
      })
      await stage.subscribe(guest, `soak/${name}`, 1)
      await stage.publish(guest, `soak/${name}`, 1, 2)
      await guest.hears(2)
      await stage.program(["user", "remove", name])
      // The broker ends its connection by itself.
      await guest.client.ended
      stage.count("users removed")
    },
  },
  {
    name: "change the rules",
    weight: 1,
    async run(stage) {
      const topic = `soak/closed/${stage.random.between(1, 5)}`
      await stage.program(["acl", "deny", "anonymous", "publish", topic])
      const rules: unknown = JSON.parse(await stage.program(["acl", "list", "--json"]))
      const added = (rules as readonly { id: number; topic: string }[]).find((rule) => rule.topic === topic)
      await stage.program(["acl", "remove", String(added?.id)])
      stage.count("rules changed", 2)
    },
  },
  {
    name: "back up",
    weight: 1,
    async run(stage) {
      const file = join(stage.folder, "backup.db")
      await stage.program(["backup", file])
      rmSync(file)
      stage.count("backups")
    },
  },
]

/** A client whose session stays for so long. */
function sleeper(clientId: string, version: 4 | 5, expirySeconds: number) {
  const properties = version === 5 ? { sessionExpiryInterval: expirySeconds } : {}
  return { clientId, version, cleanStart: false, properties } as const
}

function queueALot(): Play {
  return {
    name: "queue a lot",
    // The database keeps the size that it once had, and how many of these would meet is left to chance.
    weight: 0,
    async run(stage) {
      const options = sleeper(stage.name("deep"), 5, 60)
      const guest = await stage.guest(options)
      await stage.subscribe(guest, `soak/${options.clientId}`, 1)
      await stage.leave(guest)
      const publisher = await stage.guest({ clientId: stage.name("publisher") })
      await stage.publish(publisher, `soak/${options.clientId}`, 1, mostQueued, { bytes: 200_000 })
      await stage.leave(publisher)
      const again = await stage.guest(options)
      await again.hears(mostQueued)
      await stage.leaveForGood(again, options)
      stage.count("queues of 30 MB")
    },
  }
}
