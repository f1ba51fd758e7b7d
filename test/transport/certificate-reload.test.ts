import { afterAll, describe, expect, test } from "bun:test"
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { connect } from "../../src/transport/connect.ts"
import { listen } from "../../src/transport/listen.ts"
import { ListenError } from "../../src/transport/listen-error.ts"
import type { Listener, Socket, TlsSettings } from "../../src/transport/socket.ts"
import { CertificateAuthority } from "../support/certificates.ts"
import type { CertificateFiles } from "../support/certificates.ts"
import { Recorder } from "./recorder.ts"

const first = new CertificateAuthority()
const second = new CertificateAuthority()
const listeners: Listener[] = []
let folders = 0

afterAll(() => {
  for (const listener of listeners) listener.stop()
  first[Symbol.dispose]()
  second[Symbol.dispose]()
})

function freshFolder(): string {
  const folder = join(first.folder, `installed-${folders++}`)
  mkdirSync(folder)
  return folder
}

function installed(folder: string): CertificateFiles {
  return { certFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") }
}

function copyInto(folder: string, { certFile, keyFile }: CertificateFiles): void {
  copyFileSync(certFile, join(folder, "tls.crt"))
  copyFileSync(keyFile, join(folder, "tls.key"))
}

async function serving(tls: TlsSettings) {
  const accept = (socket: Socket) => new Recorder().owns(socket)
  const address = { scheme: "tls", host: "127.0.0.1", port: 0 } as const
  const listener = await listen(address, tls, accept, { onBug: () => {} })
  listeners.push(listener)
  const look = () => listener.reloadIfChanged?.()
  const reload = () => listener.reload?.()
  const port = Number(new URL(listener.url).port)
  return { look, reload, port, shows: (authority: CertificateAuthority) => isShown(listener, authority) }
}

/** Where those of our descriptors lead that belong to whoever listens at the port, or to a file of the folder. */
function descriptorsAt(port: number, folder: string): string[] {
  const hexadecimal = `:${port.toString(16).toUpperCase().padStart(4, "0")}`
  const sockets = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = ""]) => local.endsWith(hexadecimal))
    .map((columns) => `socket:[${columns[9]}]`)
  return readdirSync("/proc/self/fd")
    .map((descriptor) => targetOf(`/proc/self/fd/${descriptor}`))
    .filter((target) => sockets.includes(target) || target.startsWith(folder))
    .toSorted()
}

/** "" for what is closed by now, such as the descriptor that the folder of them was read with. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    return ""
  }
}

/** Whether the listener shows a certificate of that authority. */
async function isShown(listener: Listener, { caFile }: CertificateAuthority): Promise<boolean> {
  const port = Number(new URL(listener.url).port)
  const dialing = connect({ scheme: "tls", host: "127.0.0.1", port, tls: { caFile } }, new Recorder())
  return dialing.then(
    (socket) => {
      socket.terminate()
      return true
    },
    () => false,
  )
}

describe("Certificate files", () => {
  test("that are the same as before are not read again", async () => {
    const { look } = await serving(first.server())
    expect(look()).toBe(false)
    expect(look()).toBe(false)
  })

  test("that are written in place are read again, once", async () => {
    const folder = freshFolder()
    copyInto(folder, first.server())
    const { look, shows } = await serving(installed(folder))
    copyInto(folder, second.server())
    expect(look()).toBe(true)
    expect(look()).toBe(false)
    expect(await shows(second)).toBe(true)
    expect(await shows(first)).toBe(false)
  })

  test("that are read again keep nobody out who has just come to the door", async () => {
    const listener = await serving(first.server())
    for (let times = 0; times < 20; times += 1) {
      // Within this turn nobody is accepted: who comes waits in the queue of the socket.
      const coming = [listener.shows(first), listener.shows(first), listener.shows(first)]
      listener.reload()
      expect(await Promise.all(coming)).toEqual([true, true, true])
    }
  })

  test.skipIf(process.platform !== "linux")("that are no good leave no descriptor behind", async () => {
    const folder = freshFolder()
    const crlFile = join(folder, "crl.pem")
    copyFileSync(first.revoke(first.client("gone")), crlFile)
    const listener = await serving({ ...first.server(), caFile: first.caFile, crlFile })
    const before = descriptorsAt(listener.port, folder)
    expect(before).not.toBeEmpty()
    writeFileSync(crlFile, "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n")
    for (let times = 0; times < 3; times += 1) expect(() => listener.reload()).toThrow("is damaged")
    expect(descriptorsAt(listener.port, folder)).toEqual(before)
  })

  test("that another file takes the place of are read again, one of the same size and time too", async () => {
    const folder = freshFolder()
    copyInto(folder, first.server())
    const files = installed(folder)
    const { look } = await serving(files)
    copyFileSync(files.certFile, join(folder, "next"))
    renameSync(join(folder, "next"), files.certFile)
    expect(look()).toBe(true)
  })

  test("behind a link to a folder are read again when the link leads elsewhere, as Kubernetes does it", async () => {
    const folder = freshFolder()
    for (const [version, authority] of [
      ["..1", first],
      ["..2", second],
    ] as const) {
      mkdirSync(join(folder, version))
      copyInto(join(folder, version), authority.server())
    }
    symlinkSync("..1", join(folder, "..data"))
    for (const name of ["tls.crt", "tls.key"]) symlinkSync(join("..data", name), join(folder, name))
    const { look, shows } = await serving(installed(folder))
    expect(look()).toBe(false)
    symlinkSync("..2", join(folder, "..data_tmp"))
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"))
    expect(look()).toBe(true)
    expect(await shows(second)).toBe(true)
  })

  test("of which only one is written yet leave the old pair in force, and are tried again at the next change", async () => {
    const folder = freshFolder()
    copyInto(folder, first.server())
    const { certFile, keyFile } = installed(folder)
    const { look, shows } = await serving({ certFile, keyFile })
    const next = second.server()

    copyFileSync(next.certFile, certFile)
    expect(look).toThrow(ListenError)
    expect(look()).toBe(false)
    expect(await shows(first)).toBe(true)

    const key = readFileSync(next.keyFile)
    writeFileSync(keyFile, key)
    truncateSync(keyFile, 40)
    expect(look).toThrow("holds no private key")
    expect(await shows(first)).toBe(true)

    writeFileSync(keyFile, key)
    expect(look()).toBe(true)
    expect(await shows(second)).toBe(true)
  })

  test("that are gone, or have expired, leave the old ones in force", async () => {
    const folder = freshFolder()
    copyInto(folder, first.server())
    const { certFile, keyFile } = installed(folder)
    const { look, shows } = await serving({ certFile, keyFile })
    renameSync(certFile, `${certFile}.away`)
    expect(look).toThrow(`${certFile} does not exist`)
    expect(look()).toBe(false)
    copyInto(folder, second.serverUntil(-1))
    expect(look).toThrow("expired at")
    expect(await shows(first)).toBe(true)
  })

  test("of an authority and of those it revokes are looked at as well", async () => {
    const folder = freshFolder()
    const caFile = join(folder, "ca.pem")
    const crlFile = join(folder, "crl.pem")
    copyFileSync(first.caFile, caFile)
    copyFileSync(first.revoke(first.client("lost")), crlFile)
    const { look } = await serving({ ...first.server(), caFile, crlFile })
    copyFileSync(first.revoke(first.client("another")), crlFile)
    expect(look()).toBe(true)
    copyFileSync(second.caFile, caFile)
    expect(look()).toBe(true)
    expect(look()).toBe(false)
  })
})
