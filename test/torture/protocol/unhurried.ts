/**
 * For `serve`: a broker that waits for a CONNECT far longer than anybody here waits for the broker. When it gives up it
 * says as little as where a first packet is wrong, so that its waiting would be taken for the end that is due.
 */
export const unhurried = ["--set", "limits.connect_timeout_seconds=3600"] as const
