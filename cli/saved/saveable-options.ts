import type { Option } from "commander"

/** The options of pub and sub that say where the server is: the url of a connection does. */
const ofTheUrl = ["--host", "--port", "--unix", "--url", "--ws", "--ws-path", "--to"]

/** What else belongs to one server: who we are there, the way, and whom to trust. */
const ofTheServer = [
  ...["--username", "--password-file", "--id", "--id-prefix"],
  ...["--bind-address", "--srv", "--proxy"],
  ...["--cafile", "--capath", "--cert", "--key", "--ciphers", "--insecure"],
  ...["--tls-alpn", "--tls-use-os-certs", "--tls-version"],
]

/** How to talk, which one may want alike everywhere. */
const ofTheTalk = [
  ...["--keepalive", "--disable-clean-session", "--session-expiry"],
  ...["--protocol-version", "--qos", "--max-inflight"],
  ...["--will-topic", "--will-payload", "--will-qos", "--will-retain"],
]

/** Their values are paths of files, which must be found from anywhere. */
const paths = ["--cafile", "--capath", "--cert", "--key", "--password-file"]

/** Whether an option is about one server, so that it means nothing with another. */
export function isOfOneServer({ long }: Option): boolean {
  return long !== undefined && [...ofTheUrl, ...ofTheServer, "--pw", "--no-tls"].includes(long)
}

/** Whether an option can stand beside the url of a saved connection. */
export function isSaveable({ long }: Option): boolean {
  return long !== undefined && [...ofTheServer, ...ofTheTalk].includes(long)
}

export function isPath({ long }: Option): boolean {
  return long !== undefined && paths.includes(long)
}
