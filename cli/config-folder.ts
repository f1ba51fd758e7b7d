import { isAbsolute, join } from "node:path"

export type Environment = Readonly<Record<string, string | undefined>>

/** Where a user's own files of settings are, without our name; undefined without a home. */
export function configFolder(environment: Environment = process.env): string | undefined {
  const { XDG_CONFIG_HOME: configHome, HOME: home, APPDATA: windows } = environment
  // An empty one is none, and a relative one would be a file of whatever directory we are in.
  const first = [configHome, home === undefined ? undefined : join(home, ".config"), windows]
  return first.find((folder) => folder !== undefined && isAbsolute(folder))
}
