import { Database } from "bun:sqlite"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ConnectTarget } from "../../../src/transport/connect.ts"
import { databaseFile } from "../../../src/storage/sqlite/directory.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import { run } from "../../cli/program.ts"
import { CertificateAuthority } from "../../support/certificates.ts"
import { mostQueued } from "./plays.ts"

/** The compiled broker with every kind of door, on a directory of its own. */
export class SoakedBroker {
  readonly broker: WatchedBroker
  readonly directory: string
  readonly #folder: string
  readonly #authority: CertificateAuthority

  private constructor(broker: WatchedBroker, folder: string, authority: CertificateAuthority) {
    this.broker = broker
    this.directory = join(folder, "data")
    this.#folder = folder
    this.#authority = authority
  }

  static async start(executable: string): Promise<SoakedBroker> {
    const folder = mkdtempSync(join(tmpdir(), "bantam-soak-"))
    const authority = new CertificateAuthority()
    const { certFile, keyFile } = authority.server()
    const settings = {
      "mqtt.sys_interval_seconds": 1,
      "security.allow_anonymous": true,
      "security.default_access": "allow",
      "limits.queued_messages": mostQueued,
      "tls.cert_file": certFile,
      "tls.key_file": keyFile,
    }
    // As soon as there is a rule, $SYS needs one of its own.
    const data = join(folder, "data")
    const rule = ["allow", "client:monitor", "subscribe", "$SYS/#", "--data", data]
    const { exitCode, error } = await run(["acl", ...rule], { program: [executable] })
    if (exitCode !== 0) throw new Error(`the monitor may not look: ${error}`)
    const broker = await WatchedBroker.serving({
      program: [executable],
      words: [
        ...["tcp", "tls", "ws", "wss"].flatMap((scheme) => ["--listen", `${scheme}://127.0.0.1:0`]),
        ...["--data", data],
        ...Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]),
      ],
    })
    return new SoakedBroker(broker, folder, authority)
  }

  get doors(): readonly [ConnectTarget, ...ConnectTarget[]] {
    const { broker } = this
    const at = (scheme: string) => ({ host: "127.0.0.1", port: broker.port(scheme) })
    const tls = { caFile: this.#authority.caFile }
    return [
      { scheme: "tcp", ...at("tcp") },
      { scheme: "tls", ...at("tls"), tls },
      { scheme: "ws", ...at("ws") },
      { scheme: "wss", ...at("wss"), tls },
    ]
  }

  /** How many rows are left in each table, once the broker is gone. What is kept on purpose is not among them. */
  rowsLeft(): Readonly<Record<string, number>> {
    using database = new Database(databaseFile(this.directory), { readonly: true })
    return Object.fromEntries(
      tables.map((table) => {
        // The monitor's own rule stays.
        const where = table === "access_rule" ? " WHERE line NOT LIKE '%client:monitor%'" : ""
        const sql = `SELECT count(*) AS rows FROM ${table}${where}`
        return [table, database.query<{ rows: number }, []>(sql).get()?.rows ?? Number.NaN]
      }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.kill()
    this.#authority[Symbol.dispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** All but what tells of the past, which is bounded by itself: `audit`, `dropped` and `user_change`. */
const tables = [
  "session",
  "subscription",
  "awaiting_release",
  "message",
  "shared",
  "queue",
  "retained",
  "batch",
  "user",
  "access_rule",
  "ban",
]
