import { expect, test } from "bun:test"
import { comeToRest } from "./at-rest.ts"

test.skipIf(process.platform !== "linux")(
  "whoever does not wait for anything has not come to rest, though it does not run either",
  async () => {
    const child = Bun.spawn(["sleep", "1000"])
    child.kill("SIGSTOP")
    let looks = 0
    await comeToRest(child.pid, () => {
      looks += 1
      if (looks === 5) child.kill("SIGCONT")
      return false
    })
    child.kill("SIGKILL")
    await child.exited
    expect(looks).toBeGreaterThan(5)
  },
)
