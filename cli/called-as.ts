import { basename } from "node:path"

/** The commands that stand in for Mosquitto's clients. */
export const clientNames = ["pub", "sub", "rr"] as const
export type ClientName = (typeof clientNames)[number]

/** The commands that take the options of those clients. */
export const clientCommands = [...clientNames, "record", "replay"] as const
export type ClientCommand = (typeof clientCommands)[number]

/**
 * Which of Mosquitto's clients a link to the executable is called.
 *
 * @param calledBy the first word of the command line as whoever started us wrote it
 */
export function calledAs(calledBy: string): ClientName | undefined {
  const name = basename(calledBy)
  return clientNames.find((client) => name === `mosquitto_${client}`)
}
