import { describe, expect, test } from "bun:test"
import { ConnectionEnded } from "../../src/client/client-end.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { NumberedLoad } from "./numbered-load.ts"

describe("A numbered load", () => {
  test("says that the broker is gone before so many messages were acknowledged", async () => {
    let left = 40
    const load = new NumberedLoad({
      publish: () =>
        left-- > 0
          ? Promise.resolve({ reasonCode: ReasonCode.success, detail: undefined })
          : Promise.reject(new ConnectionEnded({ why: "lost" })),
    })
    await load.reaches(40)
    await expect(load.reaches(41)).rejects.toThrow("gone after 40 of 41")
    await load.end()
  })
})
