// A Buffer's copy needs no view of the source, which `set(subarray)` makes for each message (bench rows pairs-0, pairs-1).
const copy: (this: Uint8Array, target: Uint8Array, at: number, start: number, end: number) => number =
  Buffer.prototype.copy

/** Hot. Copies `source[start, end)` to `target` from `at` on, where there must be room for it. */
export function copyBytes(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): void {
  copy.call(source, target, at, start, end)
}
