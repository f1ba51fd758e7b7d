import type { BrokerProcess } from "../../../scripts/executable.ts"
import { served } from "./served.ts"
import type { Random } from "../../support/random.ts"

/** How a life of the broker ends, and what comes before the next one that may last. */
export interface Fate {
  /**
   * Ends the broker while its clients work. Resolves when its process is gone.
   *
   * @returns what happened, in words
   */
  end(broker: BrokerProcess): Promise<string>
  /** @returns what happened to its store before it is served again, in words */
  pause(directory: string): Promise<string>
}

/** Longest work before the end. */
const workMs = 400

/** Kills it at work. */
export function killedAtWork(random: Random): Fate {
  return {
    async end(broker) {
      const afterMs = 1 + random.below(workMs)
      await Bun.sleep(afterMs)
      await killed(broker)
      return `killed after ${afterMs} ms`
    },
    pause: async () => "",
  }
}

/** SIGKILL. @throws Error when it had come to an end before */
export async function killed(broker: BrokerProcess): Promise<void> {
  await broker.kill()
  const exitCode = await broker.exited
  if (exitCode !== killedCode)
    throw new Error(`the broker ended by itself with ${exitCode}: ${broker.errors.join("\n")}`)
}

/**
 * Before it serves again it is killed while it starts, again and again. A start that refuses by itself throws.
 *
 * @param wasKilled called for each start that was killed
 */
export function killedAtStart(
  random: Random,
  path: string,
  usualStartMs: number,
  wasKilled: () => void,
): Fate {
  return {
    end: (broker) => killedAtWork(random).end(broker),
    async pause(directory) {
      const moments = Array.from({ length: 1 + random.below(4) }, () => random.below(usualStartMs))
      for (const ms of moments) {
        const broker = Bun.spawn([path, ...served(directory)], { stdout: "ignore", stderr: "pipe" })
        await Bun.sleep(ms)
        broker.kill("SIGKILL")
        const [said, exitCode] = await Promise.all([broker.stderr.text(), broker.exited])
        if (broker.signalCode !== "SIGKILL") throw new Error(`a start ended with ${exitCode}: ${said}`)
        wasKilled()
      }
      return `, its next starts after ${moments.join(", ")} ms`
    },
  }
}

/** Asks it to stop, and kills it if that takes longer than a moment. */
export function killedAtStop(
  random: Random,
  usualStopMs: number,
  ended: (how: "stopped" | "killed") => void,
): Fate {
  return {
    async end(broker) {
      const afterMs = 1 + random.below(workMs)
      await Bun.sleep(afterMs)
      const stopMs = random.below(usualStopMs)
      const left = await Promise.race([broker.stop(), Bun.sleep(stopMs).then(() => "still there" as const)])
      if (left === "still there") await broker.kill()
      // It may have come to its end just before the kill.
      const exitCode = await broker.exited
      if (exitCode !== 0 && exitCode !== killedCode) throw new Error(`a stop ended with ${exitCode}`)
      ended(exitCode === 0 ? "stopped" : "killed")
      return `asked to stop after ${afterMs} ms, ${exitCode === 0 ? "gone" : "killed"} within ${stopMs} ms`
    },
    pause: async () => "",
  }
}

/** What a shell would say of a process that SIGKILL ended. */
const killedCode = 128 + 9
