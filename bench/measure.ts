import type { LoadOrder, LoadReport } from "./load-report.ts"
import type { CertificateFiles } from "../test/support/certificates.ts"
import { withPeer } from "./peers.ts"
import type { Peer } from "./peers/peer.ts"
import type { ScenarioFacts } from "./scenario-kinds.ts"

/** How long each measurement takes, its preparation aside. */
export interface Span {
  readonly warmUpSeconds: number
  readonly seconds: number
}

/** For what a scenario does besides: connecting thousands, filling queues, waiting for memory to go back. */
const preparationSeconds = 60

/**
 * One measurement: a fresh broker, and a fresh load process that measures it.
 *
 * @throws Error with one line that says what went wrong
 */
export function measure(
  name: string,
  { brokerNeeds }: ScenarioFacts,
  peer: Peer,
  certificate: CertificateFiles,
  span: Span,
): Promise<LoadReport> {
  return withPeer(peer, brokerNeeds, certificate, ({ pid, tcpPort, tlsPort, webSocketPort }) =>
    load({ scenario: name, pid, tcpPort, tlsPort, webSocketPort, ...span }),
  )
}

async function load(order: LoadOrder): Promise<LoadReport> {
  const script = new URL("load.ts", import.meta.url).pathname
  const cmd = [process.execPath, script, JSON.stringify(order)]
  const limitSeconds = order.warmUpSeconds + order.seconds + preparationSeconds
  const running = Bun.spawn({ cmd, stdout: "pipe", stderr: "pipe", timeout: limitSeconds * 1000 })
  const endWithUs = () => running.kill("SIGKILL")
  process.once("exit", endWithUs)
  const [text, complaint] = await Promise.all([running.stdout.text(), running.stderr.text(), running.exited])
  process.off("exit", endWithUs)
  if (running.exitCode === 0) return JSON.parse(text) as LoadReport
  if (running.signalCode === "SIGTERM") throw new Error(`the load was not done within ${limitSeconds} s`)
  throw new Error(`the load failed: ${reasonIn(complaint)}`)
}

/** Bun prints the source around an error, then the error, then the way there. */
function reasonIn(complaint: string): string {
  const [, error] = /^(?:\w*error|\w*Error): (.+)$/m.exec(complaint) ?? []
  return error ?? complaint.trim().split("\n").at(-1) ?? ""
}
