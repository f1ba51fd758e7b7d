/*
 * Variables that the runtime reads before the program begins. Most that would run code from outside make it refuse to
 * start (see scripts/build.ts); these change what it does all the same, and nobody should be left to guess.
 */

type Environment = Record<string, string | undefined>

interface RuntimeVariable {
  readonly pattern: RegExp
  /** What the variable does to a broker. */
  readonly effect: string
}

const variables: readonly RuntimeVariable[] = [
  { pattern: /^BUN_OPTIONS$/, effect: "gives options to the runtime" },
  { pattern: /^BUN_INSPECT/, effect: "asks for a debugger" },
  { pattern: /^BUN_JSC_/, effect: "tunes the runtime's engine" },
  {
    pattern: /^BUN_CONFIG_VERBOSE_FETCH$/,
    effect: "prints requests over HTTP, and what they hold of secrets",
  },
  { pattern: /^BUN_ENABLE_CRASH_REPORTING$|^BUN_CRASH_REPORT_URL$/, effect: "reports a crash to others" },
]

/** The ones that are set, with what they do; an empty one does nothing. */
export function runtimeVariables(
  environment: Environment,
): readonly { readonly name: string; readonly effect: string }[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    const known = variables.find(({ pattern }) => pattern.test(name))
    return known === undefined || value === undefined || value === "" ? [] : [{ name, effect: known.effect }]
  })
}

/**
 * Whom we ask by HTTPS must prove who it is, whatever the environment says: a service that says who may come in, above all.
 * The clients of the command line have `--insecure` for that.
 */
export function insistOnCertificates(environment: Environment): void {
  delete environment["NODE_TLS_REJECT_UNAUTHORIZED"]
}
