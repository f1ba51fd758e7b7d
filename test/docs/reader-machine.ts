import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { killChildrenOf } from "../support/processes.ts"
import { comeToRest } from "./at-rest.ts"

/** Makes new namespaces; what is started in them ends with it. */
export const container = [
  ...["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child"],
  ...["bash", new URL("enter-machine.sh", import.meta.url).pathname],
]

/** A machine with a shell and further terminals, without a network, that nothing of it can leave. */
export interface ReaderMachine {
  /** @returns undefined when it ended in good order, otherwise what is to be said of that */
  run(script: string, exitCode: number): Promise<Complaint | undefined>
  /** Runs on. What runs in the terminal of that name is ended by Ctrl-C first; without a name it is always another one. */
  openTerminal(name: string, script: string): Promise<Complaint | undefined>
  /** What the last script printed, in whatever terminal. */
  lastOutput(): Promise<string>
  /** What the terminal, or the one opened last, printed since this was asked before; undefined if there is none. */
  newTerminalOutput(name: string): Promise<string | undefined>
  close(): Promise<void>
}

export interface Complaint {
  readonly what: string
  readonly printed: string
}

interface Terminal {
  readonly name: string
  /** As the machine numbers it. */
  readonly pid: string
  readonly outputFile: string
  shown: number
}

export interface MachineOptions {
  /** An empty one, for scripts and what they print; what is beside it can be changed as well. */
  readonly directory: string
  readonly home: string
  /** Where terminals begin. */
  readonly cwd: string
  /** Of programs. */
  readonly path: string
  /** After it whatever is still running is ended, and complained of. */
  readonly limitMs: number
}

/** Linux alone; see why-no-machine.ts. */
export function startMachine({ directory, home, cwd, path, limitMs }: MachineOptions): ReaderMachine {
  const shell = Bun.spawn({
    cmd: [...container, directory],
    cwd,
    env: { PATH: path, HOME: home, TMPDIR: directory, LANG: "C.UTF-8", TERM: "dumb" },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  })
  const answers = linesOf(shell.stdout)
  const terminals: Terminal[] = []
  let scripts = 0
  let lastOutput = () => Promise.resolve("")
  let isOverdue = false
  let isClosed = false
  const overdue = setTimeout(() => {
    isOverdue = true
    endAll()
  }, limitMs)

  function endAll(): void {
    if (shell.exitCode !== null) return
    // With its process 1 the machine ends, and all that is in it.
    killChildrenOf(shell.pid)
  }

  async function say(line: string): Promise<string | undefined> {
    shell.stdin.write(`${line}\n`)
    await shell.stdin.flush()
    return (await answers.next()).value
  }

  async function whyItEnded(): Promise<string> {
    if (isOverdue) return `did not come to an end within ${limitMs / 1000} s`
    const said = (await shell.stderr.text()).trim()
    return `ended with exit code ${await shell.exited}${said === "" ? "" : `: ${said}`}`
  }

  function write(script: string): { readonly file: string; readonly outputFile: string } {
    scripts += 1
    const file = join(directory, `${scripts}.sh`)
    const outputFile = join(directory, `${scripts}.out`)
    writeFileSync(file, script)
    writeFileSync(outputFile, "")
    return { file, outputFile }
  }

  async function hasEnded({ pid }: Terminal): Promise<string | undefined> {
    const answer = await say(
      `if kill -0 ${pid} 2>/dev/null; then echo; elif wait ${pid}; then echo 0; else echo $?; fi`,
    )
    return answer === "" ? undefined : answer
  }

  async function newOutput(terminal: Terminal): Promise<string> {
    await comeToRest(shell.pid, () => isOverdue)
    const all = readFileSync(terminal.outputFile, "utf8")
    const fresh = all.slice(terminal.shown)
    terminal.shown = all.length
    return fresh
  }

  return {
    run: async (script, exitCode) => {
      const { file, outputFile } = write(script)
      lastOutput = () => Promise.resolve(readFileSync(outputFile, "utf8"))
      const quietly = `</dev/null >>${outputFile} 2>&1`
      const answer =
        exitCode === 0
          ? await say(`. ${file} ${quietly}; echo 0`)
          : await say(`set +e; (set -e; . ${file}) ${quietly}; echo $?; set -e`)
      if (answer === String(exitCode)) return undefined
      const what =
        answer === undefined ? await whyItEnded() : `ended with exit code ${answer} instead of ${exitCode}`
      return { what, printed: readFileSync(outputFile, "utf8") }
    },

    openTerminal: async (name, script) => {
      const at = terminals.findIndex((each) => each.name === name && name !== "")
      const [before] = at === -1 ? [] : terminals.splice(at, 1)
      if (before !== undefined) await say(`kill -INT -- -${before.pid} || :; wait ${before.pid} || :; echo`)
      const { file, outputFile } = write(script)
      // A session of its own, so that Ctrl-C can be meant for it; what runs behind & is deaf to that otherwise.
      const pid = await say(
        `setsid env --default-signal=INT bash -e -o pipefail ${file} </dev/null >>${outputFile} 2>&1 & echo $!`,
      )
      if (pid === undefined) return { what: await whyItEnded(), printed: "" }
      const terminal = { name, pid, outputFile, shown: 0 }
      terminals.push(terminal)
      lastOutput = () => newOutput(terminal)
      await comeToRest(shell.pid, () => isOverdue)
      if (isOverdue) return { what: await whyItEnded(), printed: readFileSync(outputFile, "utf8") }
      const exitCode = await hasEnded(terminal)
      if (exitCode === undefined || exitCode === "0") return undefined
      return { what: `ended with exit code ${exitCode}`, printed: readFileSync(outputFile, "utf8") }
    },

    lastOutput: () => lastOutput(),

    newTerminalOutput: async (name) => {
      const terminal = terminals.findLast((each) => name === "" || each.name === name)
      return terminal === undefined ? undefined : newOutput(terminal)
    },

    close: async () => {
      clearTimeout(overdue)
      if (isClosed) return
      isClosed = true
      // Ends it even where process 1 is still to come.
      await shell.stdin.end()
      endAll()
      await shell.exited
    },
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, undefined> {
  let rest = ""
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n")
    rest = lines.pop() ?? ""
    yield* lines
  }
  return undefined
}
