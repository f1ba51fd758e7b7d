import { readFileSync, writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { tried } from "../recorded-trial.ts"
import { corpusLine } from "./corpus.ts"
import { DecoderFuzz } from "./fuzz-decoders.ts"

/*
 * Fuzzes the decoders and writes what did something new into corpus/found.hex, for all fuzzers to begin with:
 * `bun run test/torture/protocol/keep-found.ts --inputs 500000 --seed 7 --most 100`.
 */

/** Longer ones say no more, and are slower to mutate. */
const longestBytes = 160

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "500000" },
    seed: { type: "string", default: "1" },
    most: { type: "string", default: "100" },
  },
})

const file = new URL("corpus/found.hex", import.meta.url).pathname
const lines: string[] = []
const { wrong } = await tried(
  {
    name: "keep found",
    promise: "what does something new is kept",
    async run(trial) {
      const fuzz = new DecoderFuzz(trial)
      fuzz.tryOrigins()
      for (let input = 0; input < Number(values.inputs) && lines.length < Number(values.most); input++) {
        const found = fuzz.tryNext()
        if (found === undefined) continue
        const bytes = found.packets.reduce((sum, packet) => sum + packet.length, 0)
        if (bytes <= longestBytes) lines.push(corpusLine(`seed ${values.seed}, input ${input}`, found))
      }
    },
  },
  { effort: "long", seed: Number(values.seed), executable: "", tell: console.error },
)
if (wrong.length > 0) throw new Error(wrong.join("\n"))
writeFileSync(file, `${readFileSync(file, "utf8")}${lines.join("\n")}\n`)
console.error(`${lines.length} conversations written to ${file}`)
