import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { existsSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs"
import { join } from "node:path"
import { PasswordVerifier } from "../../src/security/authentication/password.ts"
import { newUser } from "../../src/security/user.ts"
import { openAccounts } from "../../src/storage/open-store.ts"
import { freshDirectory, fromSource, readUntil, run, start } from "./program.ts"

describe("bantam serve", () => {
  let cwd: string
  beforeEach(() => {
    cwd = freshDirectory()
  })
  afterEach(() => rmSync(cwd, { recursive: true }))

  const quiet = ["serve", "--ephemeral", "--port", "0"]

  test("says where it listens, writes the ready file, and leaves in good order at SIGTERM", async () => {
    const broker = start([...quiet, "--ready-file", "ready.json"], { cwd })
    const block = await readUntil(broker.stdout, "data")
    const url = /tcp:\/\/127\.0\.0\.1:\d+/.exec(block)?.[0]
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
    expect(block).toStartWith(`Bantam ${version}\n  listening  tcp://127.0.0.1:`)
    expect(JSON.parse(readFileSync(join(cwd, "ready.json"), "utf8"))).toEqual({
      pid: broker.pid,
      version,
      urls: [url],
    })

    broker.kill("SIGTERM")
    expect(await broker.exited).toBe(0)
    expect(existsSync(join(cwd, "ready.json"))).toBe(false)
    expect(await broker.stderr.text()).toMatch(
      /^\S+ info  stopping; a second signal ends it at once signal=SIGTERM\n/m,
    )
  })

  test("reads its settings again at SIGHUP, and keeps the old ones when the new ones are wrong", async () => {
    writeFileSync(join(cwd, "bantam.toml"), 'listen = ["tcp://127.0.0.1:0"]\n[storage]\nephemeral = true\n')
    const broker = start(["serve", "--config", "bantam.toml"], { cwd })
    await readUntil(broker.stdout, "data")
    writeFileSync(join(cwd, "bantam.toml"), "[limits]\nconnections = 0\n")
    broker.kill("SIGHUP")
    expect(await readUntil(broker.stderr, "not reloaded")).toContain(
      "reading settings and certificates again",
    )
    broker.kill("SIGINT")
    expect(await broker.exited).toBe(0)
  })

  test("warns of each address that is open to all, and of what is set and does nothing", async () => {
    const toml =
      'listen = ["tcp://127.0.0.1:0", "ws://127.0.0.1:0", { url = "tcp://0.0.0.0:0", allow_anonymous = true }]\n' +
      '[storage]\ndirectory = "data"\n[certificate]\nidentity = "common-name"\n'
    writeFileSync(join(cwd, "bantam.toml"), toml)
    const accounts = openAccounts(join(cwd, "data"), "normal")
    const user = newUser("alice", undefined, 0)
    await accounts.change("test", [{ change: { change: "add-user", user }, said: undefined }])
    accounts.close()
    const broker = start(["serve", "--config", "bantam.toml"], { cwd })
    await readUntil(broker.stdout, "data")
    broker.kill("SIGTERM")
    expect(await broker.exited).toBe(0)
    const log = await broker.stderr.text()
    expect(log).toContain("whoever can reach this address may publish and subscribe url=tcp://0.0.0.0:0")
    expect(log).toMatch(/any web page may publish and subscribe here; .* url=ws:\/\/127\.0\.0\.1:0/)
    expect(log).toContain("of no use as things stand setting=certificate.identity")
  })

  test("goes on when nobody reads its log any more", async () => {
    const gone = 'exec 3> >(:); wait $!; exec "$0" "$@" >&3 2>&3'
    const words = [...fromSource, ...quiet, "--ready-file", "ready.json"]
    // There is no output to wait for, but the ready file appears.
    const ready = Promise.withResolvers<void>()
    const watcher = watch(cwd, (_event, name) => name === "ready.json" && ready.resolve())
    const broker = Bun.spawn({ cmd: ["bash", "-c", gone, ...words], cwd })
    await ready.promise
    watcher.close()
    broker.kill("SIGTERM")
    expect(await broker.exited).toBe(0)
    expect(existsSync(join(cwd, "ready.json"))).toBe(false)
  })

  test("with --log-format json every line is JSON, and nothing goes to standard output", async () => {
    const broker = start([...quiet, "--log-format", "json"])
    const lines = await readUntil(broker.stderr, '"serving"')
    for (const line of lines.trimEnd().split("\n")) expect(JSON.parse(line)).toHaveProperty("level")
    broker.kill("SIGTERM")
    expect(await broker.exited).toBe(0)
    expect(await broker.stdout.text()).toBe("")
  })

  test("does not read a bantam.toml that just lies in the directory", async () => {
    writeFileSync(join(cwd, "bantam.toml"), "nonsense = 1\n")
    const broker = start(quiet, { cwd })
    expect(await readUntil(broker.stdout, "data")).toContain("listening")
    broker.kill("SIGTERM")
    expect(await broker.exited).toBe(0)
  })

  test("makes the administrator that the environment names, once", async () => {
    writeFileSync(join(cwd, "password"), "from a file\n")
    const words = ["serve", "--port", "0", "--data", "admin"]
    for (const env of [{ BANTAM_ADMIN_PASSWORD_FILE: "password" }, { BANTAM_ADMIN_PASSWORD: "another" }]) {
      const broker = start(words, { cwd, env })
      await readUntil(broker.stdout, "data ")
      broker.kill()
      await broker.exited
    }
    const accounts = openAccounts(join(cwd, "admin"))
    const admin = await accounts.user("admin")
    accounts.close()
    expect(admin?.superuser).toBe(true)
    const verifier = new PasswordVerifier()
    expect(await verifier.verify(Buffer.from("from a file"), admin?.passwordHash)).toBe("match")
  })

  describe("refuses in one line", () => {
    async function complaint(words: readonly string[], env: Record<string, string> = {}): Promise<string> {
      const { exitCode, out, error } = await run(["serve", ...words], { cwd, env })
      expect(out).toBe("")
      expect(exitCode).toBe(1)
      expect(error).toMatch(/^bantam: .+\n$/)
      return error.slice("bantam: ".length, -1)
    }

    test("to listen on the network while nobody can log in", async () => {
      expect(await complaint(["--listen", "tcp://0.0.0.0:0", "--data", "data"])).toBe(
        "tcp://0.0.0.0:0 can be reached from the network and there is no user yet; " +
          "add a user with `bantam user add NAME`, or let everyone in with --allow-anonymous",
      )
      expect(await complaint(["--listen", "tcp://[::]:0", "--ephemeral"])).toBe(
        "tcp://[::]:0 can be reached from the network and there is no user yet; " +
          "let everyone in with --allow-anonymous, or keep users with storage.ephemeral = false",
      )
    })

    test("though not where certificates name users, unless they must be known", async () => {
      const files = ["cert", "key", "ca"].flatMap((name) => ["--set", `tls.${name}_file=none.pem`])
      const port = ["--listen", "tls://0.0.0.0:0", "--ephemeral", ...files]
      expect(await complaint(port)).toContain("there is no user yet")
      const named = [...port, "--set", "certificate.identity=common-name"]
      expect(await complaint(named)).toContain("none.pem")
      const known = [...named, "--set", "certificate.known_users_only=true"]
      expect(await complaint(known)).toContain("there is no user yet")
    })

    test("though not where tokens, or a service, say who may come in", async () => {
      const port = ["--listen", "tcp://192.0.2.1:1883", "--ephemeral"]
      const service = ["--set", "http_authentication.url=http://127.0.0.1:1/"]
      const jwt = ["--set", "jwt.algorithms=ES256", "--set", "jwt.jwks_url=http://127.0.0.1:1/"]
      // That far it comes, where it is allowed.
      for (const words of [service, jwt]) {
        expect(await complaint([...port, ...words])).toContain("this machine has no such address")
      }
      const passwords = ["--set", "security.authenticators=password"]
      expect(await complaint([...port, ...service, ...passwords])).toContain("there is no user yet")
    })

    test("an administrator's password that says two things, or nothing", async () => {
      const both = { BANTAM_ADMIN_PASSWORD: "a", BANTAM_ADMIN_PASSWORD_FILE: "b" }
      expect(await complaint(["--data", "data"], both)).toContain("exclude each other")
      expect(await complaint(["--data", "data"], { BANTAM_ADMIN_PASSWORD: "" })).toContain("is not empty")
      expect(await complaint(["--data", "data"], { BANTAM_ADMIN_PASSWORD_FILE: "none" })).toContain("none")
      expect(await complaint(["--ephemeral"], { BANTAM_ADMIN_PASSWORD: "a" })).toContain("cannot be kept")
    })

    test("a port that is taken", async () => {
      using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
      expect(await complaint(["--ephemeral", "--port", String(taken.port)])).toContain(
        `tcp://127.0.0.1:${taken.port}: the port is in use`,
      )
    })

    test("a certificate that cannot be read", async () => {
      const set = ["--set", "tls.cert_file=absent.pem", "--set", "tls.key_file=absent.pem"]
      expect(await complaint(["--ephemeral", "--listen", "tls://127.0.0.1:0", ...set])).toContain(
        "absent.pem",
      )
    })

    test("a data directory that cannot be one", async () => {
      writeFileSync(join(cwd, "file"), "")
      expect(await complaint(["--port", "0", "--data", "file"])).toContain(join(cwd, "file"))
    })

    test("a ready file that cannot be written", async () => {
      const { exitCode, error } = await run([...quiet, "--ready-file", "absent/ready.json"], { cwd })
      expect(exitCode).toBe(1)
      expect(error).toMatch(
        /^bantam: absent\/ready.json.\d+: cannot open \(no such file or directory\); check the path and who may write there\n$/,
      )
    })

    test("a setting that is wrong, wherever it comes from", async () => {
      expect(await complaint(["--set", "limits.connections=0"])).toBe(
        '--set: limits.connections is "0", but must be a whole number from 1 to 1_000_000',
      )
      expect(await complaint(["--listen", "http://a"])).toBe(
        '--listen: listen has "http://a", which must begin with tcp://, tls://, ws://, wss:// or unix://',
      )
      expect(await complaint([], { BANTAM_LOG_LEVEL: "loud" })).toBe(
        'BANTAM_LOG_LEVEL: log.level is "loud", but must be one of "debug", "info", "warn", "error"',
      )
      expect(await complaint(["--config", "absent.toml"])).toBe(
        "absent.toml: cannot be read (ENOENT); check the path and who may read it",
      )
      expect(await complaint(["--set", "limits"])).toBe(
        '--set: "limits" is no setting; write SECTION.KEY=VALUE',
      )
    })

    test("a flag that does not exist or takes no such value", async () => {
      expect(await complaint(["--ephemral"])).toBe("unknown option '--ephemral' (Did you mean --ephemeral?)")
      expect(await complaint(["--port", "99999"])).toBe(
        "option '-p, --port <number>' argument '99999' is invalid. " +
          "It must be a whole number from 0 to 65535; see bantam serve --help",
      )
    })
  })
})
