import { readFileSync } from "node:fs"
import { CommandError } from "./output.ts"

/** Longest password that MQTT can carry [3.1.3.6]. */
const maximumBytes = 65_535

/** Everything on standard input but one last newline. */
export async function readPassword(): Promise<Uint8Array> {
  return withoutNewline(await Bun.stdin.bytes())
}

/** Everything in a file but one last newline. @throws what the system says of the file */
export function readPasswordFile(file: string): Uint8Array {
  return withoutNewline(readFileSync(file))
}

/** An `echo` or an editor has put it there. */
function withoutNewline(bytes: Uint8Array): Uint8Array {
  let end = bytes.length
  if (bytes[end - 1] === 0x0a) end -= bytes[end - 2] === 0x0d ? 2 : 1
  return checked(bytes.subarray(0, end))
}

/** Asks twice on the terminal and shows nothing of the answer. */
export async function askPassword(name: string): Promise<Uint8Array> {
  if (process.stdin.isTTY !== true) {
    throw new CommandError(
      "no terminal to ask for a password; give it with --password-stdin, or use --generate",
    )
  }
  const password = checked(await askHidden(`Password for ${name}: `))
  const again = await askHidden("Again: ")
  if (!Buffer.from(password).equals(again)) {
    throw new CommandError("the two passwords differ; nothing was changed, try again")
  }
  return password
}

function checked(password: Uint8Array): Uint8Array {
  if (password.length > 0 && password.length <= maximumBytes) return password
  throw new CommandError(`a password must have 1 to ${maximumBytes} bytes; nothing was changed`)
}

/**
 * One line from the terminal, which may be empty. In raw mode it neither shows nor edits what is typed: backspace and
 * Ctrl-C are up to us.
 *
 * @throws CommandError when interrupted
 */
export function askHidden(prompt: string): Promise<Uint8Array> {
  // First: what is typed ahead of the prompt must not be shown either.
  process.stdin.setRawMode(true)
  process.stderr.write(prompt)
  const decoder = new TextDecoder()
  let line = ""
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      process.stdin.off("data", type).setRawMode(false).pause()
      process.stderr.write("\n")
      finish()
    }
    const type = (chunk: Buffer): void => {
      for (const key of decoder.decode(chunk, { stream: true })) {
        if (key === "\r" || key === "\n") return settle(() => resolve(Buffer.from(line)))
        if (key === "\u0003" || key === "\u0004") {
          return settle(() => reject(new CommandError("interrupted; nothing was changed")))
        }
        if (key === "\u007f" || key === "\b") line = [...line].slice(0, -1).join("")
        else line += key
      }
    }
    process.stdin.on("data", type).resume()
  })
}
