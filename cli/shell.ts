import { Command } from "commander"
import { type BrokerOptions, planBroker, withBrokerOptions } from "./broker-options.ts"
import { NoConnection } from "./kept-connection.ts"
import { complain } from "./output.ts"
import { converse } from "./shell/converse.ts"
import { runScript } from "./shell/script.ts"

/** bantam shell */
export function shellCommand(): Command {
  return withBrokerOptions(
    new Command("shell").description("one connection kept open: subscribe, publish, look around"),
  )
    .addHelpText("after", examples)
    .action(async (url: string | undefined, options: BrokerOptions) => {
      process.exitCode = await shell(url, options)
    })
}

const examples = `
Examples:
  bantam shell                                this machine, port 1883
  bantam shell mqtts://alice@broker.example.org -P secret
  printf 'sub lamp/#\\npub lamp/1 on\\nwait 1 5s\\n' | bantam shell

At the prompt, help lists the words. When standard input is no terminal, or a dumb one, its lines are run as a script:
the first error ends it. wait waits for messages there. A line that begins with # is a comment.

Lines are kept in $XDG_STATE_HOME/bantam/shell-history, or ~/.local/state/bantam, for you alone; none that begins with
a blank, or looks like it has a password in it.

Exit codes:
  0 done, 1 wrong command line or word, 7 connection lost, 14 server not reached, 27 nothing came in time,
  from 128 the server's reason code`

async function shell(url: string | undefined, options: BrokerOptions): Promise<number> {
  const plan = await planBroker(url, options, "shell")
  const isDialogue =
    process.stdin.isTTY === true && process.stdout.isTTY === true && process.env["TERM"] !== "dumb"
  try {
    if (!isDialogue) return await runScript(plan, Bun.stdin.stream())
    await converse(plan)
    return 0
  } catch (error) {
    if (!(error instanceof NoConnection)) throw error
    complain(error.message)
    return error.exitCode
  }
}
