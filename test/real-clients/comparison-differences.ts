import type { PublishRequest } from "../../src/client/sender.ts"
import type { Call, Seen } from "./comparison.ts"
import { pub, rr, sub, text } from "./comparison-words.ts"

/*
 * Where ours by the name of Mosquitto's client does something else on purpose. Whoever mends one of these, or makes a
 * new one, changes this table and docs/mosquitto-clients.md.
 */

export interface Difference {
  readonly call: Call
  readonly why: string
  readonly theirs: Seen
  readonly ours: Seen
}

const one = (layout: string, message: PublishRequest): Call => ({
  program: "sub",
  words: ["-V", "5", "-t", "T", "-C", "1", "-F", layout],
  retained: [message],
})

const published = "connect publish disconnect"
const answered = "connect subscribe publish disconnect"

export const differences: readonly Difference[] = [
  // What goes wrong in 2.0 and loses or invents something.
  {
    why: "with a width, %x prints half of the payload there; 2.1 prints all of it",
    call: one("%20x|", text("abcdef")),
    theirs: { exitCode: 0, out: "              616263|\n" },
    ours: { exitCode: 0, out: "        616263646566|\n" },
  },
  {
    why: "a width is the least one, says the manual; there it cuts the payload",
    call: one("%3p|", text("abcdef")),
    theirs: { exitCode: 0, out: "abc|\n" },
    ours: { exitCode: 0, out: "abcdef|\n" },
  },
  {
    why: "the flag 0 is not for %p, says the manual",
    call: one("%08p|", text("abcdef")),
    theirs: { exitCode: 0, out: "00abcdef|\n" },
    ours: { exitCode: 0, out: "  abcdef|\n" },
  },
  {
    why: "a response topic that is not there has a width like any other",
    call: one("%3R|", text("x")),
    theirs: { exitCode: 0, out: "|\n" },
    ours: { exitCode: 0, out: "   |\n" },
  },
  {
    why: "what is not there is blank, not 0",
    call: one("%03E|", text("x")),
    theirs: { exitCode: 0, out: "000|\n" },
    ours: { exitCode: 0, out: "   |\n" },
  },
  {
    why: "an expiry above 2,147,483,647 seconds is no negative one",
    call: one("%E", text("x", { properties: { messageExpiryInterval: 4_000_000_000 } })),
    theirs: { exitCode: 0, out: /^-29496\d+\n$/ },
    ours: { exitCode: 0, out: /^(?:4000000|3999999)\d+\n$/ },
  },
  {
    why: "widths count characters, not bytes",
    call: one("%4C|", text("x", { properties: { contentType: "é" } })),
    theirs: { exitCode: 0, out: "  \u00c3\u00a9|\n" },
    ours: { exitCode: 0, out: "   \u00c3\u00a9|\n" },
  },
  {
    why: "--random-filter 100 prints all messages; there it prints a tenth of them, and takes 1000 for all",
    call: sub("-t T -E --random-filter 1000"),
    theirs: { exitCode: 0 },
    ours: { exitCode: 1, error: /from 0\.1 to 100/ },
  },
  {
    why: "JSON is valid whatever the payload; there, bytes that are no UTF-8 come out as they are",
    call: sub("-t T -C 1 -F %j", { retained: [text(Uint8Array.of(0x61, 0xff))] }),
    theirs: { exitCode: 0, out: /"payload":"a\u00ff"\}\n$/ },
    ours: { exitCode: 0, out: /"payload":"a\u00ef\u00bf\u00bd"\}\n$/ },
  },
  {
    why: "a payload goes on behind a zero byte; there, its JSON ends",
    call: sub("-t T -C 1 -F %j", { retained: [text("a\0b")] }),
    theirs: { exitCode: 0, out: /"payload":"a"\}\n$/ },
    ours: { exitCode: 0, out: /"payload":"a\\u0000b"\}\n$/ },
  },
  {
    why: "numbers in %J stay as they were written; there, they are rounded to what a double holds",
    call: sub("-t T -C 1 -F %J", { retained: [text("[1.0,12345678901234567890]")] }),
    theirs: { exitCode: 0, out: /"payload":\[1,1\.2345678901234567e\+19\]\}\n$/ },
    ours: { exitCode: 0, out: /"payload":\[1\.0,12345678901234567890\]\}\n$/ },
  },
  {
    why: "of a message that is no JSON, %J prints nothing at all; there, the rest of the line",
    call: sub("-t T -C 1 -F <%J>", { retained: [text("{")] }),
    theirs: { exitCode: 0, out: "<>\n", error: "Error: Message payload is not valid JSON on topic T.\n" },
    ours: { exitCode: 0, out: "", error: "Error: Message payload is not valid JSON on topic T.\n" },
  },
  {
    why: "what rr reads from a file or from standard input is sent; 2.0 sends nothing in its place",
    call: rr("-t T -e T -s", { stdin: "question" }),
    theirs: { exitCode: 0, out: "" },
    ours: { exitCode: 0, out: "question\n" },
  },
  {
    why: "rr says goodbye; there, the connection just ends, and the server publishes the will",
    call: rr("-t T -e T -m x"),
    theirs: { exitCode: 0, out: "x\n", sent: "connect subscribe publish" },
    ours: { exitCode: 0, out: "x\n", sent: answered },
  },
  {
    why: "rr -R has retained messages not sent, as sub -R does and rr in 2.1",
    call: rr("-t T/a -e T/b -m x -R -W 1", { retained: [text("old", { topic: "T/b" })] }),
    theirs: { exitCode: 0, out: "old\n" },
    ours: { exitCode: 27, out: "" },
  },
  {
    why: "a message at QoS 2 is printed when it comes; there, when its handshake is over",
    call: sub("-t T -C 1 -q 2", { live: [text("x", { qos: 2 })] }),
    theirs: { exitCode: 0, out: "x\n", sent: "connect subscribe pubrec pubcomp disconnect" },
    ours: { exitCode: 0, out: "x\n", sent: "connect subscribe pubrec disconnect" },
  },
  {
    why: "an alias comes with its topic each time; both arrive alike",
    call: pub("-t T -m x -D publish topic-alias 1 --repeat 2"),
    theirs: { exitCode: 0, sent: "connect publish publish disconnect" },
    ours: { exitCode: 0, sent: "connect publish publish disconnect" },
  },

  // What 2.0 passes over in silence, and a script would never learn.
  {
    why: "a message with properties that its version cannot hold is refused; there, nothing is published",
    call: pub("-t T -m x -D publish content-type a -V 311"),
    theirs: { exitCode: 0, error: "", sent: "connect disconnect" },
    ours: { exitCode: 1, error: /needs MQTT 5/, sent: "" },
  },
  {
    why: "a value that is no number is refused; there, it is 0",
    call: pub("-t T -m x -D publish message-expiry-interval soon"),
    theirs: { exitCode: 0, sent: published },
    ours: { exitCode: 1, error: /whole number/, sent: "" },
  },
  {
    why: "a number with something behind it is none",
    call: pub("-t T -m x -q 1st"),
    theirs: { exitCode: 0 },
    ours: { exitCode: 1, error: /must be 0, 1 or 2/ },
  },
  {
    why: "a URL without a topic is refused; there, it is an error with exit code 0",
    call: pub("-L mqtt://127.0.0.1:PORT/ -m x", { elsewhere: true }),
    theirs: { exitCode: 0, error: /Invalid input/ },
    ours: { exitCode: 1, error: /must end with a slash and a topic/ },
  },
  {
    why: "-x makes it MQTT 5, as 2.1 has it; there, it is passed over",
    call: pub("-t T -m x -x 7"),
    theirs: { exitCode: 0, sent: published },
    ours: { exitCode: 0, sent: published },
  },
  {
    why: "an unknown time is refused; there, it is printed as it stands",
    call: sub("-t T -C 1 -F @q", { retained: [text("x")] }),
    theirs: { exitCode: 0, out: "%q\n" },
    ours: { exitCode: 1, error: /unknown time code @q/ },
  },

  // What ours takes and 2.0 does not: most of it is from 2.1.
  {
    why: "hexadecimal digits in groups, from 2.1",
    call: one("%.4:x", text("abcdef")),
    theirs: { exitCode: 1 },
    ours: { exitCode: 0, out: "6162:6364:6566\n" },
  },
  {
    why: "hexadecimal digits in groups, from 2.1; there, a precision of %x is passed over",
    call: one("%.2x", text("abc")),
    theirs: { exitCode: 0, out: "616263\n" },
    ours: { exitCode: 0, out: "61 62 63\n" },
  },
  {
    why: "floating point numbers, from 2.1",
    call: one("%.1f", text(new Uint8Array(new Float32Array([1.5]).buffer))),
    theirs: { exitCode: 1 },
    ours: { exitCode: 0, out: "1.5\n" },
  },
  {
    why: "-o, from 2.1",
    call: pub("-t T -m x -o EMPTY"),
    theirs: { exitCode: 1 },
    ours: { exitCode: 0, sent: published },
  },
  {
    why: "-D in an options file; there, its words are not told apart",
    call: pub("-t T -m x", { options: "-D publish content-type text of a kind\n" }),
    theirs: { exitCode: 1 },
    ours: { exitCode: 0, sent: published },
  },
  {
    why: "-U without -t, from 2.1",
    call: sub("-U T -E"),
    theirs: { exitCode: 1 },
    ours: { exitCode: 0, sent: "connect unsubscribe disconnect" },
  },
  {
    why: "--retain-handling, from 2.1",
    call: sub("-t T -E -V 5 --retain-handling new"),
    theirs: { exitCode: 1 },
    ours: { exitCode: 0, sent: "connect subscribe disconnect" },
  },
  {
    why: "no keep alive at all",
    call: pub("-t T -m x -k 0"),
    theirs: { exitCode: 1 },
    ours: { exitCode: 0, sent: published },
  },
  {
    why: "--latency of rr, from 2.1",
    call: rr("-t T -e T -m x --latency"),
    theirs: { exitCode: 1 },
    ours: { exitCode: 0, out: /^\d+\.\d{3} ms\nx\n$/ },
  },

  // Words.
  {
    why: "who forgets the topic gets one line; there, the whole help on standard output",
    call: pub("-m x"),
    theirs: { exitCode: 1, out: /Usage: mosquitto_pub/ },
    ours: {
      exitCode: 1,
      out: "",
      error: /^Error: no topic: add -t TOPIC\.\n\nUse 'mosquitto_pub --help' to see usage\.\n$/,
    },
  },
  {
    why: "a refused connection is told of once; there, by pub twice",
    call: pub("-t T -m x -u nobody"),
    theirs: { exitCode: 4, error: /^Connection error: .*\nError: The connection was refused\.\n$/ },
    ours: { exitCode: 4, error: /^Connection error: .*\n$/ },
  },
  {
    why: "-d shows no packet identifier where a message has none",
    call: pub("-t T -m x -d"),
    theirs: { exitCode: 0, out: /PUBLISH \(d0, q0, r0, m1, 'T'/ },
    ours: { exitCode: 0, out: /PUBLISH \(d0, q0, r0, m0, 'T'/ },
  },
  {
    why: "the version is ours",
    call: pub("--version", { elsewhere: true }),
    theirs: { exitCode: 1, out: /^mosquitto_pub version 2/ },
    ours: { exitCode: 1, out: /^mosquitto_pub of bantam \d/ },
  },
  {
    why: "the help is ours",
    call: pub("--help", { elsewhere: true }),
    theirs: { exitCode: 1, out: /^mosquitto_pub is a simple mqtt client/ },
    ours: { exitCode: 1, out: /^Usage: mosquitto_pub / },
  },
  {
    why: "a pre-shared key is not possible here: Bun has none",
    call: pub("-h 127.0.0.1 -p 1 -t T/x -m x --psk 00 --psk-identity me", { elsewhere: true }),
    theirs: { exitCode: 1, error: "Error: Connection refused\n" },
    ours: { exitCode: 1, error: /not possible here; use a certificate/ },
  },
]
