import type { Log } from "../../src/foundation/log.ts"

/** Says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
