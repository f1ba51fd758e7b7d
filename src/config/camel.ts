/** `keep_alive_maximum_seconds` becomes `keepAliveMaximumSeconds`, all the way down. */
export type Camel<Written> = Written extends readonly unknown[]
  ? Written
  : Written extends object
    ? { readonly [Key in keyof Written as CamelName<Key & string>]: Camel<Written[Key]> }
    : Written
type CamelName<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelName<Tail>>}`
  : Name

/** The same settings, named as in the program. */
export function camel<Written extends object>(written: Written): Camel<Written> {
  return camelKeys(written) as Camel<Written>
}

function camelKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      camelKeys(inner),
    ]),
  )
}
