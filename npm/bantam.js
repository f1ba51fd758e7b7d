#!/usr/bin/env node
import { spawn } from "node:child_process"
import { statSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/*
 * What `npx bantam-mqtt` runs: the program from its sources, by the Bun that came along as a package. Plain JavaScript, for it
 * is Node that runs this.
 */

const here = dirname(fileURLToPath(import.meta.url))

/** The runtime's path; undefined: npm has left it out. */
function runtime() {
  const bun = createRequire(import.meta.url).resolve("bun/package.json")
  const requireFromBun = createRequire(bun)
  const system = process.platform === "win32" ? "windows" : process.platform
  const machine = process.arch === "arm64" ? "aarch64" : process.arch
  const places = [
    // There once the package's own script has run, which npm may have been told not to do.
    () => join(dirname(bun), "bin", "bun.exe"),
    ...["", "-musl"].map((libc) => () => {
      const found = requireFromBun.resolve(`@oven/bun-${system}-${machine}${libc}/package.json`)
      return join(dirname(found), "bin", system === "windows" ? "bun.exe" : "bun")
    }),
  ]
  for (const place of places) {
    try {
      // Until then a few words stand there that say so.
      if (statSync(place()).size > 1_000_000) return place()
    } catch {
      // Not installed.
    }
  }
  return undefined
}

const bun = runtime()
if (bun === undefined) {
  console.error(
    `bantam: there is no Bun for ${process.platform} ${process.arch} beside it; install bantam-mqtt again, with its optional packages`,
  )
  process.exit(1)
}

const program = spawn(
  bun,
  [
    // Neither settings of Bun nor variables from the folder that this is called in.
    `--config=${join(here, "bunfig.toml")}`,
    "--no-env-file",
    join(here, "..", "cli", "main.ts"),
    ...process.argv.slice(2),
  ],
  { stdio: "inherit" },
)

/** A terminal tells all that run in it of Ctrl-C, and npx passes it on besides: once more would be once too often. */
const heardByAll = process.stdin.isTTY === true
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (signal !== "SIGINT" || !heardByAll) program.kill(signal)
  })
}

program.on("error", (error) => {
  console.error(`bantam: cannot start ${bun}: ${error.message}`)
  process.exit(1)
})
program.on("exit", (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  // We end as it did.
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})
