import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { withFolderLocked } from "../system/folder-lock.ts"
import { replaceFile } from "../system/replace-file.ts"
import type { Authority } from "./authority.ts"
import { CertificateError } from "./certificate-error.ts"
import type { Pair } from "./pair.ts"
import { readText } from "./pem.ts"

/** Where a certificate and its key were written. */
export interface PairFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** Keys and folders are their owner's alone; certificates are for everyone. */
const secret = 0o600
const open = 0o644

/**
 * A folder with an authority, what it has issued, and the list of what it took back. A file is written whole or not at
 * all, and none that exists is written over unless `force` says so; the list alone is always brought up to date.
 */
export class CertificateFolder {
  readonly authority: PairFiles
  readonly listFile: string
  readonly #path: string
  readonly #force: boolean

  constructor(path: string, force = false) {
    this.#path = path
    this.#force = force
    this.authority = this.#filesOf("ca")
    this.listFile = join(path, "crl.pem")
  }

  get hasAuthority(): boolean {
    return existsSync(this.authority.certFile)
  }

  /** With an empty list, so that a broker can be told of it from the start. @throws CertificateError */
  async makeAuthority(name: string, days: number): Promise<PairFiles> {
    this.#refuseToReplace(this.authority)
    const { Authority } = await loadAuthority()
    const pair = await Authority.make(name, days)
    const files = this.#write(this.authority, pair)
    const authority = await Authority.read(pair)
    const list = await authority.revoke(undefined, undefined)
    withFolderLocked(this.#path, () => replaceFile(this.listFile, list, open))
    return files
  }

  /** The files are named after the first host. @throws CertificateError */
  async issueServer(hosts: readonly [string, ...string[]], days: number): Promise<PairFiles> {
    return this.#issue(hosts[0], (authority) => authority.issueServer(hosts, days))
  }

  /** The files are named after the client. @throws CertificateError */
  async issueClient(name: string, days: number): Promise<PairFiles> {
    return this.#issue(name, (authority) => authority.issueClient(name, days))
  }

  /** @throws CertificateError when it is none of ours, or was revoked before */
  async revoke(file: string): Promise<void> {
    const authority = await this.#readAuthority()
    const list = this.#readList()
    const next = await about(file, () => authority.revoke(list, readText(file)))
    const isReplaced = withFolderLocked(this.#path, () => {
      if (this.#readList() !== list) return false
      replaceFile(this.listFile, next, open)
      return true
    })
    // Somebody else has revoked one while this was signed, and that stays on the list.
    if (!isReplaced) await this.revoke(file)
  }

  #readList(): string | undefined {
    return existsSync(this.listFile) ? readFileSync(this.listFile, "utf8") : undefined
  }

  async #issue(name: string, issue: (authority: Authority) => Promise<Pair>): Promise<PairFiles> {
    const files = this.#filesOf(fileName(name))
    this.#refuseToReplace(files)
    return this.#write(files, await issue(await this.#readAuthority()))
  }

  async #readAuthority(): Promise<Authority> {
    const { certFile, keyFile } = this.authority
    if (!this.hasAuthority) {
      throw new CertificateError(`${certFile} does not exist; make an authority with \`bantam cert ca\``)
    }
    const { Authority } = await loadAuthority()
    return about(certFile, () => Authority.read({ certificate: readText(certFile), key: readText(keyFile) }))
  }

  #filesOf(name: string): PairFiles {
    return { certFile: join(this.#path, `${name}.pem`), keyFile: join(this.#path, `${name}.key`) }
  }

  #refuseToReplace({ certFile, keyFile }: PairFiles): void {
    const there = [certFile, keyFile].find((file) => existsSync(file))
    if (there === undefined || this.#force) return
    throw new CertificateError(`${there} exists already; replace it with --force, or choose another --dir`)
  }

  /** The key first: whoever finds the certificate finds its key. */
  #write(files: PairFiles, { certificate, key }: Pair): PairFiles {
    replaceFile(files.keyFile, key, secret)
    replaceFile(files.certFile, certificate, open)
    return files
  }
}

async function loadAuthority(): Promise<typeof import("./authority.ts")> {
  await import("./metadata.ts")
  return import("./authority.ts")
}

/** A name in which nothing leads to another folder, and which is not one of the folder's own. */
function fileName(name: string): string {
  const safe = name.replace(/[^\w.@-]/g, "_").replace(/^[.-]/, "_")
  if (safe !== "ca" && safe !== "crl") return safe
  throw new CertificateError(`${safe} is what the authority's own file is called; choose another name`)
}

/** Says of which file it was that something was wrong. */
export async function about<Result>(file: string, run: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (cause) {
    if (!(cause instanceof CertificateError)) throw cause
    throw new CertificateError(`${file}: ${cause.message}`, { cause })
  }
}
