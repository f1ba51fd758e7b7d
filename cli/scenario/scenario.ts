import * as v from "valibot"
import { parseDuration } from "../duration.ts"
import { propertyNamed } from "../property-names.ts"

/*
 * What a scenario file may say. Each step is an object whose one verb says what it does; everything else beside the verb
 * belongs to it.
 */

const duration = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const milliseconds = parseDuration(dataset.value)
    if (milliseconds !== undefined) return milliseconds
    addIssue({ message: "must be a time such as 200ms, 5s, 1m, 1h or 7d" })
    return NEVER
  }),
)
const name = v.pipe(v.string(), v.minLength(1))
const qos = v.picklist([0, 1, 2])
const filters = v.union([name, v.pipe(v.array(name), v.minLength(1))])
const pattern = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return new RegExp(dataset.value, "su")
    } catch {
      addIssue({ message: "must be a regular expression" })
      return NEVER
    }
  }),
)

/** Properties by the specification's words with hyphens; user properties as an object. */
const properties = v.pipe(
  v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.record(v.string(), v.string())])),
  v.check(
    (given) => Object.keys(given).every((label) => propertyNamed(label) !== undefined),
    "must name properties of MQTT 5, such as content-type",
  ),
)

/** One of four ways to write bytes; none of them is no bytes. */
const payload = {
  payload: v.optional(v.union([v.string(), v.number(), v.boolean()])),
  json: v.optional(v.unknown()),
  hex: v.optional(v.pipe(v.string(), v.regex(/^([\da-f]{2}\s*)*$/i, "must be pairs of hexadecimal digits"))),
  file: v.optional(name),
}
const message = { topic: name, ...payload, qos: v.optional(qos, 0), retain: v.optional(v.boolean(), false) }

/** `true`: refused for whatever reason. */
const refused = v.optional(v.union([v.literal(true), name]))

const steps = {
  connect: v.strictObject({
    connect: name,
    id: v.optional(v.string()),
    version: v.optional(v.picklist([5, 3.1, "3.1", "3.1.1", "5", "5.0"])),
    clean: v.optional(v.boolean(), true),
    session_expiry: v.optional(duration),
    keep_alive: v.optional(duration),
    receive_maximum: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
    username: v.optional(v.string()),
    password: v.optional(v.string()),
    will: v.optional(
      v.strictObject({ ...message, delay: v.optional(duration), properties: v.optional(properties) }),
    ),
    session: v.optional(v.picklist(["new", "present"])),
    refused,
  }),
  subscribe: v.strictObject({
    subscribe: name,
    to: filters,
    qos: v.optional(qos, 0),
    no_local: v.optional(v.boolean(), false),
    retain_as_published: v.optional(v.boolean(), false),
    retained: v.optional(v.picklist(["always", "if-new", "never"]), "always"),
    granted: v.optional(qos),
    refused,
  }),
  unsubscribe: v.strictObject({ unsubscribe: name, from: filters }),
  publish: v.strictObject({
    publish: name,
    ...message,
    count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1),
    expiry: v.optional(duration),
    properties: v.optional(properties),
    refused,
  }),
  expect: v.strictObject({
    expect: name,
    topic: v.optional(name, "#"),
    ...payload,
    matches: v.optional(pattern),
    qos: v.optional(qos),
    retain: v.optional(v.boolean()),
    properties: v.optional(properties),
    count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1),
    within: v.optional(duration, "5s"),
  }),
  nothing: v.strictObject({
    nothing: name,
    topic: v.optional(name, "#"),
    for: v.optional(duration, "200ms"),
  }),
  ended: v.strictObject({ ended: name, reason: v.optional(name), within: v.optional(duration, "5s") }),
  disconnect: v.strictObject({ disconnect: name, will: v.optional(v.boolean(), false) }),
  drop: v.strictObject({ drop: name }),
  restart: v.strictObject({ restart: v.literal("broker") }),
  advance: v.strictObject({ advance: duration }),
  wait: v.strictObject({ wait: duration }),
} as const

export type Verb = keyof typeof steps
export type StepOf<Name extends Verb> = v.InferOutput<(typeof steps)[Name]>
/** A step with its verb beside it, so that a switch can tell them apart. */
export type Step = { readonly [Name in Verb]: { readonly verb: Name; readonly step: StepOf<Name> } }[Verb]

export interface Scenario {
  /** The file, as it was named. */
  readonly file: string
  readonly name: string
  /** Of the broker made for it, by their full names. */
  readonly settings: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
}

const outline = v.strictObject({
  name: v.optional(v.string()),
  settings: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])), {}),
  steps: v.pipe(v.array(v.record(v.string(), v.unknown())), v.minLength(1)),
})

/**
 * Takes what YAML has made of a file.
 *
 * @returns the scenario, or everything that is wrong with it, a sentence each
 */
export function scenarioOf(file: string, content: unknown): Scenario | readonly string[] {
  const read = v.safeParse(outline, content)
  if (!read.success) return read.issues.map((issue) => `${file}: ${complaint(issue)}`)
  const problems: string[] = []
  const checked: Step[] = []
  for (const [index, written] of read.output.steps.entries()) {
    const step = stepOf(written)
    if (typeof step === "string") problems.push(`${file}: step ${index + 1} ${step}`)
    else checked.push(step)
  }
  if (problems.length > 0) return problems
  const settings = Object.entries(read.output.settings).map(([key, value]) => [key, String(value)])
  return { file, name: read.output.name ?? file, settings: Object.fromEntries(settings), steps: checked }
}

function stepOf(written: Readonly<Record<string, unknown>>): Step | string {
  const verbs = (Object.keys(steps) as Verb[]).filter((verb) => Object.hasOwn(written, verb))
  const [verb, ...more] = verbs
  if (verb === undefined || more.length > 0) {
    return `must have one of ${Object.keys(steps).join(", ")}, and has ${verbs.join(" and ") || "none"}`
  }
  const read = v.safeParse(steps[verb], written)
  // The table gives each verb the schema of its own step.
  if (read.success) return { verb, step: read.output } as Step
  return `(${verb}) ${complaint(read.issues[0])}`
}

function complaint(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue)
  if (issue.expected === "never") return `has ${path ?? "something"}, which does not belong there`
  const what = issue.kind === "schema" && issue.received === "undefined" ? "is missing" : undefined
  const { expected } = issue
  const wanted = expected === null ? issue.message : `must be ${expected}, and is ${issue.received}`
  return `${path === null ? "" : `${path} `}${what ?? wanted}`
}
