import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { copyFileSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { socksProxy, type TestProxy } from "../support/socks-proxy.ts"
import { type ClientProgram, ClientPrograms } from "./client-programs.ts"
import { type Served, serve } from "./served.ts"
import { describeWith, mosquittoClients } from "./tools.ts"

describeWith(
  "mosquitto-clients",
  mosquittoClients(),
  "Mosquitto's clients and ours by their names go in by the same doors",
  (folder) => {
    let programs: ClientPrograms
    let served: Served
    let proxy: TestProxy
    let caPath: string
    beforeAll(async () => {
      ;[programs, served, proxy] = await Promise.all([
        ClientPrograms.link(folder),
        serve(),
        socksProxy({ wantsLogin: true }),
      ])
      caPath = join(programs.folder, "authorities")
      mkdirSync(caPath)
      copyFileSync(served.caFile, join(caPath, "ca.crt"))
      await Bun.spawn({ cmd: ["openssl", "rehash", caPath] }).exited
    }, 60_000)
    afterAll(async () => {
      proxy.close()
      await served.close()
      programs.remove()
    })

    const words: Readonly<Record<string, () => readonly string[]>> = {
      unix: () => ["--unix", served.unixPath],
      "a name": () => ["-h", "localhost", "-p", String(served.port("tcp"))],
      "an address of ours": () => ["-A", "127.0.0.1", "-h", "127.0.0.1", "-p", String(served.port("tcp"))],
      "a proxy": () => [
        "--proxy",
        `socks5h://ada:s%3Ap%40ce@127.0.0.1:${proxy.port}`,
        "-h",
        "localhost",
        "-p",
        String(served.port("tcp")),
      ],
      "TLS through a proxy": () => [
        "--proxy",
        `socks5h://ada:pw@127.0.0.1:${proxy.port}`,
        ...tls("--cafile", served.caFile),
      ],
      "a CA file": () => tls("--cafile", served.caFile),
      "a CA directory": () => tls("--capath", caPath),
      "TLS 1.3": () => tls("--cafile", served.caFile, "--tls-version", "tlsv1.3"),
      "TLS 1.2": () => tls("--cafile", served.caFile, "--tls-version", "tlsv1.2"),
      ciphers: () => tls("--cafile", served.caFile, "--ciphers", "ECDHE+AESGCM"),
      ALPN: () => tls("--cafile", served.caFile, "--tls-alpn", "mqtt"),
      "a wrong name": () => ["-h", "127.1", "-p", String(served.port("tls")), "--cafile", served.caFile],
      "a wrong name, insecure": () => [
        "-h",
        "127.1",
        "-p",
        String(served.port("tls")),
        "--cafile",
        served.caFile,
        "--insecure",
      ],
      "an unknown authority": () => tls("--tls-use-os-certs"),
      "no TLS at a TLS door": () => [
        "-h",
        "localhost",
        "-p",
        String(served.port("tcp")),
        "--cafile",
        served.caFile,
      ],
    }
    const tls = (...more: readonly string[]) => ["-h", "localhost", "-p", String(served.port("tls")), ...more]

    const run = (path: readonly string[], door: readonly string[], line: string) =>
      programs.run([...path, ...door, ...line.split(" ")])

    test.each(Object.keys(words))("%s", async (name) => {
      const door = words[name]?.() ?? []
      const topic = `doors/${name.replaceAll(/\W/g, "-")}`
      const kept = await run(programs.own("pub"), ["--unix", served.unixPath], `-t ${topic} -m kept -r -q 1`)
      expect(kept).toEqual({ exitCode: 0, out: "", error: "" })
      for (const [program, line] of linesOn(topic)) {
        const theirs = await run(programs.theirs(program), door, line)
        const linked = await run(programs.linked(program), door, line)
        if (strange.includes(name)) {
          // Theirs exits with 1 or 8, by how far it came before it looked.
          expect([1, 8]).toContain(theirs.exitCode ?? 0)
          expect(linked).toEqual({ exitCode: 8, out: "", error: "Error: A TLS error occurred.\n" })
          expect(theirs.error).toContain("A TLS error occurred.")
        } else {
          expect({ program, ...theirs }).toMatchObject({ program, exitCode: 0 })
          expect({ program, ...linked }).toEqual({ program, ...theirs })
        }
      }
    })

    describe("a proxy", () => {
      test("is told the same name by both, and its own password by ours", async () => {
        const before = { asked: proxy.asked.length, logins: proxy.logins.length }
        const door = words["a proxy"]?.() ?? []
        for (const path of [programs.theirs("pub"), programs.linked("pub")])
          await run(path, door, "-t doors/proxied -m x")
        const [theirs, ours] = proxy.asked.slice(before.asked)
        expect(ours).toBe(theirs)
        expect(ours).toBe(`localhost:${served.port("tcp")}`)
        // In a password, %40 is an @. Theirs takes it for a colon.
        expect(proxy.logins.slice(before.logins)).toEqual(["ada:s:p:ce", "ada:s:p@ce"])
      })
    })

    test("only ours knows --ws, which is from 2.1", async () => {
      const door = ["--ws", "-h", "127.0.0.1", "-p", String(served.port("ws"))]
      const line = "-t doors/ws -e doors/ws -m echo"
      expect((await run(programs.theirs("rr"), door, line)).error).toContain("Unknown option '--ws'")
      expect(await run(programs.linked("rr"), door, line)).toEqual({ exitCode: 0, out: "echo\n", error: "" })
    })
  },
)

/** Doors where the server is not who it should be. */
const strange = ["a wrong name", "an unknown authority", "no TLS at a TLS door"]

function linesOn(topic: string): readonly (readonly [ClientProgram, string])[] {
  return [
    ["sub", `-t ${topic} -C 1`],
    ["rr", `-t ${topic}/ask -e ${topic}/ask -m echo`],
    ["pub", `-t ${topic}/new -m x -q 1`],
  ]
}
