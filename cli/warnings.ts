import { canShow, idleSettings } from "../src/config/idle-settings.ts"
import type { Settings } from "../src/config/settings.ts"
import type { Log } from "../src/foundation/log.ts"
import { examineMode } from "./doctor-files.ts"
import { runtimeVariables } from "./runtime-variables.ts"
import type { Identity } from "./unprivileged.ts"

/** What others could do to us, or we to others, and how to do without. */
export function warnOfSurroundings({ storage }: Settings, identity: Identity, log: Log): void {
  if (identity.is === "root") {
    log.warn("running as root, with more rights than a broker needs; name a user with --user or process.user")
  }
  if (identity.is === "another") {
    log.warn("process.user is not heeded, for only root can become somebody else", { user: identity.wished })
  }
  for (const { name, effect } of runtimeVariables(process.env)) {
    log.warn("a variable of the runtime is set; unset it unless it is meant", { name, effect })
  }
  if (storage.ephemeral) return
  for (const { what, remedy } of examineMode(storage.directory, 0o700)) log.warn(what, { remedy })
}

/** Whom the settings let in, perhaps without meaning it, and what they say for nothing. */
export function warnOfSettings(settings: Settings, log: Log): void {
  for (const listener of settings.listeners) {
    const { url, address, loopback, allowsAnonymous } = listener
    if (allowsAnonymous && !loopback)
      log.warn("whoever can reach this address may publish and subscribe", { url })
    const isForPages = address.scheme === "ws" || address.scheme === "wss"
    if (!isForPages || settings.websocket.origins !== undefined) continue
    // A browser lets every page connect to the machine that it runs on.
    if (allowsAnonymous) {
      log.warn("any web page may publish and subscribe here; name those that may in websocket.origins", {
        url,
      })
    } else if (canShow(listener, "certificate", settings)) {
      // And it shows its certificate to the broker whatever page asks for the connection.
      log.warn(
        "any web page may act for whoever has a certificate in his browser; name those that may in websocket.origins",
        { url },
      )
    }
  }
  for (const { setting, why } of idleSettings(settings))
    log.warn("of no use as things stand", { setting, why })
}
