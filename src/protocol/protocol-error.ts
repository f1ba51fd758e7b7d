import { describeReasonCode, ReasonCode } from "./reason-code.ts"

/** The peer broke the protocol. Whoever catches it answers with the reason code and closes. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError"
  readonly reasonCode: ReasonCode

  /** @param detail a sentence for the log and, unless the client wants none, for the reason string */
  constructor(reasonCode: ReasonCode, detail?: string) {
    super(detail ?? describeReasonCode(reasonCode))
    this.reasonCode = reasonCode
  }
}

/** For what cannot be parsed as the specification has it [4.13.1]. */
export function malformedPacket(detail: string): ProtocolError {
  return new ProtocolError(ReasonCode.malformedPacket, detail)
}

/** For what can be parsed, but must not be there, or not now [4.13.1]. */
export function protocolError(detail: string): ProtocolError {
  return new ProtocolError(ReasonCode.protocolError, detail)
}
