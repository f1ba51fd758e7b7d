import type { Reading } from "./reading.ts"

/** The rates of the latest readings, the oldest first. */
export interface Past {
  readonly messagesIn: readonly (number | undefined)[]
  readonly messagesOut: readonly (number | undefined)[]
}

/** As many as any terminal is wide. */
const mostReadings = 500

export const noPast: Past = { messagesIn: [], messagesOut: [] }

export function withReading({ messagesIn, messagesOut }: Past, { rates }: Reading): Past {
  return {
    messagesIn: [...messagesIn, rates.messagesIn].slice(-mostReadings),
    messagesOut: [...messagesOut, rates.messagesOut].slice(-mostReadings),
  }
}
