import { type AddressInfo, createServer, connect as dial, type Socket } from "node:net"

/** A SOCKS5 proxy that connects to 127.0.0.1, whatever name it is told, and remembers the names. */
export interface TestProxy {
  readonly port: number
  /** HOST:PORT each, in order. */
  readonly asked: readonly string[]
  /** NAME:PASSWORD each. */
  readonly logins: readonly string[]
  close(): void
}

/** @param reply what it says to each wish: 0 grants it [RFC 1928: 6] */
export async function socksProxy({ wantsLogin = false, reply = 0 } = {}): Promise<TestProxy> {
  const asked: string[] = []
  const logins: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer(async (client) => {
    sockets.add(client)
    client.on("error", () => client.destroy())
    const read = reader(client)
    const [, methods = 0] = await read(2)
    await read(methods)
    client.write(Uint8Array.of(5, wantsLogin ? 2 : 0))
    if (wantsLogin) {
      const [, nameLength = 0] = await read(2)
      const name = await read(nameLength)
      const [passwordLength = 0] = await read(1)
      logins.push(`${name}:${await read(passwordLength)}`)
      client.write(Uint8Array.of(1, 0))
    }
    const [, , , kind] = await read(4)
    const host = kind === 1 ? (await read(4)).join(".") : String(await read((await read(1))[0] ?? 0))
    const port = (await read(2)).readUInt16BE()
    asked.push(`${host}:${port}`)
    client.write(Uint8Array.of(5, reply, 0, 1, 127, 0, 0, 1, 0, 0))
    if (reply !== 0) return client.end()
    const server = dial(port, "127.0.0.1")
    sockets.add(server)
    server.on("error", () => client.destroy())
    client.pipe(server).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    logins,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** @returns reads so many bytes, waiting for them, and leaves what follows unread */
function reader(socket: Socket): (length: number) => Promise<Buffer> {
  return async (length) => {
    if (length === 0) return Buffer.alloc(0)
    for (;;) {
      const bytes: unknown = socket.read(length)
      if (bytes instanceof Buffer) return bytes
      await new Promise((resolve) => socket.once("readable", resolve))
    }
  }
}
