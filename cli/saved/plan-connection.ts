import { Command } from "commander"
import {
  type ConnectionOptions,
  type ConnectionPlan,
  planConnection,
  withConnectionOptions,
} from "../connection-options.ts"
import { applyConnection } from "./apply-connection.ts"

/** What pub and sub do with `--to NAME` and no other option. @throws CommandError */
export async function planSaved(name: string): Promise<ConnectionPlan> {
  const command = withConnectionOptions(new Command())
  await applyConnection(command, name)
  return planConnection(command.opts<ConnectionOptions>())
}
