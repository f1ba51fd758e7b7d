declare const brand: unique symbol

/** A base type that only its one maker may produce: holding it is the proof that it was checked. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name }
