import { describe, expect, test } from "bun:test"
import { posix } from "node:path"
import { makeSite } from "../../scripts/site/site.ts"
import { pages } from "./pages.ts"

const site = makeSite()

interface Seen {
  readonly ids: ReadonlySet<string>
  /** What a reader may follow. */
  readonly links: readonly string[]
  /** What a browser fetches by itself. */
  readonly fetched: readonly string[]
}

function look(html: string): Seen {
  const [ids, links, fetched] = [new Set<string>(), [] as string[], [] as string[]]
  new HTMLRewriter()
    .on("[id]", { element: (element) => void ids.add(element.getAttribute("id") ?? "") })
    .on("a[href]", { element: (element) => void links.push(element.getAttribute("href") ?? "") })
    .on("[src], link[href]", {
      element: (element) =>
        void fetched.push(element.getAttribute("src") ?? element.getAttribute("href") ?? ""),
    })
    .transform(html)
  return { ids, links, fetched }
}

const seen = new Map(
  [...site].flatMap(([path, content]) =>
    typeof content === "string" ? [[path, look(content)] as const] : [],
  ),
)

describe("The site", () => {
  test("has every page of docs/", () => {
    const missing = pages
      .filter((page) => page.startsWith("docs/") && page !== "docs/README.md")
      .filter((page) => !site.has(page.slice("docs/".length).replace(/\.md$/, ".html")))
    expect(missing).toEqual([])
    expect(site.has("index.html")).toBe(true)
  })

  test("leads nowhere but to its own files and their headings, and to the web where a link says so", () => {
    const broken: string[] = []
    for (const [path, { links }] of seen) {
      for (const link of links.filter((each) => !/^https?:/.test(each))) {
        const [file = "", anchor] = link.split("#")
        const target = file === "" ? path : posix.normalize(posix.join(posix.dirname(path), file))
        const isThere =
          site.has(target) && (anchor === undefined || seen.get(target)?.ids.has(anchor) === true)
        if (!isThere) broken.push(`${path}: ${link}`)
      }
    }
    expect(broken).toEqual([])
  })

  test("fetches nothing from elsewhere", () => {
    const pictures = [...seen].flatMap(([path, { fetched }]) =>
      fetched.map((each) => posix.normalize(posix.join(posix.dirname(path), each))),
    )
    expect(pictures.filter((each) => !site.has(each))).toEqual([])
    expect(pictures).toContain("growth.svg")
    for (const content of site.values()) {
      if (typeof content === "string") expect(content).not.toMatch(/<script|@import|url\(/)
    }
  })

  test("shows code as it is written, and nothing of what stands in comments", () => {
    const recipes = String(site.get("recipes.html"))
    expect(recipes).toContain("&lt;&lt;'END'")
    expect(recipes).not.toContain("has looked at the list again")
  })
})
