import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Packet, ProtocolVersion } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { type Script, startScripted } from "../cli/pub-sub-server.ts"
import { acknowledgement, bytesOf, connack, publish } from "../client/scripted-server.ts"
import { type ClientProgram, ClientPrograms, type Said } from "./client-programs.ts"
import { describeWith, mosquittoClients } from "./tools.ts"

/** Connects everybody, and answers with these codes. */
function server(codes: {
  readonly connect?: ReasonCode
  readonly publish?: ReasonCode
  readonly subscribe?: readonly ReasonCode[]
  readonly detail?: string
}): Script {
  const properties = codes.detail === undefined ? {} : { reasonString: codes.detail }
  return (packet): readonly (Packet | "close")[] => {
    switch (packet.type) {
      case "connect":
        return codes.connect === undefined ? [connack()] : [connack({ reasonCode: codes.connect }), "close"]
      case "publish": {
        if (packet.packetId === undefined) return []
        const { publish: reasonCode = ReasonCode.success } = codes
        const answer = acknowledgement(packet.qos === 1 ? "puback" : "pubrec", packet.packetId, reasonCode)
        return [{ ...answer, properties }]
      }
      case "pubrel":
        return [acknowledgement("pubcomp", packet.packetId)]
      case "subscribe": {
        const reasonCodes = codes.subscribe ?? packet.requests.map(() => ReasonCode.grantedQos0)
        return [{ type: "suback", packetId: packet.packetId, reasonCodes, properties: {} }]
      }
      default:
        return []
    }
  }
}

const { notAuthorized, badUserNameOrPassword, grantedQos0 } = ReasonCode

