import { ConnectionEnded, describeEnd } from "../../src/client/client-end.ts"
import { CommandError } from "../output.ts"

/**
 * What went wrong with a connection, as a person is told.
 *
 * @param where goes before it
 * @returns a bug of ours as it is
 */
export function oneLine(error: unknown, where = ""): unknown {
  if (error instanceof ConnectionEnded) return new CommandError(where + endText(error))
  if (!(error instanceof Error) || error.name !== "Error") return error
  return new CommandError(where + error.message.replace(/\.$/, ""))
}

function endText({ end }: ConnectionEnded): string {
  const text = describeEnd(end)
  return end.why === "refused" && text.includes("version") ? `${text}; try -V 311` : text
}
