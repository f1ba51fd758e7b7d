import { describe, expect, test } from "bun:test"
import { chooseRows, parseOptions } from "../../bench/options.ts"
import { templatePeer } from "../../bench/peers/template.ts"
import { plainBroker } from "../../bench/scenario-kinds.ts"

const place = { directory: "/nonexistent", certFile: "cert.pem", keyFile: "key.pem" }

describe("the words on the command line", () => {
  test("a comparison has five rounds unless told, for three say little", () => {
    expect(parseOptions([]).rounds).toBe(3)
    expect(parseOptions(["--compare", "bantam"]).rounds).toBe(5)
    expect(parseOptions(["--compare", "bantam", "--rounds", "9"]).rounds).toBe(9)
  })

  test("a number that is none is refused", () => {
    expect(() => parseOptions(["--rounds", "many"])).toThrow("--rounds takes a number above 0, not many")
    expect(() => parseOptions(["--rounds", "0"])).toThrow("--rounds")
  })

  test("a whole name stands for itself alone, a part of names for all of them", () => {
    const rows = ["durable", "durable-2", "pairs-0", "pairs-1"]
    expect([...chooseRows(rows, ["durable"])]).toEqual(["durable"])
    expect([...chooseRows(rows, ["pairs", "durable-2"])]).toEqual(["pairs-0", "pairs-1", "durable-2"])
    expect([...chooseRows(rows, [])]).toEqual(rows)
    expect(() => chooseRows(rows, ["nothing"])).toThrow("no row is called nothing")
  })
})

describe("a peer from the command line", () => {
  test("is a name and a command with a port", () => {
    expect(() => templatePeer("flashmq")).toThrow("a peer is NAME=COMMAND, not flashmq")
    expect(() => templatePeer("flashmq=/usr/bin/flashmq")).toThrow("the command of flashmq needs a {port}")
  })

  test("fails where it is asked for what its command has no word for", async () => {
    const start = templatePeer("x=/bin/false {port}").start({ ...plainBroker, tls: true }, place)
    await expect(start).rejects.toThrow("its command names no {tlsPort}")
    const unknown = templatePeer("x=/bin/false {port} {secret}").start(plainBroker, place)
    await expect(unknown).rejects.toThrow("nobody knows what {secret} is")
  })

  test("that ends before its port accepts has failed, with what it said last", async () => {
    const start = templatePeer("x=/bin/cat {directory}/{port}").start(plainBroker, place)
    await expect(start).rejects.toThrow(/^the broker ended with exit code 1: .*cat: \/nonexistent/)
  })
})