describeWith(
  "mosquitto-clients",
  mosquittoClients(),
  "what a server refuses is told as Mosquitto's clients tell it",
  (folder) => {
    let programs: ClientPrograms
    beforeAll(async () => {
      programs = await ClientPrograms.link(folder)
    }, 60_000)
    afterAll(() => programs.remove())

    /** All three at servers of their own. */
    async function told(version: ProtocolVersion, script: Script, program: ClientProgram, line: string) {
      const run = async (path: readonly string[]): Promise<Said> => {
        using scripted = startScripted(version, script)
        return await programs.run([...path, ...scripted.flags, ...line.split(" ")])
      }
      const [theirs, linked, own] = await Promise.all([
        run(programs.theirs(program)),
        run(programs.linked(program)),
        run(programs.own(program)),
      ])
      return { theirs, linked, own }
    }

    const lines = [
      ["pub", "-t t -m x"],
      ["sub", "-t t -W 9"],
      ["rr", "-t t -e r -m x -W 9"],
    ] as const
    const connectCodes = [
      ...[1, 2, 3, 4, 5].map((code) => [4, code, code] as const),
      ...[128, 132, 133, 134, 135, 136, 137, 138, 140, 149, 151, 159].map((code) => [5, code, code] as const),
    ]
    const reasonOf: Readonly<Record<number, ReasonCode>> = {
      1: ReasonCode.unsupportedProtocolVersion,
      2: ReasonCode.clientIdentifierNotValid,
      3: ReasonCode.serverUnavailable,
      4: badUserNameOrPassword,
      5: notAuthorized,
    }

    describe("a refused connection", () => {
      test.each(connectCodes)(
        "version %d, code %d: exit code %d, in the same words",
        async (version, code, exitCode) => {
          for (const [program, line] of lines) {
            const script = server({ connect: reasonOf[code] ?? (code as ReasonCode) })
            const { theirs, linked, own } = await told(version, script, program, line)
            expect({ program, exitCode: linked.exitCode, out: linked.out }).toEqual({
              program,
              exitCode,
              out: "",
            })
            expect(theirs).toMatchObject({ exitCode, out: "" })
            expect(linked.error).toMatch(/^Connection error: .*\n$/)
            // Behind it theirs adds advice, and pub a second line. What rr says of version 4 is of version 5.
            if (version === 5 || program !== "rr") expect(theirs.error).toStartWith(linked.error.trimEnd())
            expect(own.exitCode).toBe(theirs.exitCode)
            expect(own.error).toStartWith("bantam: the server refused the connection: ")
          }
        },
      )
    })

    describe("a refused message", () => {
      test.each(["1", "2"])("at QoS %s is a success by their name, and none by ours", async (qos) => {
        const script = server({ publish: notAuthorized })
        const { theirs, linked, own } = await told(5, script, "pub", `-t t -m x -q ${qos}`)
        expect(linked).toEqual(theirs)
        expect(theirs).toEqual({
          exitCode: 0,
          out: "",
          error: "Warning: Publish 1 failed: Not authorized.\n",
        })
        expect(own).toEqual({
          exitCode: 135,
          out: "",
          error: "bantam: publish to t refused: not authorized (135)\n",
        })
      })

      test("comes with what the server says of it", async () => {
        const script = server({ publish: ReasonCode.quotaExceeded, detail: "too much" })
        const { theirs, linked, own } = await told(5, script, "pub", "-t t -m x -q 1")
        expect(linked).toEqual(theirs)
        expect(theirs.error).toEndWith("\ntoo much\n")
        expect(own.error).toBe("bantam: publish to t refused: quota exceeded (151), too much\n")
      })

      test("each is counted", async () => {
        const script = server({ publish: notAuthorized })
        const { theirs, linked } = await told(5, script, "pub", "-t t -m x -q 1 --repeat 2")
        expect(linked).toEqual(theirs)
        expect(theirs.error).toContain("Warning: Publish 2 failed")
      })

      test("that is a request is waited for by their name, and not by ours", async () => {
        const script = server({ publish: notAuthorized })
        const { theirs, linked, own } = await told(5, script, "rr", "-t t -e r -m x -q 1 -W 1")
        expect(theirs).toEqual({ exitCode: 27, out: "", error: "Timed out\n" })
        expect(linked).toMatchObject({ exitCode: 27, out: "" })
        expect(linked.error).toEndWith("Timed out\n")
        expect(own.exitCode).toBe(135)
      })
    })

    describe("a refused subscription", () => {
      test.each([4, 5] as const)(
        "of version %d is no failure by their name, and one by ours",
        async (version) => {
          const script = server({ subscribe: [notAuthorized, notAuthorized] })
          const { theirs, linked, own } = await told(version, script, "sub", "-t a -t b -W 9")
          expect(linked).toEqual(theirs)
          expect(theirs).toEqual({ exitCode: 0, out: "", error: "All subscription requests were denied.\n" })
          expect(own.exitCode).toBe(version === 5 ? 135 : 128)
        },
      )

      test("among others is not told of by their name, and by ours it is", async () => {
        const script = server({ subscribe: [grantedQos0, notAuthorized] })
        const { theirs, linked, own } = await told(5, script, "sub", "-t a -t b -E")
        expect(linked).toEqual(theirs)
        expect(theirs).toEqual({ exitCode: 0, out: "", error: "" })
        expect(own).toEqual({
          exitCode: 0,
          out: "",
          error: "bantam: subscription to b denied: not authorized\n",
        })
      })

      test("for a response is told of", async () => {
        const script = server({ subscribe: [notAuthorized] })
        const { theirs, linked, own } = await told(5, script, "rr", "-t t -e r -m x -W 9")
        expect(linked).toEqual(theirs)
        expect(theirs).toEqual({ exitCode: 0, out: "", error: "Not authorized\n" })
        expect(own).toMatchObject({
          exitCode: 135,
          error: "bantam: subscription to r denied: not authorized (135)\n",
        })
      })
    })

    test("a subscriber comes back by itself by their name, and by ours it says that the connection was lost", async () => {
      const run = async (path: readonly string[]) => {
        let connections = 0
        using scripted = startScripted(4, (packet) => {
          if (packet.type === "connect") connections += 1
          if (packet.type !== "subscribe") return server({})(packet)
          return connections === 1
            ? ["close"]
            : [...server({})(packet), publish({ payload: bytesOf("again") })]
        })
        return { ...(await programs.run([...path, ...scripted.flags, "-t", "#", "-C", "1"])), connections }
      }
      const [theirs, linked, own] = await Promise.all([
        run(programs.theirs("sub")),
        run(programs.linked("sub")),
        run(programs.own("sub")),
      ])
      expect(linked).toEqual(theirs)
      expect(theirs).toEqual({ exitCode: 0, out: "again\n", error: "", connections: 2 })
      expect(own).toEqual({
        exitCode: 7,
        out: "",
        error: "bantam: the connection was lost\n",
        connections: 1,
      })
    })
  },
)
