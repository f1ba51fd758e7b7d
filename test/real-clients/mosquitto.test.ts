import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { RunningProgram } from "./program-output.ts"
import { type Served, serve } from "./served.ts"
import { describeWith, mosquittoClients } from "./tools.ts"

describeWith(
  "mosquitto-clients",
  mosquittoClients(),
  "mosquitto_pub and mosquitto_sub are served",
  (folder) => {
    let served: Served
    let temporary: string
    beforeAll(async () => {
      served = await serve()
      temporary = mkdtempSync(join(tmpdir(), "mosquitto-test-"))
    }, 60_000)
    afterAll(async () => {
      await served.close()
      rmSync(temporary, { recursive: true })
    })

    const doors = {
      tcp: () => ["-h", "127.0.0.1", "-p", String(served.port("tcp"))],
      tls: () => ["-h", "localhost", "-p", String(served.port("tls")), "--cafile", served.caFile],
      unix: () => ["--unix", served.unixPath],
    } as const
    const versions = ["mqttv311", "mqttv5"] as const

    /** Publishes and waits until the broker has answered. */
    async function pub(words: readonly string[], door = doors.tcp()): Promise<void> {
      await new RunningProgram([join(folder, "mosquitto_pub"), ...door, ...words]).rest()
    }

    /** @returns a subscriber that prints what it gets */
    function sub(words: readonly string[], door = doors.tcp()): RunningProgram {
      return new RunningProgram([join(folder, "mosquitto_sub"), ...door, ...words])
    }

    /** @returns a subscriber whose SUBACK has come */
    async function subscribed(words: readonly string[], door = doors.tcp()): Promise<RunningProgram> {
      const subscriber = sub(["-d", ...words], door)
      await subscriber.line(/^Subscribed/)
      return subscriber
    }

    for (const [scheme, door] of Object.entries(doors)) {
      for (const version of versions) {
        test(`over ${scheme} ${version} messages of QoS 0, 1 and 2 arrive as they were sent`, async () => {
          const topic = `${scheme}/${version}`
          const words = ["-V", version, "-t", topic, "-q", "2", "-C", "3", "-F", "got %q %p"]
          const subscriber = await subscribed(words, door())
          for (const qos of ["0", "1", "2"]) {
            await pub(["-V", version, "-t", topic, "-q", qos, "-m", `at ${qos}`], door())
          }
          const lines = (await subscriber.rest()).filter((line) => line.startsWith("got"))
          expect(lines).toEqual(["got 0 at 0", "got 1 at 1", "got 2 at 2"])
        })
      }
    }

    describe.each(versions)("%s", (version) => {
      const as = ["-V", version]

      test("a retained message is there for who comes later, until an empty one clears it", async () => {
        const topic = `retained/${version}`
        await pub([...as, "-t", topic, "-q", "1", "-r", "-m", "still here"])
        expect(await sub([...as, "-t", topic, "-C", "1", "-F", "%r %p"]).rest()).toEqual(["1 still here"])

        await pub([...as, "-t", topic, "-q", "1", "-r", "-n"])
        await pub([...as, "-t", `${topic}/after`, "-q", "1", "-r", "-m", "the only one"])
        const both = sub([...as, "-t", topic, "-t", `${topic}/after`, "-C", "1", "-F", "%t %p"])
        expect(await both.rest()).toEqual([`${topic}/after the only one`])
      })

      test("the will of a client that is killed is published", async () => {
        const topic = `will/${version}`
        const heir = await subscribed([...as, "-t", topic, "-q", "1", "-C", "1", "-F", "got %p"])
        const will = ["--will-topic", topic, "--will-payload", "farewell", "--will-qos", "1"]
        const mortal = await subscribed([...as, ...will, "-t", `${topic}/nothing`])
        await mortal.kill()
        expect(await heir.line(/^got/)).toBe("got farewell")
      })

      test("a session gets what was published while its client was away, once", async () => {
        const topic = `away/${version}`
        const session = ["-i", `absent-${version}`, "-c", "-q", "2", "-t", topic]
        await sub([...as, ...session, "-E"]).rest()
        await pub([...as, "-t", topic, "-q", "1", "-m", "first"])
        await pub([...as, "-t", topic, "-q", "2", "-m", "second"])
        const back = [...as, ...session, "-F", "%q %p"]
        expect(await sub([...back, "-C", "2"]).rest()).toEqual(["1 first", "2 second"])
        await pub([...as, "-t", topic, "-q", "1", "-m", "third"])
        expect(await sub([...back, "-C", "1"]).rest()).toEqual(["1 third"])
      })

      test("a payload of 1 MiB arrives whole", async () => {
        const topic = `large/${version}`
        const file = join(temporary, version)
        const payload = "0123456789abcdef".repeat(65_536)
        writeFileSync(file, payload)
        const subscriber = await subscribed([...as, "-t", topic, "-q", "1", "-C", "1", "-F", "got %p"])
        await pub([...as, "-t", topic, "-q", "1", "-f", file])
        // Not toBe: a failure would print both of them.
        expect((await subscriber.line(/^got/)) === `got ${payload}`).toBe(true)
      })
    })

    test("the members of a share group take turns [4.8.2]", async () => {
      const words = ["-t", "$share/workers/jobs", "-q", "1", "-C", "2", "-F", "got %p"]
      const members = [await subscribed(words), await subscribed(words)]
      for (const job of ["1", "2", "3", "4"]) await pub(["-t", "jobs", "-q", "1", "-m", job])
      const lines = await Promise.all(members.map((member) => member.rest()))
      const jobs = lines.map((each) => each.filter((line) => line.startsWith("got")))
      expect(jobs.map(({ length }) => length)).toEqual([2, 2])
      expect(jobs.flat().toSorted()).toEqual(["got 1", "got 2", "got 3", "got 4"])
    })

    test("user properties, content type and expiry travel with a message of MQTT 5 [3.3.2.3]", async () => {
      const words = ["-V", "mqttv5", "-t", "properties", "-q", "1"]
      const subscriber = await subscribed([...words, "-C", "1", "-F", "got %P|%C|%R|%D|%E"])
      const properties = [
        ["user-property", "unit", "celsius"],
        ["user-property", "place", "roof"],
        ["content-type", "text/plain"],
        ["response-topic", "answers"],
        ["correlation-data", "17"],
        ["message-expiry-interval", "4000000"],
      ].flatMap((property) => ["-D", "publish", ...property])
      await pub([...words, ...properties, "-m", "21"])
      expect(await subscriber.line(/^got/)).toBe("got unit:celsius place:roof|text/plain|answers|17|4000000")
    })
  },
)
