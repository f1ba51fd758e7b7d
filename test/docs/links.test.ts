import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync, statSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { headingsOf } from "../../scripts/site/headings.ts"
import { pages } from "./pages.ts"

const root = new URL("../..", import.meta.url).pathname

interface Outline {
  readonly links: readonly string[]
  /** What a link to a heading of the page may say behind its #. */
  readonly anchors: ReadonlySet<string>
}

function outlineOf(page: string): Outline {
  const markdown = readFileSync(join(root, page), "utf8")
  const links: string[] = []
  Bun.markdown.render(markdown, {
    link: (children, { href }) => {
      links.push(href)
      return children
    },
    image: (children, { src }) => {
      links.push(src)
      return children
    },
  })
  return { links, anchors: new Set(headingsOf(markdown).map(({ anchor }) => anchor)) }
}

const outlines = new Map(pages.map((page) => [page, outlineOf(page)]))

/** @returns what is wrong with a link from a page, if anything */
function objection(page: string, link: string): string | undefined {
  if (/^\w+:/.test(link)) return undefined
  const [path = "", anchor] = link.split("#")
  const target = path === "" ? page : normalize(join(dirname(page), path))
  if (target.startsWith("..") || !existsSync(join(root, target))) return `${page}: ${link} leads nowhere`
  if (anchor === undefined) return undefined
  return outlines.get(target)?.anchors.has(anchor) === true
    ? undefined
    : `${page}: ${link} is no heading there`
}

describe("Every link of a page", () => {
  test("leads to a file, and to a heading that is in it", () => {
    const objections = [...outlines].flatMap(([page, { links }]) =>
      links.map((link) => objection(page, link)),
    )
    expect(objections.filter((each) => each !== undefined)).toEqual([])
  })

  test("is looked at: one that leads nowhere is found", () => {
    expect(objection("docs/guards.md", "authentication.md#users-and-passwords")).toBeUndefined()
    expect(objection("docs/guards.md", "authentication.md#users")).toBe(
      "docs/guards.md: authentication.md#users is no heading there",
    )
    expect(objection("docs/guards.md", "authentification.md")).toContain("leads nowhere")
    expect(objection("docs/guards.md", "../../README.md")).toContain("leads nowhere")
    expect([...outlines.values()].flatMap(({ links }) => links).length).toBeGreaterThan(10)
  })
})

describe("A page", () => {
  test("that names a file of the repository names one that is there", () => {
    const missing = pages.flatMap((page) => {
      const text = readFileSync(join(root, page), "utf8")
      const named = text.matchAll(/`((?:src|cli|test|bench|scripts|docs|examples|packaging)\/[\w./-]+)`/g)
      return [...named].flatMap(([, path = ""]) => (isThere(path) ? [] : `${page}: ${path}`))
    })
    expect(missing).toEqual([])
  })
})

function isThere(path: string): boolean {
  const file = join(root, path)
  return existsSync(file) && (statSync(file).isDirectory() || !path.endsWith("/"))
}

describe("The front page", () => {
  test("leads to every other page", () => {
    const linked = new Set(outlines.get("docs/README.md")?.links.map((link) => link.split("#")[0]))
    const others = pages.filter((page) => page.startsWith("docs/") && page !== "docs/README.md")
    expect(others.filter((page) => !linked.has(page.slice("docs/".length)))).toEqual([])
  })
})
