import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { readInstallation } from "../../src/mosquitto/installation.ts"

const hash = `$7$101$c2FsdHNhbHRzYWx0$${Buffer.alloc(64, 1).toString("base64")}`

describe("per_listener_settings", () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bantam-mosquitto-"))
    for (const name of ["alice", "bob"]) writeFileSync(join(folder, name), `${name}:${hash}\n`)
    writeFileSync(join(folder, "acl"), "topic #\n")
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  /** A name in angle brackets is a file of the folder's. */
  function problemsOf(...lines: readonly string[]): readonly string[] {
    const file = join(folder, "m.conf")
    writeFileSync(
      file,
      lines.join("\n").replaceAll(/<(\w+)>/g, (_, name: string) => join(folder, name)),
    )
    const { problems } = readInstallation(file)
    return problems.map(({ line, what }) => `${line}: ${what.replaceAll(`${folder}/`, "")}`)
  }

  test("names the password file of each listener, where all are not the same", () => {
    expect(
      problemsOf(
        "per_listener_settings true",
        "listener 1883",
        "password_file <alice>",
        "listener 1884",
        "password_file <bob>",
      ),
    ).toEqual([
      "3: password_file alice counts on all addresses, so that its users may log in at each of them",
      "5: password_file bob counts on all addresses, so that its users may log in at each of them",
    ])
  })

  test("names a password file that one listener alone has, or that stands in front of them", () => {
    const said = "password_file alice counts on all addresses, so that its users may log in at each of them"
    expect(
      problemsOf("per_listener_settings true", "listener 1883", "password_file <alice>", "listener 1884"),
    ).toEqual([`3: ${said}`])
    expect(problemsOf("per_listener_settings true", "password_file <alice>", "listener 1883")).toEqual([
      `2: ${said}`,
    ])
  })

  test("says nothing where all addresses have the same file, or ask for none", () => {
    expect(problemsOf("password_file <alice>", "listener 1883", "listener 1884")).toEqual([])
    expect(
      problemsOf(
        "per_listener_settings true",
        "listener 1883",
        "password_file <alice>",
        "acl_file <acl>",
        "listener 1884",
        "password_file <alice>",
        "acl_file <acl>",
        "listener 8883",
        "acl_file <acl>",
        "use_identity_as_username true",
      ),
    ).toEqual([])
    expect(problemsOf("per_listener_settings true", "port 1883", "password_file <alice>")).toEqual([])
  })

  test("names an ACL file that one listener alone has, and a plugin of one listener", () => {
    expect(
      problemsOf(
        "per_listener_settings true",
        "listener 1883",
        "acl_file <acl>",
        "plugin /x/mosquitto_password_file.so",
        "plugin_opt_password_file <alice>",
        "listener 1884",
        "global_plugin /x/mosquitto_password_file.so",
        "plugin_opt_password_file <bob>",
      ),
    ).toEqual([
      "4: plugin /x/mosquitto_password_file.so counts on all addresses, and not on one alone",
      "3: acl_file acl counts on all addresses, also where there was none",
    ])
  })
})
