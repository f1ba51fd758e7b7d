/*
 * The other end of a LoadProcess.
 */

/** What the load is to do. The process that started it and this one are of one build, so it is not looked at. */
export function taskOf<Task>(): Task {
  return JSON.parse(process.argv[2] ?? "null") as Task
}

export function say<Said extends { readonly did: string }>(said: Said): void {
  process.stdout.write(`${JSON.stringify(said)}\n`)
}

const words = console[Symbol.asyncIterator]()

/** The next word we are told. @returns "" when nobody tells us anything any more */
export async function nextWord(): Promise<string> {
  const { value, done } = await words.next()
  return done === true ? "" : value
}
