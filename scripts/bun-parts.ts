/*
 * What Bun is built of, as far as an executable made with it holds it: Bun's own list (its docs/project/license.mdx).
 * Versions are those that the running Bun tells in process.versions, where it tells them; most are commits.
 */

export interface BunPart {
  readonly name: string
  /** Its name in `process.versions`; undefined: Bun does not tell. */
  readonly versionKey: string | undefined
  /** An SPDX expression. */
  readonly licence: string
  readonly url: string
  /** Undefined: in all. */
  readonly systems?: readonly System[]
}

type System = "darwin" | "linux" | "windows"

function part(
  name: string,
  versionKey: string | undefined,
  licence: string,
  url: string,
  systems?: readonly System[],
): BunPart {
  return { name, versionKey, licence, url, ...(systems === undefined ? {} : { systems }) }
}

const github = "https://github.com"

export const bunParts: readonly BunPart[] = [
  part("JavaScriptCore", "webkit", "LGPL-2.0-or-later AND BSD-2-Clause", `${github}/oven-sh/WebKit`),
  part(
    "boringssl",
    "boringssl",
    "Apache-2.0 AND ISC AND OpenSSL AND BSD-3-Clause AND MIT",
    `${github}/oven-sh/boringssl`,
  ),
  // macOS has one of its own.
  part("sqlite", "sqlite", "blessing", "https://sqlite.org", ["linux", "windows"]),
  part("icu", "icu", "Unicode-3.0", `${github}/unicode-org/icu`),
  part("uWebSockets", "uwebsockets", "Apache-2.0", `${github}/uNetworking/uWebSockets`),
  part("uSockets", "usockets", "Apache-2.0", `${github}/uNetworking/uSockets`),
  part("c-ares", "ares", "MIT", `${github}/c-ares/c-ares`),
  part("mimalloc", "mimalloc", "MIT", `${github}/oven-sh/mimalloc`),
  part("picohttpparser", "picohttpparser", "Artistic-1.0-Perl OR MIT", `${github}/h2o/picohttpparser`),
  part("llhttp", "llhttp", "MIT", `${github}/nodejs/llhttp`),
  part("ls-hpack", "lshpack", "MIT AND BSD-2-Clause", `${github}/litespeedtech/ls-hpack`),
  part("ls-qpack", undefined, "MIT", `${github}/litespeedtech/ls-qpack`),
  part("lsquic", undefined, "MIT AND BSD-3-Clause", `${github}/litespeedtech/lsquic`),
  part("zlib-ng", "zlib", "Zlib", `${github}/zlib-ng/zlib-ng`),
  part("zstd", "zstd", "BSD-3-Clause OR GPL-2.0-only", `${github}/facebook/zstd`),
  part("brotli", undefined, "MIT", `${github}/google/brotli`),
  part("libdeflate", "libdeflate", "MIT", `${github}/ebiggers/libdeflate`),
  part("libarchive", "libarchive", "BSD-2-Clause", `${github}/libarchive/libarchive`),
  part("lol-html", "lolhtml", "BSD-3-Clause", `${github}/cloudflare/lol-html`),
  part("tinycc", "tinycc", "LGPL-2.1-only", `${github}/oven-sh/tinycc`),
  part("simdutf", undefined, "Apache-2.0", `${github}/simdutf/simdutf`),
  part("highway", undefined, "Apache-2.0", `${github}/google/highway`),
  part("libbase64", undefined, "BSD-2-Clause", `${github}/aklomp/base64`),
  part("libjpeg-turbo", undefined, "BSD-3-Clause AND IJG AND Zlib", `${github}/libjpeg-turbo/libjpeg-turbo`),
  part("libspng", undefined, "BSD-2-Clause AND libpng-2.0", `${github}/randy408/libspng`),
  part("libwebp", undefined, "BSD-3-Clause", `${github}/webmproject/libwebp`),
  part("HdrHistogram_c", undefined, "CC0-1.0 OR BSD-2-Clause", `${github}/HdrHistogram/HdrHistogram_c`),
  part("libuv", undefined, "MIT", `${github}/libuv/libuv`, ["windows"]),
]

/** @param system as Bun's packages are named, such as linux-x64 */
export function partsFor(system: string): readonly BunPart[] {
  return bunParts.filter(({ systems }) => systems?.some((each) => system.startsWith(each)) ?? true)
}
