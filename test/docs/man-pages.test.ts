import { expect, test } from "bun:test"
import { version } from "../../package.json"
import { makeProgram } from "../../cli/program.ts"
import { commandPageOf } from "../../scripts/reference/command-page.ts"
import { manPages } from "../../scripts/reference/man-pages.ts"
import { prose, roff, term } from "../../scripts/reference/roff.ts"
import { describeWith } from "../real-clients/tools.ts"

const pages = [...manPages(commandPageOf(makeProgram(version)))]

/** As a terminal shows it, without bold and slanted letters. */
async function shown(
  page: string,
  columns = 300,
): Promise<{ readonly text: string; readonly complaints: string }> {
  const groff = Bun.spawn({
    cmd: ["groff", "-ww", "-k", "-man", "-Tutf8", `-rLL=${columns}n`, "-P-cbou"],
    stdin: new Blob([page]),
    stdout: "pipe",
    stderr: "pipe",
  })
  const [text, complaints] = await Promise.all([groff.stdout.text(), groff.stderr.text(), groff.exited])
  return { text, complaints }
}

test("roff keeps every sign as it can be typed", () => {
  expect(roff("a-b\\n 'c' `d` ^~\"")).toBe("a\\-b\\en \\(aqc\\(aq \\(gad\\(ga \\(ha\\(ti\\(dq")
  expect(roff(".hidden\n'too")).toBe("\\&.hidden\n\\(aqtoo")
  expect(roff("…")).toBe("\\[u2026]")
  expect(prose("see `-q`.")).toBe("see \\fB\\-q\\fR.")
  expect(term("-q, --qos <level>")).toBe("\\fB\\-q, \\-\\-qos \\fR\\fIlevel\\fR")
})

describeWith("groff", Bun.which("groff") ?? undefined, "man pages", () => {
  test.each(pages)("%s can be set without a warning", async (_, page) => {
    expect((await shown(page)).complaints).toBe("")
    expect((await shown(page, 78)).complaints).toBe("")
  })

  test("show examples, options and settings as they are typed", async () => {
    const sub = await shown(pages.find(([path]) => path === "man1/bantam-sub.1")?.[1] ?? "")
    expect(sub.text).toContain("bantam sub -t lamp/+ -C 1 -W 5 -F '%I %t %q %p'")
    expect(sub.text).toContain("-k, --keepalive seconds")
    const settings = await shown(pages.find(([path]) => path === "man5/bantam.toml.5")?.[1] ?? "")
    expect(settings.text).toContain(
      `{ url = "tls://0.0.0.0:8884", ca_file = "/etc/bantam/ca.pem", require_client_certificate = true }`,
    )
    expect(settings.text).toContain("BANTAM_LIMITS_CONNECTIONS")
  })

  test("are looked at: a macro that is none is complained of", async () => {
    expect((await shown(".TH A 1\n.XYZ\n")).complaints).toContain("XYZ")
  })
})
