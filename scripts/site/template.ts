import { readFileSync } from "node:fs"

const style = readFileSync(new URL("style.css", import.meta.url), "utf8")

/** A part of the contents, as the front page has them. */
export interface Chapter {
  readonly title: string
  readonly links: readonly { readonly text: string; readonly path: string }[]
}

/**
 * A page as a file that needs no other one.
 *
 * @param path of the page in the site, such as examples/index.html
 * @param body HTML
 */
export function pageHtml(path: string, title: string, body: string, chapters: readonly Chapter[]): string {
  const up = "../".repeat(path.split("/").length - 1)
  const contents = chapters.map((chapter) => chapterHtml(chapter, path, up)).join("")
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${Bun.escapeHTML(title)} – Bantam</title>
<style>
${style}</style>
</head>
<body>
<a class="skip" href="#page">To the text</a>
<header class="top"><a class="name" href="${up}index.html">Bantam</a><a class="contents" href="#contents">Contents</a></header>
<div class="page">
<main id="page">
${body}</main>
<nav id="contents" aria-label="Contents">${contents}</nav>
</div>
</body>
</html>
`
}

function chapterHtml({ title, links }: Chapter, current: string, up: string): string {
  const items = links.map(({ text, path }) => {
    const mark = path === current ? ' aria-current="page"' : ""
    return `<li><a href="${up}${path}"${mark}>${Bun.escapeHTML(text)}</a></li>`
  })
  return `<h2>${Bun.escapeHTML(title)}</h2><ul>${items.join("")}</ul>\n`
}
