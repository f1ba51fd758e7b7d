/** The system's or Bun's word for an error, such as `ECONNREFUSED`; empty if it has none. */
export function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""
}
