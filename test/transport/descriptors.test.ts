import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { duplicate, release } from "../../src/system/descriptors.ts"
import { InheritedSockets } from "../../src/system/inherited-sockets.ts"
import { libc } from "../../src/system/libc.ts"

const closeOnExec = 0o2_000_000
const setFlags = 2

/** Whether programs that are started from here would have it. */
function isForChildren(descriptor: number): boolean {
  const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8")
  return (Number.parseInt(/^flags:\t(\d+)$/m.exec(info)?.[1] ?? "", 8) & closeOnExec) === 0
}

/** A listening socket as a service manager hands it over: left open for whoever is started. */
function handedOver() {
  const server: { readonly fd?: number; readonly port: number; stop(): void } = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data() {} },
  })
  const descriptor = server.fd ?? -1
  libc()?.fcntl(descriptor, setFlags, 0n)
  expect(isForChildren(descriptor)).toBe(true)
  return { descriptor, port: server.port, [Symbol.dispose]: () => server.stop() }
}

describe.skipIf(process.platform !== "linux")("Programs that are started from here do not have", () => {
  test("the duplicate of a socket", () => {
    using original = handedOver()
    const another = duplicate(original.descriptor) ?? -1
    expect(another).toBeGreaterThan(2)
    expect(isForChildren(another)).toBe(false)
    release(another)
  })

  test("a socket that a service manager handed over", () => {
    using socket = handedOver()
    const environment = { LISTEN_PID: String(process.pid), LISTEN_FDS: String(socket.descriptor - 2) }
    const taken = InheritedSockets.take(environment).takePort("127.0.0.1", socket.port)
    expect(taken?.descriptor).toBe(socket.descriptor)
    expect(isForChildren(socket.descriptor)).toBe(false)
  })
})
