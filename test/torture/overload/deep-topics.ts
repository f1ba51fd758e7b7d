import type { Torture, Trial } from "../torture.ts"
import { floodTorture } from "./flood.ts"
import type { WatchBounds } from "./watch.ts"

const mebibyte = 1024 * 1024
const bounds: WatchBounds = { roundTripMs: 100, growthBytes: 200 * mebibyte, keptBytes: 120 * mebibyte }

const atEachDoor = floodTorture({
  name: "overload deep topics",
  promise: "",
  load: "deep-topics-load.ts",
  settings: () => [],
  bounds: () => bounds,
  seen: {
    counts: ["clients/protocol-errors", "subscriptions/refused/filter"],
    lines: ["subscriptions refused", "protocol error"],
  },
})

const withinLimits = floodTorture({
  name: "overload deep topics",
  promise: "",
  load: "deepest-topics-load.ts",
  settings: () => ["limits.topic_levels=65536", "limits.subscriptions_per_client=100000"],
  bounds: () => ({ ...bounds, growthBytes: 600 * mebibyte, keptBytes: 300 * mebibyte }),
  seen: { counts: [], lines: [] },
})

/** The same trial; what is stated to it has a word in front, so that it stands beside what another flood states. */
function inCase(which: string, trial: Trial): Trial {
  const { effort, seed, executable } = trial
  const named = (name: string) => `${which}: ${name}`
  return {
    effort,
    seed,
    executable,
    tell: (line) => trial.tell(line),
    figure: (name, value) => trial.figure(named(name), value),
    count: (name, more) => trial.count(named(name), more),
    bounded: (name, value, most) => trial.bounded(named(name), value, most),
    timed: (name, value, most) => trial.timed(named(name), value, most),
    atLeast: (name, value, least) => trial.atLeast(named(name), value, least),
    skipped: (why) => trial.skipped(named(why)),
    wrong: (what) => trial.wrong(named(what)),
  }
}

/** A rule about a topic that nobody can use. */
async function refuseDeepRule(trial: Trial): Promise<void> {
  const deep = `${"a/".repeat(200)}a`
  const directory = "/nonexistent"
  const asking = Bun.spawn({
    cmd: [trial.executable, "acl", "allow", "everyone", "publish", deep, "--data", directory],
    stdout: "ignore",
    stderr: "pipe",
  })
  const [said, code] = await Promise.all([asking.stderr.text(), asking.exited])
  if (code === 0 || !said.includes("which is no topic filter"))
    trial.wrong(`a rule of 201 levels: ${code}, ${said}`)
}

export const overloadDeepTopics: Torture = {
  name: "overload deep topics",
  promise:
    "topics of sixty thousand levels are refused at every door, and where they are allowed nothing overflows",
  async run(trial) {
    await refuseDeepRule(trial)
    await atEachDoor.run(trial)
    await withinLimits.run(inCase("where allowed", trial))
  },
}
