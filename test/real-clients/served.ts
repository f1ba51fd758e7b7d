import { rmSync } from "node:fs"
import { join } from "node:path"
import { type BrokerProcess, executable, portOf, startBroker } from "../../scripts/executable.ts"
import { CertificateAuthority } from "../support/certificates.ts"

/** The compiled broker with every kind of door, on free ports, and a store on disk. */
export interface Served {
  readonly broker: BrokerProcess
  readonly caFile: string
  readonly unixPath: string
  /** Of its data. */
  readonly directory: string
  port(scheme: "tcp" | "tls" | "ws" | "wss"): number
  /** @throws Error when the broker logged an error or did not leave in good order */
  close(): Promise<void>
}

/** Longest packet the broker takes: room for a payload of 1 MiB. */
const packetBytes = 2_097_152

/** @param more settings, such as `limits.connections=5` */
export async function serve(more: readonly string[] = []): Promise<Served> {
  const path = await executable()
  const authority = new CertificateAuthority()
  const { certFile, keyFile } = authority.server()
  const unixPath = join(authority.folder, "bantam.sock")
  const directory = join(authority.folder, "store")
  const doors = ["tcp", "tls", "ws", "wss"].map((scheme) => `${scheme}://127.0.0.1:0`)
  const settings = [
    `storage.directory=${directory}`,
    `tls.cert_file=${certFile}`,
    `tls.key_file=${keyFile}`,
    `limits.packet_bytes=${packetBytes}`,
    ...more,
  ]
  const broker = await startBroker(path, {
    words: [
      ...[...doors, `unix://${unixPath}`].flatMap((url) => ["--listen", url]),
      ...settings.flatMap((setting) => ["--set", setting]),
    ],
  })
  return {
    broker,
    caFile: authority.caFile,
    unixPath,
    directory,
    port: (scheme) => portOf(broker, scheme),
    close: async () => {
      const exitCode = await broker.stop()
      rmSync(authority.folder, { recursive: true, force: true })
      if (exitCode !== 0 || broker.errors.length > 0) {
        throw new Error(`the broker ended with ${exitCode} and said: ${broker.errors.join("\n")}`)
      }
    },
  }
}
