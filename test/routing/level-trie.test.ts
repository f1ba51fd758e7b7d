import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { Fork, LevelTrie } from "../../src/routing/level-trie.ts"

interface Leaf {
  readonly text: string
  readonly number: number
}

const text = fc
  .array(fc.constantFrom("a", "b", "ab", "", "ä"), { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join("/"))
const does = fc.constantFrom("put" as const, "putFirst" as const, "remove" as const)
const changes = fc.array(fc.record({ text, number: fc.nat(), does }), { maxLength: 60 })

function forks(fork: Fork<Leaf>): number {
  return [...fork.ways.values()].reduce((sum, way) => sum + (way instanceof Fork ? 1 + forks(way) : 0), 0)
}

describe("the level trie", () => {
  test("is a map of texts, and keeps no forks when all is removed", () => {
    fc.assert(
      fc.property(changes, text, (sequence, other) => {
        const trie = new LevelTrie<Leaf>((leaf) => leaf.text)
        const model = new Map<string, Leaf>()
        for (const change of sequence) {
          const known = model.get(change.text)
          const found =
            change.does === "remove" ? trie.remove(change.text) : trie[change.does](change.text, change)
          expect(found).toBe(known as Leaf)
          if (change.does === "remove") model.delete(change.text)
          else if (change.does === "put" || known === undefined) model.set(change.text, change)
        }
        for (const each of [...sequence.map((change) => change.text), other]) {
          expect(trie.get(each)).toBe(model.get(each) as Leaf)
        }
        for (const each of model.keys()) trie.remove(each)
        expect(trie.root.ways.size).toBe(0)
      }),
      { numRuns: 1_000 },
    )
  })

  test("makes no fork for levels in which nothing parts", () => {
    const trie = new LevelTrie<Leaf>((leaf) => leaf.text)
    for (let number = 0; number < 100; number++)
      trie.put(`site/${number}/state/door`, { text: `site/${number}/state/door`, number })
    expect(forks(trie.root)).toBe(1)
  })
})
