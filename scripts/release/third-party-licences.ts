import { readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { dependencies } from "../../package.json"
import { partsFor } from "../bun-parts.ts"
import { licenceFiles, type ShippedPackage, shippedPackages } from "../shipped-packages.ts"
import type { Target } from "./targets.ts"

const root = new URL("../..", import.meta.url).pathname

/** Whose code is in the executable, under which licences, and the texts of those. */
export function thirdPartyLicences({ system }: Target): string {
  const parts = partsFor(system).map(({ name, licence, url }) => `- ${name}: ${licence}, ${url}`)
  return `${[
    "The executable holds what follows besides Bantam itself, which is under the Apache License 2.0 (LICENSE).",
    ...shippedPackages().map(packageLicence),
    heading(`bun ${dependencies.bun}: MIT, https://bun.com/docs/project/license`),
    `Bun is the runtime. These are its parts:\n\n${parts.join("\n")}`,
    "JavaScriptCore and TinyCC are under the GNU Library and Lesser General Public License, whose texts follow. Whoever\n" +
      "wants to exchange them builds another Bun and makes the executable with it from Bantam's sources: npm run build.",
    ...["LGPL-2.0", "LGPL-2.1"].map(
      (name) => `${heading(name)}\n\n${textOf(`packaging/licences/${name}.txt`)}`,
    ),
  ].join("\n\n")}\n`
}

function packageLicence(shipped: ShippedPackage): string {
  const texts = licenceFiles(shipped).map((file) => `${basename(file)}:\n\n${textOf(file)}`)
  return [heading(`${shipped.name} ${shipped.version}: ${shipped.licence}`), ...texts].join("\n\n")
}

function heading(text: string): string {
  return `${"-".repeat(100)}\n${text}`
}

/** @param path from the root of the sources */
function textOf(path: string): string {
  return readFileSync(join(root, path), "utf8").replaceAll("\r\n", "\n").trimEnd()
}
