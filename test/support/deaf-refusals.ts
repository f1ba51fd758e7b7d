import type { RefusalListener } from "../../src/security/access/refusal-trail.ts"

/** Writes nothing down. */
export const deafRefusals: RefusalListener = {
  publishRefused() {},
  readRefused() {},
  subscribeRefused() {},
  willRefused() {},
}
