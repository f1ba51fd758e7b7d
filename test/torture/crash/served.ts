/** Words that serve a store to anybody on this machine. */
export function served(directory: string): readonly string[] {
  return ["serve", "--port", "0", "--log-format", "json", "--set", `storage.directory=${directory}`]
}
