/**
 * How old everything in the release is, so that the same sources give the same bytes: SOURCE_DATE_EPOCH, in seconds since
 * 1970, or the date of the last commit.
 *
 * @throws Error when neither is known
 */
export function releaseDate(): Date {
  const told = process.env["SOURCE_DATE_EPOCH"] ?? lastCommit()
  if (/^\d{1,10}$/.test(told)) return new Date(Number(told) * 1000)
  throw new Error("SOURCE_DATE_EPOCH is to be seconds since 1970: there is no commit to take the date of")
}

function lastCommit(): string {
  const root = new URL("../..", import.meta.url).pathname
  return Bun.spawnSync(["git", "log", "-1", "--format=%ct"], { cwd: root }).stdout.toString().trim()
}
