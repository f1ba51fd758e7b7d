import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Pair } from "../../src/certificates/pair.ts"

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** A certificate authority that lives as long as a test, made by the openssl command line. */
export class CertificateAuthority {
  readonly caFile: string
  /** Holds all files; those of the test may stand there too. */
  readonly folder: string

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "certificates-"))
    this.caFile = join(this.folder, "ca.pem")
    const authority = "-addext basicConstraints=critical,CA:TRUE"
    this.#openssl(`req -x509 ${newKey} -keyout ca.key -out ca.pem -days 2 ${authority} -subj`, "/CN=Test CA")
  }

  /** For `localhost` and 127.0.0.1, unless another alternative name is told, such as `DNS:example.org`. */
  server(commonName = "localhost", alternativeName = "DNS:localhost,IP:127.0.0.1"): CertificateFiles {
    return this.#issue(commonName, `subjectAltName=${alternativeName}\nextendedKeyUsage=serverAuth\n`)
  }

  /** One for `localhost` that ends so many days from now; below 0 it is over. */
  serverUntil(days: number): CertificateFiles {
    return this.#issue("localhost", "subjectAltName=DNS:localhost\n", days)
  }

  client(commonName: string): CertificateFiles {
    return this.#issue(commonName, "extendedKeyUsage=clientAuth\n")
  }

  /** One whose time was over yesterday. */
  expiredClient(commonName: string): CertificateFiles {
    return this.#issue(commonName, "extendedKeyUsage=clientAuth\n", -1)
  }

  /** @returns the file of a list that revokes one certificate */
  revoke(revoked: CertificateFiles): string {
    const database = "default_md=sha256\ndefault_crl_days=2\ndatabase=index.txt\ncrlnumber=crlnumber"
    writeFileSync(join(this.folder, "ca.cnf"), `[ca]\ndefault_ca=it\n[it]\n${database}\n`)
    writeFileSync(join(this.folder, "index.txt"), "")
    writeFileSync(join(this.folder, "crlnumber"), "01\n")
    const authority = "ca -config ca.cnf -cert ca.pem -keyfile ca.key"
    this.#openssl(`${authority} -revoke`, revoked.certFile)
    this.#openssl(`${authority} -gencrl -out`, "ca.crl")
    return join(this.folder, "ca.crl")
  }

  /** @returns the authority of a pair for another while: the same name and key, another certificate, in PEM */
  renewed({ certificate, key }: Pair): string {
    const name = join(this.folder, crypto.randomUUID())
    writeFileSync(`${name}.pem`, certificate)
    writeFileSync(`${name}.key`, key)
    this.#openssl(`x509 -in ${name}.pem -signkey ${name}.key -days 20 -out`, `${name}.renewed.pem`)
    return readFileSync(`${name}.renewed.pem`, "utf8")
  }

  /** @returns an authority of its own, in PEM, on a curve that BoringSSL does not know */
  strange(commonName: string): string {
    const key = "-newkey ec -pkeyopt ec_paramgen_curve:brainpoolP256r1 -nodes -keyout strange.key"
    this.#openssl(`req -x509 ${key} -out strange.pem -days 2 -subj`, `/CN=${commonName}`)
    return readFileSync(join(this.folder, "strange.pem"), "utf8")
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #issue(commonName: string, extensions: string, days = 2): CertificateFiles {
    const name = crypto.randomUUID()
    writeFileSync(join(this.folder, `${name}.ext`), extensions)
    this.#openssl(`req ${newKey} -keyout ${name}.key -out ${name}.csr -subj`, `/CN=${commonName}`)
    const signer = "-CA ca.pem -CAkey ca.key -CAcreateserial"
    this.#openssl(
      `x509 -req -in ${name}.csr ${signer} -days ${days} -extfile ${name}.ext -out`,
      `${name}.pem`,
    )
    return { certFile: join(this.folder, `${name}.pem`), keyFile: join(this.folder, `${name}.key`) }
  }

  /** Runs in the folder; `last` may contain spaces. */
  #openssl(words: string, last: string): void {
    const { success, stderr } = Bun.spawnSync(["openssl", ...words.split(" "), last], { cwd: this.folder })
    if (!success) throw new Error(`openssl ${words} failed: ${stderr.toString()}`)
  }
}

const newKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
