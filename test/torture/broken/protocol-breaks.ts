import type { Break } from "./break.ts"

export const protocolBreaks: readonly Break[] = [
  {
    what: "takes a text with U+0000 in it",
    noticedBy: "protocol malformed",
    effort: "short",
    file: "src/protocol/utf8.ts",
    find: `if (byte === 0) throw malformedPacket("U+0000 in a text [MQTT-1.5.4-2]")`,
    replace: ``,
  },
  {
    what: "says protocol error where a packet is malformed",
    noticedBy: "protocol malformed",
    effort: "short",
    as: /disconnect 82, closed" and not ".*disconnect 81/,
    file: "src/protocol/protocol-error.ts",
    find: `return new ProtocolError(ReasonCode.malformedPacket, detail)`,
    replace: `return new ProtocolError(ReasonCode.protocolError, detail)`,
  },
  {
    what: "waits for more where the flags of a first packet are wrong already",
    noticedBy: "protocol malformed",
    effort: "short",
    file: "src/connection/connection.ts",
    find: `        const isAnswered = this.#spoken === 5 ||`,
    replace: `        if (this.#spoken === undefined && error.message.startsWith("reserved flags")) return
        const isAnswered = this.#spoken === 5 ||`,
  },
  {
    what: "does not count what is sent beyond the Receive Maximum",
    noticedBy: "protocol violations",
    effort: "short",
    as: /" and not ".*disconnect 93, closed"/,
    file: "src/connection/publish.ts",
    find: `    throw new ProtocolError(ReasonCode.receiveMaximumExceeded)`,
    replace: `    return`,
  },
  {
    what: "takes in a run what the decoder refuses",
    noticedBy: "protocol fuzz decoders",
    effort: "short",
    file: "src/protocol/publish-properties.ts",
    find: `    if (byte === 0 || byte >= 0x80) return 0`,
    replace: `    if (byte === 0) return 0`,
  },
  {
    what: "loses a byte of a frame that comes in pieces",
    noticedBy: "protocol fuzz decoders",
    effort: "short",
    as: /in pieces/,
    file: "src/protocol/frame-reader.ts",
    find: `const needed = this.#keptBytes + length`,
    replace: `const needed = this.#keptBytes + length - (this.#keptBytes > 20 ? 1 : 0)`,
  },
  {
    what: "reads beyond the end of a packet, and falls over it",
    noticedBy: "protocol fuzz wire",
    effort: "short",
    as: /, where it had to /,
    file: "src/protocol/byte-reader.ts",
    find: `if (length > this.#end - start) throw malformedPacket("the packet ends in the middle of a field")`,
    replace: `if (length > this.#end - start) throw new RangeError("out of bounds")`,
  },
  {
    what: "forgets to end the session of a client that has broken a rule",
    noticedBy: "protocol fuzz wire",
    effort: "short",
    file: "src/connection/online-client.ts",
    find: `    broker.sessions.disconnected(session, withWill, sessionExpiryInterval)`,
    replace: `    if (!withWill) broker.sessions.disconnected(session, withWill, sessionExpiryInterval)`,
  },
  {
    what: "keeps what the connections of strangers have sent",
    noticedBy: "protocol fuzz wire",
    effort: "long",
    as: /^memory grown since \(MiB\): /,
    file: "src/connection/connection.ts",
    find: `    this.#surroundings.counters.bytesReceived += chunk.length
`,
    replace: `    this.#surroundings.counters.bytesReceived += chunk.length
    ;((globalThis as { kept?: Uint8Array[] }).kept ??= []).push(new Uint8Array(1024).fill(1))
`,
  },
]
