import { afterAll, describe, expect, test } from "bun:test"
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "../../src/transport/connect.ts"
import { ListenError } from "../../src/transport/listen-error.ts"
import { listenUnix } from "../../src/transport/unix.ts"
import { Recorder } from "./recorder.ts"

const folder = mkdtempSync(join(tmpdir(), "sockets-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const silent = { onBug: () => {} }
const at = (path: string) => ({ scheme: "unix", path }) as const

describe("a unix listener", () => {
  test("is its owner's alone, names its peers unix, and takes its file away", async () => {
    const address = at(join(folder, "plain.sock"))
    const server = new Recorder()
    const listener = await listenUnix(address, (socket) => server.owns(socket), silent)
    expect(listener.url).toBe(`unix://${address.path}`)
    expect(statSync(address.path).mode & 0o777).toBe(0o600)
    const socket = await connect(address, new Recorder())
    await server.meeting
    expect(server.socket?.remoteAddress).toBe("unix")
    socket.terminate()
    listener.stop()
    expect(existsSync(address.path)).toBe(false)
  })

  test("may be open to others when told", async () => {
    const address = at(join(folder, "open.sock"))
    const listener = await listenUnix(address, () => new Recorder(), { ...silent, mode: 0o666 })
    expect(statSync(address.path).mode & 0o777).toBe(0o666)
    listener.stop()
  })

  test("replaces the file of a process that was killed", async () => {
    const address = at(join(folder, "stale.sock"))
    const listening = `Bun.listen({ unix: ${JSON.stringify(address.path)}, socket: { data() {} } }); console.log("up")`
    const killed = Bun.spawn([process.execPath, "-e", listening], { stdout: "pipe" })
    await killed.stdout.getReader().read()
    killed.kill("SIGKILL")
    await killed.exited
    expect(existsSync(address.path)).toBe(true)

    const server = new Recorder()
    const listener = await listenUnix(address, (socket) => server.owns(socket), silent)
    const socket = await connect(address, new Recorder())
    await server.meeting
    socket.terminate()
    listener.stop()
  })

  test("leaves the file of a living one alone", async () => {
    const address = at(join(folder, "taken.sock"))
    const listener = await listenUnix(address, () => new Recorder(), silent)
    const second = listenUnix(address, () => new Recorder(), silent)
    await expect(second).rejects.toThrow(
      `Cannot listen at unix://${address.path}: another program listens there; stop it, or choose another path.`,
    )
    const socket = await connect(address, new Recorder())
    socket.terminate()
    listener.stop()
  })

  test("never removes a file that is no socket", async () => {
    const address = at(join(folder, "notes.txt"))
    await Bun.write(address.path, "precious")
    const opening = listenUnix(address, () => new Recorder(), silent)
    await expect(opening).rejects.toThrow(ListenError)
    await expect(opening).rejects.toThrow("what stands there is no socket")
    expect(await Bun.file(address.path).text()).toBe("precious")
  })

  test.each([
    ["a folder that is not there", join(folder, "nowhere", "a.sock"), "its folder does not exist; make it"],
    ["a path that is too long", join(folder, "x".repeat(120)), "choose a shorter one"],
  ])("names %s", async (_, path, why) => {
    const opening = listenUnix(at(path), () => new Recorder(), silent)
    await expect(opening).rejects.toThrow(why)
  })
})
