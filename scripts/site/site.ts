import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join, normalize, relative } from "node:path"
import { headingsOf } from "./headings.ts"
import { type Chapter, pageHtml } from "./template.ts"

const root = new URL("../..", import.meta.url).pathname

/** Where the contents stand that lead to every page. */
const frontPage = "docs/README.md"

/**
 * The site, by the paths of its files: the pages that can be reached from the front page, and the files that they link to.
 *
 * @throws Error for a link to a file that is not there
 */
export function makeSite(): ReadonlyMap<string, string | Uint8Array> {
  const site = new Map<string, string | Uint8Array>()
  const chapters = chaptersOf(readFileSync(join(root, frontPage), "utf8"))
  const waiting = [frontPage]
  const seen = new Set(waiting)
  for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) {
    const link = (target: string): string => {
      if (!existsSync(join(root, target))) throw new Error(`${source}: there is no ${target}`)
      if (!seen.has(target)) waiting.push(target)
      seen.add(target)
      return relative(dirname(sitePath(source ?? "")), sitePath(target))
    }
    site.set(sitePath(source), fileOf(source, chapters, link))
  }
  return site
}

/** @returns where a file of the repository stands in the site; of a folder, its list */
function sitePath(source: string): string {
  if (source === "README.md") return "about.html"
  const path = source.replace(/^docs\//, "").replace(/(^|\/)README\.md$/, "$1index.html")
  if (statSync(join(root, source)).isDirectory()) return `${path}/index.html`
  return path.replace(/\.md$/, ".html")
}

function fileOf(
  source: string,
  chapters: readonly Chapter[],
  link: (target: string) => string,
): string | Uint8Array {
  const file = join(root, source)
  if (statSync(file).isDirectory()) {
    const items = readdirSync(file).map((name) => `- [${name}](${name})`)
    return render(`${source}/`, `# ${source}\n\n${items.join("\n")}\n`, chapters, link)
  }
  if (!source.endsWith(".md")) return readFileSync(file)
  return render(source, readFileSync(file, "utf8"), chapters, link)
}

function render(
  source: string,
  markdown: string,
  chapters: readonly Chapter[],
  link: (target: string) => string,
): string {
  const rewritten = (reference: string): string => {
    if (/^(?:\w+:|#)/.test(reference)) return reference
    const [path = "", anchor] = reference.split("#")
    const target = normalize(join(dirname(`${source}x`), path)).replace(/\/$/, "")
    return link(target) + (anchor === undefined ? "" : `#${anchor}`)
  }
  const text = withoutComments(markdown)
  const headings = headingsOf(text).values()
  const page = new HTMLRewriter()
    .on("a[href]", {
      element: (element) => {
        element.setAttribute("href", rewritten(element.getAttribute("href") ?? ""))
      },
    })
    .on("img[src]", {
      element: (element) => {
        element.setAttribute("src", rewritten(element.getAttribute("src") ?? ""))
      },
    })
    .on("table", {
      element: (element) => {
        element.before('<div class="table">', { html: true }).after("</div>", { html: true })
      },
    })
    .on("h1, h2, h3, h4, h5, h6", {
      element: (element) => {
        const { anchor = "", level = 1 } = headings.next().value ?? {}
        element.setAttribute("id", anchor)
        const link = `<a class="anchor" href="#${anchor}" aria-label="link to here">#</a>`
        if (level > 1) element.append(link, { html: true })
      },
    })
    .transform(Bun.markdown.html(text))
  const path = sitePath(source.replace(/\/$/, ""))
  return pageHtml(path, titleOf(markdown), page, chapters)
}

/** What a comment holds is for those who write and try the pages. */
function withoutComments(markdown: string): string {
  return markdown.replace(/^<!--.*?-->\n/gms, "")
}

function titleOf(markdown: string): string {
  return headingsOf(markdown)[0]?.text ?? "Documentation"
}

/** The headings of the front page, and the pages that are named below each. */
function chaptersOf(markdown: string): readonly Chapter[] {
  const chapters: { title: string; links: { text: string; path: string }[] }[] = []
  Bun.markdown.render(markdown, {
    heading: (title, { level }) => {
      if (level === 2) chapters.push({ title, links: [] })
      return title
    },
    link: (text, { href }) => {
      const target = normalize(join(dirname(frontPage), href))
      if (!href.includes("#") && target.endsWith(".md"))
        chapters.at(-1)?.links.push({ text, path: sitePath(target) })
      return text
    },
  })
  return chapters.filter(({ links }) => links.length > 0)
}
