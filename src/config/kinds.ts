import * as v from "valibot"

/*
 * The kinds of a setting. Each carries what the sample and the messages need: its description, and as its title
 * what completes the sentence "it must be ...".
 */

/** A whole number within bounds, both included. */
export function whole(description: string, from: number, to: number, fallback: number) {
  return v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(from),
      v.maxValue(to),
      v.title(`a whole number from ${grouped(from)} to ${grouped(to)}`),
      v.description(description),
    ),
    fallback,
  )
}

/** A switch. */
export function flag(description: string, fallback: boolean) {
  return v.optional(v.pipe(v.boolean(), v.title("true or false"), v.description(description)), fallback)
}

/** One of a few words or numbers. */
export function choice<const Options extends readonly (string | number)[]>(
  description: string,
  options: Options,
  fallback: Options[number],
) {
  const title = `one of ${options.map((option) => JSON.stringify(option)).join(", ")}`
  return v.optional(v.pipe(v.picklist(options), v.title(title), v.description(description)), () => fallback)
}

/** Any number of texts, none of them empty. */
export function texts(description: string, fallback: readonly string[]) {
  return v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.nonEmpty())),
      v.readonly(),
      v.title("an array of texts"),
      v.description(description),
    ),
    () => [...fallback],
  )
}

/** Some of a few words, each once at most, in an order that means something. */
export function words<const Options extends readonly string[]>(
  description: string,
  options: Options,
  fallback: readonly Options[number][],
) {
  return v.optional(
    v.pipe(
      v.array(v.picklist(options)),
      v.check((chosen) => new Set(chosen).size === chosen.length),
      v.readonly(),
      v.title(`an array of ${options.map((option) => JSON.stringify(option)).join(", ")}, each once at most`),
      v.description(description),
    ),
    () => [...fallback],
  )
}

/** The same with no default. */
export function unsetWords<const Options extends readonly string[]>(
  description: string,
  options: Options,
  example: readonly Options[number][],
) {
  return v.exactOptional(
    v.pipe(
      v.array(v.picklist(options)),
      v.minLength(1),
      v.check((chosen) => new Set(chosen).size === chosen.length),
      v.readonly(),
      v.title(
        `one or more of ${options.map((option) => JSON.stringify(option)).join(", ")}, each once at most`,
      ),
      v.description(description),
      v.metadata({ example }),
    ),
  )
}

/** A text. */
export function text(description: string, fallback: string) {
  return v.optional(
    v.pipe(v.string(), v.nonEmpty(), v.title("a text that is not empty"), v.description(description)),
    fallback,
  )
}

/** A text with no default: absent unless it is set. The example stands in the sample. */
export function unset(description: string, example: string) {
  return v.exactOptional(
    v.pipe(
      v.string(),
      v.nonEmpty(),
      v.title("a text that is not empty"),
      v.description(description),
      v.metadata({ example }),
    ),
  )
}

/** A whole number with no default. Such a key stands in no section, so that it needs neither description nor example. */
export function unsetWhole(from: number, to: number) {
  return v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(from), v.maxValue(to)))
}

/** Texts with no default. */
export function unsetTexts(description: string, example: string) {
  return v.exactOptional(
    v.pipe(
      v.array(v.pipe(v.string(), v.nonEmpty())),
      v.readonly(),
      v.title("an array of texts"),
      v.description(description),
      v.metadata({ example: [example] }),
    ),
  )
}

/** Thousands parted as TOML allows it: 10_000. By hand: to wake the engine's knowledge of languages takes 5 ms. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, "_")
}
