import type { Break } from "./break.ts"

export const overloadBreaks: readonly Break[] = [
  {
    what: "leaves most subscriptions of a large session where they were",
    noticedBy: "overload subscriptions",
    effort: "short",
    file: "src/broker/leaving-subscriptions.ts",
    find: `      if (this.#leaving.size > 0) this.#arm()\n`,
    replace: ``,
  },
  {
    what: "grants one subscription more than it may",
    noticedBy: "overload subscriptions",
    effort: "short",
    file: "src/connection/subscribe.ts",
    find: `subscriptions.size >= limits.subscriptionsPerClient`,
    replace: `subscriptions.size > limits.subscriptionsPerClient`,
  },
  {
    what: "works through all that a client has sent in one turn",
    noticedBy: "overload subscriptions",
    effort: "long",
    file: "src/connection/turn.ts",
    find: `return nowMs >= this.#endsMs || nowMs - beganMs >= shareMs`,
    replace: `return false`,
  },
  {
    what: "takes the subscriptions of a session out in one go",
    noticedBy: "overload subscriptions",
    effort: "long",
    file: "src/broker/leaving-subscriptions.ts",
    find: `const fewSubscriptions = 32`,
    replace: `const fewSubscriptions = 1_000_000`,
  },
  {
    what: "keeps retained messages beyond their time",
    noticedBy: "overload retained",
    effort: "short",
    file: "src/broker/retained-messages.ts",
    find: `message?.expiresAtMs ?? Number.POSITIVE_INFINITY`,
    replace: `Number.POSITIVE_INFINITY`,
  },
  {
    what: "looks not at the levels of a will",
    noticedBy: "overload deep topics",
    effort: "short",
    file: "src/connection/connect.ts",
    find: `parseTopicName(will.topic, topicLimits)`,
    replace: `parseTopicName(will.topic, { ...topicLimits, maximumLevels: 65_536 })`,
  },
  {
    what: "remembers who is interested in a topic, however many they are",
    noticedBy: "overload wildcards",
    effort: "long",
    file: "src/routing/router.ts",
    find: ` || this.#deliveries >= deliveriesPerGeneration`,
    replace: ``,
  },
  {
    what: "takes any number of messages that are never released",
    noticedBy: "overload never released",
    effort: "short",
    file: "src/connection/publish.ts",
    find: `    throw new ProtocolError(ReasonCode.receiveMaximumExceeded)\n`,
    replace: ``,
  },
  {
    what: "counts retained messages, and not their bytes",
    noticedBy: "overload wills",
    effort: "short",
    file: "src/broker/retained-messages.ts",
    find: `isFull || this.tree.bytesWith(message) > this.#limits.retainedBytes`,
    replace: `isFull`,
  },
  {
    what: "reads any number of user properties",
    noticedBy: "overload property bombs",
    effort: "short",
    file: "src/protocol/property-codec.ts",
    find: `pairs.length >= reader.bounds.userProperties`,
    replace: `pairs.length > 100_000_000`,
  },
  {
    what: "reads on, however far behind the disk is",
    noticedBy: "overload fast publisher",
    effort: "long",
    file: "src/connection/reading.ts",
    find: `if (this.#surroundings.storeIsBehind && waitsForStore) {`,
    replace: `if (waitsForStore && this.#surroundings.counters.storeBehind < 0) {`,
  },
  {
    what: "keeps in its write buffer whatever a reader does not take",
    noticedBy: "overload slow readers",
    effort: "short",
    file: "src/transport/write-buffer.ts",
    find: `return this.#state === "stalled" && this.size <= this.#highWaterBytes`,
    replace: `return this.#state === "stalled"`,
  },
  {
    what: "drops what a slow reader does not take and tells nobody",
    noticedBy: "overload slow readers",
    effort: "short",
    file: "src/session/session.ts",
    find: `this.#missesRun(run, from, to, step, link === undefined ? "absent" : "slow-receiver")`,
    replace: ``,
  },
  {
    what: "gives all the time in the world to say CONNECT",
    noticedBy: "overload slowloris",
    effort: "short",
    file: "src/connection/connection.ts",
    find: `keeper.comeBy(this, this.#connectDeadlineMs)`,
    replace: ``,
  },
  {
    what: "gives all the time in the world for a handshake or an upgrade",
    noticedBy: "overload slowloris",
    effort: "short",
    file: "src/server.ts",
    find: `handshakeTimeoutMs: settings.limits.connectTimeoutSeconds * 1000,`,
    replace: `handshakeTimeoutMs: 2 ** 31 - 1,`,
  },
  {
    what: "lets any number of strangers be at their handshakes and upgrades",
    noticedBy: "overload open files",
    effort: "short",
    file: "src/server.ts",
    find: `most: settings.guard.halfOpen,`,
    replace: `most: 1_000_000,`,
  },
  {
    what: "does not count down who has left",
    noticedBy: "overload connect storm",
    effort: "short",
    file: "src/connection/arrivals.ts",
    find: `this.#connections -= 1`,
    replace: ``,
  },
  {
    what: "turns away who is one too many without counting",
    noticedBy: "overload connect storm",
    effort: "short",
    file: "src/connection/acceptor.ts",
    find: `counters.turnedAway[why] += 1`,
    replace: ``,
  },
  {
    what: "takes a session over and leaves its first connection open",
    noticedBy: "overload reconnect storm",
    effort: "short",
    file: "src/broker/session-registry.ts",
    find: `existing.link.close(ReasonCode.sessionTakenOver)`,
    replace: ``,
  },
  {
    what: "goes on with a session that was not wanted any more",
    noticedBy: "overload flip-flop",
    effort: "short",
    file: "src/broker/session-registry.ts",
    find: `const resumed = left !== undefined && !request.cleanStart ? left : undefined`,
    replace: `const resumed = left`,
  },
  {
    what: "counts a run of lost messages as one in its ledger",
    noticedBy: "overload slow readers",
    effort: "short",
    file: "src/drop-ledger.ts",
    find: `    row.add(now, messages, bytes)
    this.#last`,
    replace: `    row.add(now, 1, bytes)
    this.#last`,
  },
  {
    what: "lets nobody write to the store while it is backed up",
    noticedBy: "overload backup",
    effort: "long",
    file: "src/storage/sqlite/copy.ts",
    find: `      database.query<unknown, [string]>("VACUUM INTO ?").run(copy)
`,
    replace: `      const other = openSource(source)
      other.run("BEGIN IMMEDIATE")
      database.query<unknown, [string]>("VACUUM INTO ?").run(copy)
      other.close()
`,
  },
  {
    what: "has the broker stand still while its store is copied",
    noticedBy: "overload backup",
    effort: "long",
    file: "cli/backup.ts",
    find: `      const counts = backUp(directory, durability, path, options.force === true)
`,
    replace: `      const { whoServes } = await import("../src/storage/health.ts")
      const holder = whoServes(directory)
      if (holder !== undefined) process.kill(holder, "SIGSTOP")
      const counts = backUp(directory, durability, path, options.force === true)
      if (holder !== undefined) process.kill(holder, "SIGCONT")
`,
  },
  {
    what: "leaves out of a backup what is not folded into the tables yet",
    noticedBy: "overload backup",
    effort: "short",
    file: "src/storage/sqlite/copy.ts",
    find: `new BatchLog(database, source).foldAll()`,
    replace: `database.run("DELETE FROM batch")`,
  },
]
