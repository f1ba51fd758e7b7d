import { CommandError } from "../output.ts"

/**
 * Whether those are meant that fit some patterns, and not those that are named.
 *
 * @throws CommandError for both, or neither
 */
export function isBulk(
  named: readonly string[],
  patterns: readonly (string | number | boolean | undefined)[],
): boolean {
  const hasPatterns = patterns.some((each) => each !== undefined)
  if (hasPatterns !== named.length > 0) return hasPatterns
  throw new CommandError(
    hasPatterns
      ? "a name and a pattern exclude each other; leave out one of the two"
      : "say which: client identifiers, or a pattern such as --client 'sensor-*'",
  )
}
