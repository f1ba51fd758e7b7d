import type { PublishRequest } from "../../src/client/sender.ts"
import type { Call } from "./comparison.ts"

/** What the tables of calls are written with. */

export const text = (payload: string | Uint8Array, fields: Partial<PublishRequest> = {}): PublishRequest => {
  return { topic: "T", payload: Buffer.from(payload), ...fields }
}
export const number = text("abcdef")
export const json = text('{"a": [1, 2.5, {}], "b": {"c":null}, "s":"\\"\\\\\\n/", "t":[[],[{"d":true}]]}')
export const withProperties = text("hello", {
  properties: {
    payloadFormatIndicator: 1,
    messageExpiryInterval: 2_000_000_000,
    contentType: "text/plain",
    responseTopic: "answers",
    correlationData: Buffer.from("17"),
    userProperties: [
      ["unit", "celsius"],
      ["place", "roof"],
    ],
  },
})

/** The time, and what is left of the 2,000,000,000 seconds of a message, are the same in no two runs. */
export const times = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?|1999999\d{3}|2000000000/g

/** Split at blanks. */
export const split = (line: string) => line.split(" ").filter((word) => word !== "")
export const pub = (line: string, more: Partial<Call> = {}): Call => ({
  program: "pub",
  words: split(line),
  ...more,
})
export const sub = (line: string, more: Partial<Call> = {}): Call => ({
  program: "sub",
  words: split(line),
  ...more,
})
export const rr = (line: string, more: Partial<Call> = {}): Call => ({
  program: "rr",
  words: split(line),
  ...more,
})
