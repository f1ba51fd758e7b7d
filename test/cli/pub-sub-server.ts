import { decodePacket } from "../../src/protocol/decoder.ts"
import { encodePacket } from "../../src/protocol/encoder.ts"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import type { Packet, ProtocolVersion } from "../../src/protocol/packet.ts"
import { fromSource, readUntil } from "./program.ts"

/** A broker of our own, in a process of its own and with nothing on disk. */
export async function startBroker(...words: readonly string[]) {
  const running = Bun.spawn({
    cmd: [...fromSource, "serve", "--ephemeral", "--port", "0", ...words],
    env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
    stdout: "pipe",
    stderr: "ignore",
  })
  const said = await readUntil(running.stdout, "data ")
  const port = /tcp:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1]
  if (port === undefined) throw new Error(`no port in ${said}`)
  return {
    /** Where `pub` and `sub` find it. */
    flags: ["-h", "127.0.0.1", "-p", port],
    async stop(): Promise<void> {
      running.kill()
      await running.exited
    },
  }
}

/** What a scripted server does: answers to a packet; "close" closes behind the answers before it. */
export type Script = (packet: Packet) => readonly (Packet | "close")[]

/** A server that says what the test wants, where a real one would know better. */
export function startScripted(version: ProtocolVersion, script: Script) {
  const heard: Packet[] = []
  const listener = Bun.listen<FrameReader>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = new FrameReader(268_435_460)
      },
      data(socket, chunk) {
        const frames = socket.data
        frames.append(chunk)
        while (frames.next()) {
          const { firstByte, bytes, bodyStart, bodyEnd } = frames
          const packet = decodePacket(firstByte, bytes, bodyStart, bodyEnd, version)
          heard.push(packet)
          for (const answer of script(packet)) {
            if (answer === "close") socket.end()
            else socket.write(encodePacket(answer, version))
          }
        }
      },
    },
  })
  return {
    flags: ["-h", "127.0.0.1", "-p", String(listener.port), "-V", version === 5 ? "5" : "311"],
    heard,
    [Symbol.dispose]: () => listener.stop(true),
  }
}
