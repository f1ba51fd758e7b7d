import { type PropertyName, propertyTable } from "../src/protocol/properties.ts"

/** The name of a property on a command line and in JSON: the specification's words, joined by hyphens. */
export function propertyLabel(name: PropertyName): string {
  switch (name) {
    case "subscriptionIdentifiers":
      return "subscription-identifier"
    case "userProperties":
      return "user-property"
    default:
      return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  }
}

const names = new Map<string, PropertyName>()
for (const name of Object.keys(propertyTable) as PropertyName[]) names.set(propertyLabel(name), name)

/** @returns undefined when no property is called so */
export function propertyNamed(label: string): PropertyName | undefined {
  return names.get(label)
}
