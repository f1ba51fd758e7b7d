import { describe, expect, test } from "bun:test"
import { Glob } from "bun"

/*
 * The floors of the house, held against the imports. A room may import its own files, what its row names, and nothing
 * else; type imports count, for they are knowledge too.
 */

interface Room {
  readonly floor: number
  /** Rooms, or single files of rooms, that it may know. */
  readonly mayImport: readonly string[]
  /** Packages and built-in modules, with the files that may use them where it is not the whole room. */
  readonly packages: Readonly<Record<string, "all" | readonly string[]>>
  /** Said of an import that breaks the rule. */
  readonly because: string
}

const rooms = {
  cli: {
    floor: 10,
    mayImport: [
      "src/index.ts",
      "src/server.ts",
      "src/config",
      "src/client",
      "src/certificates",
      "src/mosquitto",
      "src/protocol",
      "src/foundation",
      "src/management",
      "src/security/access/access-explanation.ts",
      "src/security/identity.ts",
      "src/security/user.ts",
      "src/security/access/access-question.ts",
      "src/security/access/access-rule.ts",
      "src/security/address-range.ts",
      "src/security/attribute.ts",
      "src/security/guard/bans.ts",
      "src/security/authentication/password.ts",
      "src/security/access/rule-topic.ts",
      "src/security/authentication/scram.ts",
      "src/security/access/stored-access-rules.ts",
      "src/storage/account-store.ts",
      "src/storage/drop-store.ts",
      "src/storage/backup.ts",
      "src/storage/health.ts",
      "src/storage/open-store.ts",
      "src/storage/sqlite/worker.ts",
      "src/transport/connect.ts",
      "src/system",
    ],
    packages: {
      commander: "all",
      picocolors: "all",
      valibot: ["cli/scenario/scenario.ts"],
      "csv-parse": ["cli/pub/csv-rows.ts"],
      "node:": "all",
    },
    because: "the command line speaks to the server and the client, never to the broker's insides",
  },
  "src/index.ts": {
    floor: 9,
    mayImport: ["src/server.ts", "src/config", "src/foundation"],
    packages: {},
    because: "the package's entry offers what the server does, to other programs",
  },
  "src/server.ts": {
    floor: 8,
    mayImport: [
      "src/authenticators.ts",
      "src/distrusted-clients.ts",
      "src/drop-ledger.ts",
      "src/watch-broker.ts",
      "src/watch-certificates.ts",
      "src/watch-store.ts",
      "src/management",
      "src/config",
      "src/connection",
      "src/broker",
      "src/security",
      "src/storage",
      "src/transport",
      "src/protocol",
      "src/system",
      "src/foundation",
    ],
    packages: {},
    because: "the server builds the house",
  },
  "src/authenticators.ts": {
    floor: 6,
    mayImport: ["src/config", "src/security", "src/storage/account-store.ts", "src/foundation"],
    packages: {},
    because: "it makes of the settings the ways to prove who one is, and knows no connection",
  },
  "src/distrusted-clients.ts": {
    floor: 7,
    mayImport: [
      "src/certificates/distrust.ts",
      "src/certificates/metadata.ts",
      "src/connection/acceptor.ts",
      "src/connection/entrance.ts",
      "src/transport/socket.ts",
      "src/foundation",
    ],
    packages: {},
    because: "a connection knows nothing of authorities, and certificates nothing of connections",
  },
  "src/management": {
    floor: 7,
    mayImport: [
      "src/broker",
      "src/connection",
      "src/routing/subscriber.ts",
      "src/session/session.ts",
      "src/storage/account-store.ts",
      "src/storage/store-error.ts",
      "src/storage/store.ts",
      "src/transport/listen-error.ts",
      "src/transport/unix.ts",
      "src/protocol",
      "src/foundation",
    ],
    packages: { "node:fs": ["src/management/management-socket.ts"] },
    because:
      "who administers a broker sees its clients and its core, and changes them by the ways that are there",
  },
  "src/drop-ledger.ts": {
    floor: 6,
    mayImport: ["src/broker/hook.ts", "src/storage/drop-store.ts", "src/foundation"],
    packages: {},
    because: "the ledger hears of a broker what its hook tells, and writes it down",
  },
  "src/watch-broker.ts": {
    floor: 6,
    mayImport: ["src/broker", "src/foundation"],
    packages: {},
    because: "the log hears of a broker what its hook tells",
  },
  "src/watch-store.ts": {
    floor: 6,
    mayImport: ["src/storage/store.ts", "src/foundation"],
    packages: {},
    because: "the log and the counters hear of the store what it says of itself",
  },
  "src/watch-certificates.ts": {
    floor: 6,
    mayImport: ["src/transport/socket.ts", "src/foundation"],
    packages: {},
    because: "the log hears of certificates what their listeners tell",
  },
  "src/connection": {
    floor: 6,
    mayImport: [
      "src/broker",
      "src/session",
      "src/security",
      "src/routing/subscriber.ts",
      "src/storage/store.ts",
      "src/protocol",
      "src/transport/socket.ts",
      "src/foundation",
    ],
    packages: { "node:buffer": "all" },
    because: "a connection knows sockets and the broker, neither SQL nor who else is routed to",
  },
  "src/broker": {
    floor: 5,
    mayImport: ["src/session", "src/routing", "src/storage/store.ts", "src/protocol", "src/foundation"],
    packages: {},
    because: "the core never learns which doors there are",
  },
  "src/mosquitto": {
    floor: 5,
    mayImport: [
      "src/config",
      "src/security",
      "src/storage/account-store.ts",
      "src/storage/foreign-database.ts",
      "src/storage/store.ts",
      "src/storage/store-error.ts",
      "src/protocol",
      "src/foundation",
    ],
    packages: { valibot: "all", "node:": "all" },
    because: "what another broker wrote is read into our terms, and given to the store as any other",
  },
  "src/session": {
    floor: 4,
    mayImport: ["src/routing/subscriber.ts", "src/storage/store.ts", "src/protocol", "src/foundation"],
    packages: {},
    because: "a session knows its link and its journal, not the router, not a socket",
  },
  "src/security": {
    floor: 4,
    mayImport: ["src/storage/account-store.ts", "src/storage/store.ts", "src/protocol", "src/foundation"],
    packages: { "node:": "all", jose: "all", valibot: "all" },
    because: "who you are and what you may do does not depend on sockets or sessions",
  },
  "src/routing": {
    floor: 3,
    mayImport: ["src/protocol", "src/foundation"],
    packages: {},
    because: "a router knows no sessions",
  },
  "src/storage": {
    floor: 3,
    mayImport: ["src/protocol", "src/foundation"],
    packages: { "bun:sqlite": ["src/storage/sqlite/database.ts"], "node:": "all" },
    because: "the store is told, and knows nobody who tells it",
  },
  "src/client": {
    floor: 3,
    mayImport: ["src/protocol", "src/transport", "src/foundation"],
    packages: {},
    because: "the client is a stranger to the broker",
  },
  "src/certificates": {
    floor: 3,
    mayImport: ["src/transport/certificate-spelling.ts", "src/system", "src/foundation"],
    packages: { "@peculiar/x509": "all", "reflect-metadata": "all", "node:": "all" },
    because: "whoever makes a certificate does not know who will show it",
  },
  "src/config": {
    floor: 3,
    mayImport: ["src/foundation", "src/transport/socket.ts"],
    packages: { valibot: "all", "node:": "all" },
    because: "a setting does not know what anyone does with it",
  },
  "src/protocol": {
    floor: 2,
    mayImport: ["src/foundation"],
    packages: {},
    because: "the protocol is words, without sockets, sessions or clocks",
  },
  "src/transport": {
    floor: 2,
    mayImport: ["src/system", "src/foundation"],
    packages: { "node:": "all", bun: "all" },
    because: "to a transport a byte is a byte",
  },
  "src/system": {
    floor: 1,
    mayImport: [],
    packages: {
      "bun:ffi": ["src/system/libc.ts"],
      "node:": ["src/system/folder-lock.ts", "src/system/replace-file.ts"],
    },
    because: "what the operating system offers is known without the program that asks for it",
  },
  "src/foundation": { floor: 1, mayImport: [], packages: {}, because: "the foundation stands on nothing" },
} as const satisfies Record<string, Room>

