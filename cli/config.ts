import { Command } from "commander"
import { ConfigError } from "../src/config/config-error.ts"
import { loadSettings } from "../src/config/load.ts"
import { sampleConfig } from "../src/config/sample.ts"
import { print } from "./output.ts"

/** bantam config print | check */
export function configCommand(): Command {
  const command = new Command("config").description("print a settings file with every setting, or check one")
  command
    .command("print")
    .description("print a settings file: every setting with its meaning, bounds and default")
    .addHelpText("after", "\nExamples:\n  bantam config print > bantam.toml")
    .action(() => print(sampleConfig()))
  command
    .command("check")
    .description("say what is wrong with a settings file, one line for each problem")
    .argument("<file>", "the file to check")
    .addHelpText("after", "\nExamples:\n  bantam config check bantam.toml")
    .action(check)
  return command.addHelpText(
    "after",
    "\nExamples:\n  bantam config print > bantam.toml\n  bantam config check bantam.toml",
  )
}

/** The file alone: what the environment adds may be another one where the broker runs. */
async function check(file: string): Promise<void> {
  try {
    loadSettings({ file })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    // The problems are what was asked for, so they go to standard output.
    await print(`${error.problems.join("\n")}\n`)
    process.exitCode = 1
    return
  }
  await print(`${file} is valid\n`)
}
