import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { Command } from "commander"
import type { CertificateFolder, PairFiles } from "../src/certificates/certificate-folder.ts"
import type { CertificateFacts } from "../src/certificates/facts.ts"
import { escapeControls } from "../src/foundation/log.ts"
import { wholeNumber } from "./options.ts"
import { paint, print } from "./output.ts"

interface FolderOptions {
  readonly dir: string
  readonly force?: true
}
interface IssueOptions extends FolderOptions {
  readonly days: number
}
interface AuthorityOptions extends IssueOptions {
  readonly name: string
}

const defaultName = "Bantam CA"
const authorityDays = 3_650
/** What Apple's systems take at most from an authority of one's own. */
const issuedDays = 825

const examples = `
The folder holds the authority (ca.pem, and ca.key, which signs: keep it safe), what it issued, and crl.pem, the list
of what was revoked. A broker that uses the files takes changes over within seconds.

Examples:
  bantam cert server localhost 192.168.1.5      makes the authority too, if there is none
  bantam cert client sensor-7
  bantam cert revoke sensor-7.pem
  bantam cert show localhost.pem
  mosquitto_sub --cafile ca.pem --cert sensor-7.pem --key sensor-7.key -h localhost -p 8883 -t '#'`

/** bantam cert ca | server | client | revoke | show */
export function certCommand(): Command {
  const command = new Command("cert").description(
    "certificates for TLS: make an authority, issue to servers and clients, revoke, show",
  )
  withIssueOptions(command.command("ca").description("make a certificate authority"), authorityDays)
    .option("--name <name>", "what it is called", defaultName)
    .action(makeAuthority)
  withIssueOptions(command.command("server <host...>"), issuedDays)
    .description("issue a certificate to a server that is reached by these names and IP addresses")
    .action(issueServer)
  withIssueOptions(command.command("client <name>"), issuedDays)
    .description("issue a certificate to a client")
    .action(issueClient)
  withFolder(
    command.command("revoke <file>").description("take a certificate back: adds it to crl.pem"),
  ).action(revoke)
  command
    .command("show <file>")
    .description("tell what a certificate says")
    .option("--json", "one JSON array")
    .action(show)
  return command.addHelpText("afterAll", examples)
}

function withFolder(command: Command): Command {
  return command.option("--dir <folder>", "where the authority is, and the files go", ".")
}

function withIssueOptions(command: Command, days: number): Command {
  return withFolder(command)
    .option("--days <number>", "how long it is valid", wholeNumber(1, 36_500), days)
    .option("--force", "replace files that exist")
}

async function makeAuthority({ name, days, ...options }: AuthorityOptions): Promise<void> {
  const folder = await folderAt(options)
  await made("authority", await folder.makeAuthority(name, days))
}

async function issueServer(hosts: readonly [string, ...string[]], options: IssueOptions): Promise<void> {
  const folder = await folderWithAuthority(options)
  const { certFile, keyFile } = await made("server", await folder.issueServer(hosts, options.days))
  await useInSettings([
    "[tls]",
    `cert_file = ${tomlPath(certFile)}`,
    `key_file = ${tomlPath(keyFile)}`,
    "# To ask clients for certificates as well:",
    `# ca_file = ${tomlPath(folder.authority.certFile)}`,
    `# crl_file = ${tomlPath(folder.listFile)}`,
    "# require_client_certificate = true",
  ])
}

async function issueClient(name: string, options: IssueOptions): Promise<void> {
  const folder = await folderWithAuthority(options)
  await made("client", await folder.issueClient(name, options.days))
  await useInSettings([
    "[tls]",
    `ca_file = ${tomlPath(folder.authority.certFile)}`,
    `crl_file = ${tomlPath(folder.listFile)}`,
    "require_client_certificate = true",
    "# To let it in as the user that it names, add:",
    "# [certificate]",
    '# identity = "common-name"',
  ])
}

async function revoke(file: string, options: FolderOptions): Promise<void> {
  const folder = await folderAt(options)
  await folder.revoke(file)
  await print(`${file} is revoked: ${folder.listFile} says so\n`)
  await useInSettings(["[tls]", `crl_file = ${tomlPath(folder.listFile)}`])
}

async function show(file: string, { json }: { readonly json?: true }): Promise<void> {
  const [{ certificateFacts }, { about }] = await Promise.all([
    import("../src/certificates/facts.ts"),
    import("../src/certificates/certificate-folder.ts"),
  ])
  const pem = readFileSync(file, "utf8")
  const facts = await about(file, () => certificateFacts(pem))
  await print(json === true ? `${JSON.stringify(facts, null, 2)}\n` : facts.map(factsText).join("\n"))
}

function factsText(facts: CertificateFacts): string {
  const { subject, alternativeNames, issuer, validFrom, validTo, isAuthority } = facts
  const over = Date.parse(validTo) < Date.now() ? " (it is over)" : ""
  const lines = [
    ["subject", subject],
    ["names", alternativeNames.join(", ")],
    ["issuer", issuer],
    ["valid", `${validFrom} to ${validTo}${over}`],
    ["serial", facts.serialNumber],
    ["sha256", facts.fingerprint256],
    ["authority", isAuthority ? "yes" : "no"],
  ]
  return lines
    .filter(([, value]) => value !== "")
    .map(([name = "", value = ""]) => `${paint.dim(name.padEnd(9))}  ${escapeControls(value)}\n`)
    .join("")
}

/** Loads what makes certificates, which no other command is to pay for. */
async function folderAt({ dir, force }: FolderOptions): Promise<CertificateFolder> {
  const { CertificateFolder } = await import("../src/certificates/certificate-folder.ts")
  return new CertificateFolder(resolve(dir), force === true)
}

async function folderWithAuthority(options: FolderOptions): Promise<CertificateFolder> {
  // What is forced is the new certificate; an authority that stands is not lost over it.
  const folder = await folderAt(options)
  if (!folder.hasAuthority) {
    await print(`There is no authority in ${resolve(options.dir)} yet, so here is one.\n`)
    await made("authority", await folder.makeAuthority(defaultName, authorityDays))
  }
  return folder
}

async function made(what: string, files: PairFiles): Promise<PairFiles> {
  const line = (name: string, file: string, note: string) =>
    `${paint.dim(name.padEnd(11))}  ${file}${paint.dim(note)}\n`
  await print(line(what, files.certFile, "") + line("its key", files.keyFile, "  (keep it secret)"))
  return files
}

async function useInSettings(lines: readonly string[]): Promise<void> {
  await print(`\nIn bantam.toml:\n${lines.map((line) => `  ${line}\n`).join("")}`)
}

/** JSON's texts are TOML's. */
function tomlPath(path: string): string {
  return JSON.stringify(path)
}
