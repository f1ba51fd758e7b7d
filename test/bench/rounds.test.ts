import { describe, expect, test } from "bun:test"
import { runRounds, type Step, type Watcher } from "../../bench/rounds.ts"
import { peerOf, reportOf, someWork } from "./run-examples.ts"

const unwatched: Watcher = { begins() {}, finished() {} }

describe("the rounds of a run", () => {
  test("peers take turns, and another one begins each round", async () => {
    const order: string[] = []
    const peers = ["a", "b", "c"].map(peerOf)
    const plan = { scenarios: [["work", someWork]] as const, peers, rounds: 3 }
    await runRounds(plan, async (_, __, { name }) => (order.push(name), reportOf()), unwatched)
    expect(order.join("")).toBe("abcbcacab")
  })

  test("a peer that fails is left out for the rest of the row, and the others go on", async () => {
    const peers = ["good", "bad"].map(peerOf)
    const plan = {
      scenarios: [["first", someWork] as const, ["second", someWork] as const],
      peers,
      rounds: 2,
    }
    const asked: string[] = []
    const rows = await runRounds(
      plan,
      async (scenario, _, { name }) => {
        asked.push(`${scenario} ${name}`)
        if (name === "bad" && scenario === "first") throw new Error("the broker ended\nwith many words")
        return reportOf()
      },
      unwatched,
    )
    expect(asked.filter((each) => each === "first bad")).toHaveLength(1)
    expect(rows[0]?.results["bad"]).toMatchObject({ failure: "the broker ended", reports: [] })
    expect(rows[0]?.results["good"]?.reports).toHaveLength(2)
    expect(rows[1]?.results["bad"]?.reports).toHaveLength(2)
  })

  test("a row that a peer cannot take part in has no result of it, and is not counted for it", async () => {
    const steps: Step[] = []
    const scenarios = [["all", someWork] as const, ["some", { ...someWork, peers: ["a"] }] as const]
    const watcher: Watcher = { begins: (step) => steps.push(step), finished() {} }
    const rows = await runRounds(
      { scenarios, peers: [peerOf("a"), peerOf("b")], rounds: 1 },
      async () => reportOf(),
      watcher,
    )
    expect(Object.keys(rows[1]?.results ?? {})).toEqual(["a"])
    expect(steps.map(({ done, total }) => `${done}/${total}`)).toEqual(["0/3", "1/3", "2/3"])
  })
})
