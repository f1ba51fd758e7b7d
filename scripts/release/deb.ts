import { readFileSync } from "node:fs"
import { join } from "node:path"
import { sampleConfig } from "../../src/config/sample.ts"
import { ar } from "./ar.ts"
import { type ArchiveFile, textFile } from "./archive-file.ts"
import { completionNames, completions, manPages, type Shell } from "./contents.ts"
import type { Target } from "./targets.ts"
import { tarball } from "./tarball.ts"
import { thirdPartyLicences } from "./third-party-licences.ts"

/*
 * A package for Debian and what is like it. It is written by ourselves, for it is but two archives in a third, and a release
 * can be made where there is no dpkg. What runs when it is installed stands in packaging/debian.
 */

export interface DebianPackage {
  readonly name: string
  readonly content: Uint8Array
}

export interface DebianPackageOptions {
  readonly target: Target
  /** Its path. It is not stripped: its program stands where strip would cut. */
  readonly executable: string
  readonly version: string
  readonly date: Date
}

const root = new URL("../..", import.meta.url).pathname
const architectures: Readonly<Record<string, string>> = { "linux-x64": "amd64", "linux-arm64": "arm64" }
/** There is no address yet that the world can write to; whoever publishes the package says theirs, as Debian's tools have it. */
const { DEBFULLNAME = "Bantam maintainers", DEBEMAIL = "maintainers@bantam.invalid" } = process.env
const maintainer = `${DEBFULLNAME} <${DEBEMAIL}>`

/** @returns undefined for a system that has no such packages */
export async function debianPackage(options: DebianPackageOptions): Promise<DebianPackage | undefined> {
  const architecture = architectures[options.target.name]
  if (architecture === undefined) return undefined
  const version = `${options.version}-1`
  const { date } = options
  const files = await installedFiles(options, version)
  const control = controlFiles(files, { architecture, version })
  const content = ar(
    [
      { name: "debian-binary", content: Buffer.from("2.0\n") },
      { name: "control.tar.gz", content: await tarball(control, { date, prefix: "./" }) },
      { name: "data.tar.gz", content: await tarball(files, { date, prefix: "./" }) },
    ],
    date,
  )
  return { name: `bantam_${version}_${architecture}.deb`, content }
}

const completionFolders = {
  bash: "usr/share/bash-completion/completions",
  zsh: "usr/share/zsh/vendor-completions",
  fish: "usr/share/fish/vendor_completions.d",
} as const satisfies Record<Shell, string>

async function installedFiles(
  { target, executable, date }: DebianPackageOptions,
  version: string,
): Promise<readonly ArchiveFile[]> {
  const documents = "usr/share/doc/bantam"
  return [
    { path: "usr/bin/bantam", mode: 0o755, content: readFileSync(executable) },
    // Its group comes when it is installed: it may hold secrets, and users have no numbers before.
    textFile("etc/bantam/bantam.toml", sampleConfig(), 0o640),
    textFile("usr/lib/systemd/system/bantam.service", packaging("bantam.service")),
    textFile("usr/lib/systemd/system/bantam.socket", packaging("bantam.socket")),
    textFile("usr/lib/sysusers.d/bantam.conf", packaging("bantam.sysusers")),
    textFile(`${documents}/copyright`, packaging("debian/copyright")),
    zippedText(`${documents}/THIRD-PARTY-LICENCES.txt`, thirdPartyLicences(target)),
    zippedText(`${documents}/changelog.Debian`, changelog(version, date)),
    textFile("usr/share/lintian/overrides/bantam", packaging("debian/lintian-overrides")),
    ...manPages().map(({ path, content }) => zippedText(`usr/share/man/${path}`, content)),
    ...(await completions()).map(({ shell, text }) =>
      textFile(`${completionFolders[shell]}/${completionNames[shell]}`, text),
    ),
  ]
}

function controlFiles(
  files: readonly ArchiveFile[],
  { architecture, version }: { readonly architecture: string; readonly version: string },
): readonly ArchiveFile[] {
  const bytes = files.reduce((sum, { content }) => sum + content.length, 0)
  const control = `Package: bantam
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: libc6 (>= 2.17), systemd | systemd-standalone-sysusers | systemd-sysusers
Section: net
Priority: optional
Description: MQTT broker and clients in one executable
 A broker for MQTT 3.1, 3.1.1 and 5.0 that keeps what it acknowledged: on the
 disk, before it says so.
 .
 The executable holds clients for the command line as well, a health check,
 tests by scripts, and an import of what a Mosquitto has.
`
  const hashes = files.map(({ path, content }) => `${md5(content)}  ${path}\n`)
  return [
    textFile("control", control),
    textFile("conffiles", packaging("debian/conffiles")),
    textFile("md5sums", hashes.join("")),
    ...["postinst", "prerm", "postrm"].map((name) => textFile(name, packaging(`debian/${name}`), 0o755)),
  ]
}

function changelog(version: string, date: Date): string {
  return `bantam (${version}) unstable; urgency=medium

  * Made of the sources of that version.

 -- ${maintainer}  ${date.toUTCString().replace("GMT", "+0000")}
`
}

function zippedText(path: string, text: string): ArchiveFile {
  const content = Bun.gzipSync(Buffer.from(text), { library: "libdeflate", level: 9 })
  return { path: `${path}.gz`, mode: 0o644, content }
}

function md5(content: Uint8Array): string {
  return new Bun.CryptoHasher("md5").update(content).digest("hex")
}

function packaging(path: string): string {
  return readFileSync(join(root, "packaging", path), "utf8")
}
