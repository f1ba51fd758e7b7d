import { existsSync } from "node:fs"
import { describe, test } from "bun:test"

/*
 * Client programs that the system brings. Who does not have them may skip the tests that need them; our own machines
 * must not.
 */

/** Runs the tests with the tool's path, or skips them and says why; with CI=true the lack of it is a failure. */
export function describeWith(
  tool: string,
  path: string | undefined,
  sentence: string,
  tests: (path: string) => void,
): void {
  if (path !== undefined) return describe(sentence, () => tests(path))
  if (process.env["CI"] === "true") {
    test(`${sentence}: ${tool} is installed`, () => {
      throw new Error(`${tool} is not installed`)
    })
    return
  }
  console.log(`${tool} is not installed: no test that ${sentence}`)
  describe.skip(sentence, () => tests(""))
}

/** The folder of mosquitto_pub and mosquitto_sub. */
export function mosquittoClients(): string | undefined {
  const path = Bun.which("mosquitto_sub")
  return path === null || Bun.which("mosquitto_pub") === null ? undefined : path.replace(/\/[^/]*$/, "")
}

/** A Python that has paho-mqtt: not always the first one on the path. */
export function pahoPython(): string | undefined {
  const candidates = ["/usr/bin/python3", Bun.which("python3")]
  return (
    candidates.find(
      (path) => path !== null && Bun.spawnSync([path, "-c", "import paho.mqtt.client"]).success,
    ) ?? undefined
  )
}

/** The broker, which is a program for the administrator on some systems. */
export function mosquittoBroker(): string | undefined {
  const paths = [Bun.which("mosquitto"), "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
  return paths.find((path) => path !== null && existsSync(path)) ?? undefined
}
