import { readdirSync, readFileSync } from "node:fs"
import { encodePacket } from "../../../src/protocol/encoder.ts"
import type { ProtocolVersion } from "../../../src/protocol/packet.ts"
import { malformedInputs } from "../../support/malformed-packets.ts"
import { examples } from "../../support/packet-catalogue.ts"
import { connect } from "../../support/packets.ts"
import { bytesOf } from "../../support/wire-notation.ts"
import { violations } from "./violations.ts"

/** What one client says on one connection, packet by packet. */
export interface Conversation {
  /** Of its CONNECT, as far as that can be told. */
  readonly version: ProtocolVersion
  readonly packets: readonly Uint8Array[]
}

const folder = new URL("corpus/", import.meta.url).pathname

/**
 * What the fuzzers begin with: the conversations of the files in `corpus/`, and each packet of the tables behind a
 * CONNECT. A line of a file is a name, a version and the packets in hexadecimal, with `|` between: those of
 * `found.hex` were found by a fuzzer, because they made the decoders do what nothing before them had.
 */
export function corpus(): Conversation[] {
  return [
    ...filed().values(),
    ...examples.map(({ version, bytes }) => greeted(version, bytesOf(bytes))),
    ...malformedInputs.map(({ version, bytes }) => greeted(version, bytesOf(bytes))),
    ...violations.map(({ version, says }) => greeted(version, bytesOf(says))),
  ]
}

/** The conversations of the files, by name. */
export function filed(): Map<string, Conversation> {
  const found = new Map<string, Conversation>()
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith(".hex"))
    .toSorted()) {
    for (const line of readFileSync(folder + file, "utf8").split("\n")) {
      if (line === "" || line.startsWith("#")) continue
      const [name = "", version = "", packets = ""] = line.split("|").map((word) => word.trim())
      if (found.has(name)) throw new Error(`${file} has a second conversation called ${name}`)
      found.set(name, { version: versionOf(version), packets: packets.split(" ").map(bytesOf) })
    }
  }
  return found
}

/** As it stands in a file. */
export function corpusLine(name: string, { version, packets }: Conversation): string {
  return `${name} | ${version} | ${packets.map((packet) => Buffer.from(packet).toString("hex")).join(" ")}`
}

function greeted(version: ProtocolVersion, packet: Uint8Array): Conversation {
  const isConnect = (packet[0] ?? 0) >> 4 === 1
  const greeting = encodePacket(connect(version, { clientId: "fuzz" }), version)
  return { version, packets: isConnect ? [packet] : [greeting, packet] }
}

function versionOf(word: string): ProtocolVersion {
  if (word === "3" || word === "4" || word === "5") return Number(word) as ProtocolVersion
  throw new Error(`${word} is no version`)
}
