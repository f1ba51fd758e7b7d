import { existsSync } from "node:fs"
import { Command, Option } from "commander"
import type { Flag } from "../src/config/load.ts"
import { logLevels, type LogLevel } from "../src/foundation/log.ts"
import type { startBroker } from "../src/index.ts"
import { exitCodeOf } from "./exit-code-of.ts"
import { collect, collectAssignment } from "./options.ts"
import { complain, goOnWithoutLog } from "./output.ts"

interface RunOptions {
  readonly listen?: readonly string[]
  readonly set?: readonly Flag[]
  readonly logLevel: LogLevel | "none"
}

/** What a shell answers for a command that is not there, and for one that cannot be executed. */
const notFound = 127
const notExecutable = 126

/** bantam run */
export function runCommand(): Command {
  return new Command("run")
    .description("run a command beside a broker of its own, and end as it ends")
    .argument("<command...>", "the command and its words, behind --")
    .option(
      "-l, --listen <url>",
      "tcp://, ws:// ... address; repeatable; otherwise a free port of 127.0.0.1",
      collect,
    )
    .option("--set <key=value>", "any setting, such as limits.connections=5; repeatable", collectAssignment)
    .addOption(
      new Option("--log-level <level>", "of the broker, on standard error")
        .choices([...logLevels, "none"])
        .default("warn"),
    )
    .passThroughOptions()
    .addHelpText(
      "after",
      `
The broker keeps everything in memory, reads no settings file, and is gone when the command is. The command finds it by
these variables:
  MQTT_URL   mqtt://127.0.0.1:49152, the first address
  MQTT_HOST  127.0.0.1
  MQTT_PORT  49152
  MQTT_URLS  all addresses, parted by spaces

Examples:
  bantam run -- npm test
  bantam run -- sh -c 'mosquitto_pub -p $MQTT_PORT -t hello -m world'
  bantam run -l tcp://127.0.0.1:0 -l ws://127.0.0.1:0 -- npx playwright test

Exit codes:
  those of the command, 128 and the number of the signal that ended it, ${notFound} there is no such command,
  ${notExecutable} it cannot be executed`,
    )
    .action(async (words: readonly string[], options: RunOptions) => {
      const { startBroker } = await import("../src/index.ts")
      process.exitCode = await runBeside(words, options, startBroker)
    })
}

async function runBeside(
  [program = "", ...words]: readonly string[],
  { listen, set = [], logLevel }: RunOptions,
  start: typeof startBroker,
): Promise<number> {
  if (Bun.which(program) === null) {
    const isFile = program.includes("/") && existsSync(program)
    complain(`${program}: ${isFile ? "it cannot be executed" : "there is no such command"}`)
    return isFile ? notExecutable : notFound
  }
  const running = Promise.withResolvers<Bun.Subprocess>()
  // A terminal tells the command as well as us; who tells us alone means the command, which may be told once it runs.
  const isAtTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (isAtTerminal && signal !== "SIGTERM") return
      void running.promise.then((command) => command.kill(signal))
    })
  }
  // It is the command's output that somebody may have seen enough of.
  goOnWithoutLog()
  await using broker = await start({
    ...(listen === undefined ? {} : { listen }),
    settings: Object.fromEntries(set.map(({ key, value }) => [key, value])),
    log: logLevel,
  })
  const { url, host, port, urls } = broker
  const command = Bun.spawn({
    cmd: [program, ...words],
    env: {
      ...process.env,
      MQTT_URL: url,
      MQTT_HOST: host,
      MQTT_PORT: String(port),
      MQTT_URLS: urls.join(" "),
    },
    stdio: ["inherit", "inherit", "inherit"],
  })
  running.resolve(command)
  await command.exited
  return exitCodeOf(command)
}
