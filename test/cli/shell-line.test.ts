import { describe, expect, test } from "bun:test"
import { parseCommand } from "../../cli/shell/command.ts"
import { completionOf } from "../../cli/shell/completion.ts"
import { typedWord, wordsOf } from "../../cli/shell/words.ts"

describe("A line of the shell is taken apart as a shell does", () => {
  test.each([
    ["", []],
    ["  pub  a   b ", ["pub", "a", "b"]],
    [`pub a '{"on": true}'`, ["pub", "a", '{"on": true}']],
    [`"a \\" b" 'c \\ d' e\\ f`, ['a " b', "c \\ d", "e f"]],
    [`a'b'"c"d`, ["abcd"]],
    [String.raw`'\\ \"' "\\ \' "`, [String.raw`\\ \"`, String.raw`\ \' `]],
    [`pub a ''`, ["pub", "a", ""]],
    ["a\\", ["a\\"]],
  ])("%j: %j", (line, words) => {
    expect(wordsOf(line)).toEqual(words)
  })

  test("an open quote is no word", () => {
    expect(() => wordsOf(`pub a "b`)).toThrow('a " is not closed')
  })

  test("a word as it is typed is read back as it was", () => {
    for (const word of ["a/b", "a b", `it's`, `"x"`, "a\\b", "", "'\"' \\"]) {
      expect(wordsOf(typedWord(word))).toEqual([word])
      expect(wordsOf(typedWord(word, '"'))).toEqual([word])
      expect(wordsOf(typedWord(word, "'"))).toEqual([word])
    }
  })
})

describe("A line of the shell becomes a command", () => {
  test.each([
    ["", undefined],
    ["  # a remark", undefined],
    ["sub #", { word: "sub", filter: "#", qos: undefined }],
    ["sub -q 1 a/+", { word: "sub", filter: "a/+", qos: 1 }],
    ["sub $share/g/a -q2", { word: "sub", filter: "$share/g/a", qos: 2 }],
    ["pub a -5", { word: "pub", topic: "a", payload: "-5", qos: undefined, retain: false }],
    ["pub -r a b -q 1", { word: "pub", topic: "a", payload: "b", qos: 1, retain: true }],
    ["pub a -- -r", { word: "pub", topic: "a", payload: "-r", qos: undefined, retain: false }],
    ["retain a b", { word: "pub", topic: "a", payload: "b", qos: undefined, retain: true }],
    ["clear a", { word: "pub", topic: "a", payload: "", qos: undefined, retain: true }],
    ["topics", { word: "topics", filter: undefined }],
    ["wait", { word: "wait", messages: 1, withinMs: 30_000 }],
    ["wait 3", { word: "wait", messages: 3, withinMs: 30_000 }],
    ["wait 3 5s", { word: "wait", messages: 3, withinMs: 5_000 }],
    ["wait 500ms", { word: "wait", messages: 0, withinMs: 500 }],
    ["set", { word: "set", change: undefined }],
    ["set format %t %p", { word: "set", change: { format: "%t %p" } }],
    ["set messages hidden", { word: "set", change: { messages: "hidden" } }],
    ["set qos 2", { word: "set", change: { qos: 2 } }],
    ["help pub", { word: "help", about: "pub" }],
    ["quit", { word: "quit" }],
  ])("%j", (line, command) => {
    expect(parseCommand(line)).toEqual(command as ReturnType<typeof parseCommand>)
  })

  test.each([
    ["pbu a b", "there is no pbu; did you mean pub?"],
    ["frobnicate", "there is no frobnicate; help lists the words"],
    ["pub a", "it is pub TOPIC PAYLOAD [-q 0|1|2] [-r]"],
    ["pub a b c", "it is pub TOPIC PAYLOAD [-q 0|1|2] [-r]; what has blanks in it stands in quotes"],
    ["pub a/# b", "a/#: a topic is not empty and holds neither + nor #"],
    ["sub a#", "a#: in a topic filter + fills a whole level, and # the last one"],
    ["sub a -q 3", "the quality of service is 0, 1 or 2"],
    ["wait soon", "soon is neither a number of messages nor a time such as 5s"],
    ["quit now", "it is quit"],
    ["set fromat json", "there is no setting fromat; did you mean format?"],
    ["set format xml", "format must be human, plain, json, or as sub -F has it, such as '%t %p'"],
    ["set format %z", "format %z: unknown field %z at character 1"],
    ["set messages on", "messages must be shown or hidden"],
  ])("%j is answered with what it should be", (line, sentence) => {
    expect(() => parseCommand(line)).toThrow(new Error(sentence))
  })
})

describe("Tab completes", () => {
  const known = {
    topics: () => [
      "home/kitchen/temperature",
      "home/kitchen/humidity",
      "home/hall",
      "home/living room/lamp",
      "hello",
      "evil/\u001b[2J",
    ],
    subscriptions: () => ["home/#", "$share/g/x"],
  }
  const completed = (line: string) => completionOf(line, known)

  test.each([
    [
      "",
      [
        "clear ",
        "help ",
        "last ",
        "pub ",
        "quit ",
        "retain ",
        "set ",
        "status ",
        "sub ",
        "subs ",
        "topics ",
        "unsub ",
        "wait ",
      ],
    ],
    ["su", ["sub ", "subs "]],
    ["pub h", ["hello ", "home/"]],
    ["pub home/", ["home/hall ", "home/kitchen/", "'home/living room/"]],
    ["pub home/kitchen/t", ["home/kitchen/temperature "]],
    ["sub 'home/l", ["'home/living room/"]],
    ["sub 'home/living room/", ["'home/living room/lamp' "]],
    ['last "home/ha', ['"home/hall" ']],
    ["unsub ", ["$share/g/x ", "home/# "]],
    ["pub hello -", ["-q ", "-r "]],
    ["sub hello -", ["-q "]],
    ["help un", ["unsub "]],
    ["set ", ["format ", "messages ", "qos "]],
    ["set messages h", ["hidden "]],
    // A payload, and words that there are not.
    ["pub hello w", []],
    ["fly to", []],
    // Nobody can type it, and shown it would be obeyed.
    ["pub evil", []],
  ])("%j: %j", (line, candidates) => {
    expect(completed(line)[0]).toEqual(candidates)
  })

  test("in place of what has been typed of the word, its quote included", () => {
    expect(completed("pub home/l")[1]).toBe("home/l")
    expect(completed(`pub "home/l`)[1]).toBe(`"home/l`)
    expect(completed("pub ")[1]).toBe("")
  })
})