type RoomName = keyof typeof rooms

const root = new URL("..", import.meta.url).pathname

/** What a source file imports, types included: Bun's own scanner leaves those out, so the text is read. */
async function importsOf(file: string): Promise<string[]> {
  const text = await Bun.file(root + file).text()
  const statements = text.matchAll(
    /^(?:import|export)\s[^"'`;]*?from\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gms,
  )
  return [...statements].flatMap(([, from, dynamic]) => from ?? dynamic ?? [])
}

function roomOf(file: string): RoomName | undefined {
  const names = Object.keys(rooms) as RoomName[]
  return names.find((name) => file === name || file.startsWith(`${name}/`))
}

function within(file: string, place: string): boolean {
  return file === place || file.startsWith(`${place}/`)
}

/** @returns what is wrong with the import, if anything */
function objection(file: string, specifier: string): string | undefined {
  const room = roomOf(file)
  if (room === undefined) return `${file} stands in no room of the table`
  const { mayImport, packages, because }: Room = rooms[room]
  if (!specifier.startsWith(".")) {
    const entry = Object.entries(packages).find(([name]) =>
      name.endsWith(":") ? specifier.startsWith(name) : specifier === name,
    )
    if (entry !== undefined && (entry[1] === "all" || entry[1].includes(file))) return undefined
    return `${file} uses ${specifier}: ${because}`
  }
  const target = new URL(specifier, `file:///${file}`).pathname.slice(1)
  if (target === "package.json" || within(target, room)) return undefined
  if (mayImport.some((place) => within(target, place))) return undefined
  return `${file} reaches ${target}: ${because}`
}

const files = [...new Glob("{cli,src}/**/*.ts").scanSync({ cwd: root })].toSorted()

describe("the house", () => {
  test("no file imports what its room may not know", async () => {
    const objections = await Promise.all(
      files.map(async (file) => (await importsOf(file)).map((specifier) => objection(file, specifier))),
    )
    expect(objections.flat().filter((each) => each !== undefined)).toEqual([])
  })

  test("imports lead down the floors, so that no circle of rooms can close", () => {
    const climbs = Object.entries(rooms).flatMap(([name, { floor, mayImport }]) =>
      mayImport
        .filter((place) => {
          const room = roomOf(place)
          return room !== undefined && rooms[room].floor >= floor
        })
        .map((place) => `${name} climbs to ${place}`),
    )
    expect(climbs).toEqual([])
  })

  test("an import that breaks a rule is found, of types and of packages too", () => {
    expect(objection("src/routing/router.ts", "../session/session.ts")).toBe(
      "src/routing/router.ts reaches src/session/session.ts: a router knows no sessions",
    )
    expect(objection("src/broker/broker.ts", "bun:sqlite")).toContain("uses bun:sqlite")
    expect(objection("src/storage/sqlite/schema.ts", "bun:sqlite")).toContain("uses bun:sqlite")
    expect(objection("src/storage/sqlite/database.ts", "bun:sqlite")).toBeUndefined()
  })

  test("inside security, rights know nothing of logins, and neither of them knows the guard", async () => {
    const mustNotKnow = { access: ["authentication", "guard"], authentication: ["guard"] }
    const found: string[] = []
    for (const [inner, others] of Object.entries(mustNotKnow)) {
      const place = `src/security/${inner}`
      for (const file of files.filter((each) => within(each, place))) {
        for (const specifier of await importsOf(file)) {
          if (others.some((other) => specifier.startsWith(`../${other}/`)))
            found.push(`${file} reaches ${specifier}`)
        }
      }
    }
    expect(files.some((file) => within(file, "src/security/guard"))).toBe(true)
    expect(found).toEqual([])
  })

  test("the foundation stays small", () => {
    expect(files.filter((file) => within(file, "src/foundation")).length).toBeLessThanOrEqual(10)
  })
})
