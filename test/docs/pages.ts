import { Glob } from "bun"

const root = new URL("../..", import.meta.url).pathname

/** Every page that we write for readers, by its path in the repository. */
export const pages: readonly string[] = [
  "README.md",
  ...new Glob("{docs,examples,packaging}/**/*.md").scanSync({ cwd: root }),
].toSorted()
