import { Command } from "commander"
import type { ImportOptions } from "./import-mosquitto.ts"

const notes = `
Reads the configuration and whatever it names: include_dir, password and ACL files, dynamic security, mosquitto.db or
mosquitto.sqlite3. Mosquitto's files stay as they are. Stop Mosquitto first: what it has not saved is not in its files.
No broker may serve the data directory meanwhile. What is there already stays as it is, so an import can be repeated.

Exit codes:
  0 everything was carried over, 3 something was not, 1 an error

Examples:
  bantam import mosquitto /etc/mosquitto/mosquitto.conf --dry-run
  bantam import mosquitto /etc/mosquitto/mosquitto.conf --data /var/lib/bantam
  bantam serve --config /var/lib/bantam/bantam.toml`

/** bantam import mosquitto */
export function importCommand(): Command {
  const command = new Command("import").description("take over what another broker has: mosquitto")
  command
    .command("mosquitto <file>")
    .description("users, rules, sessions, messages and settings of a Mosquitto, by its mosquitto.conf")
    .option("-d, --data <directory>", "data directory (storage.directory, BANTAM_DATA)")
    .option("--settings <file>", "settings file to make; by default bantam.toml in the data directory")
    .option("--session-user <name>", "whose the sessions are that an old mosquitto.db names no user for")
    .option("--dry-run", "change nothing, and print the same")
    .option("--json", "one JSON object")
    .addHelpText("after", notes)
    .action(async (file: string, options: ImportOptions) => {
      const { importMosquitto } = await import("./import-mosquitto.ts")
      process.exitCode = await importMosquitto(file, options)
    })
  return command.addHelpText(
    "after",
    "\nExamples:\n  bantam import mosquitto /etc/mosquitto/mosquitto.conf --dry-run",
  )
}
