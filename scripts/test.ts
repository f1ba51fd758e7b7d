import pc from "picocolors"

/*
 * Everything that must hold before a change is good: `npm test`. Stops at the first step that fails.
 */

const steps = {
  format: ["bun", "fmt", "--check"],
  lint: ["oxlint", "--deny-warnings"],
  types: ["bun", "check"],
  build: ["bun", "run", "scripts/build.ts"],
  // Time to be stuck in, on a slow machine too; nothing is asserted of it.
  tests: ["bun", "test", "--timeout", "60000"],
} as const satisfies Record<string, readonly string[]>

let passed = 0
let failed = 0
for (const [name, command] of Object.entries(steps)) {
  console.log(pc.bold(`\n== ${name}: ${command.join(" ")}`))
  const start = performance.now()
  const outcome = await run(command)
  passed += outcome.passed
  failed += outcome.failed
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`== ${name}: ${outcome.failed === 0 ? "passed" : "FAILED"} in ${seconds} s`)
  if (failed > 0) break
}
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

/** A step counts as one; the tests count each. */
async function run(command: readonly string[]): Promise<{ passed: number; failed: number }> {
  const step = Bun.spawn({ cmd: [...command], stdout: "inherit", stderr: "pipe" })
  let report = ""
  for await (const chunk of step.stderr.pipeThrough(new TextDecoderStream())) {
    process.stderr.write(chunk)
    report += chunk
  }
  const good = (await step.exited) === 0
  const [, passes = "0", failures = "0"] =
    /^ *(\d+) pass\n(?: *\d+ (?:skip|todo)\n)* *(\d+) fail$/m.exec(report) ?? []
  // A step may also fail without a test that does: nothing compiled, nothing found.
  return { passed: Number(passes) || Number(good), failed: Number(failures) || Number(!good) }
}
