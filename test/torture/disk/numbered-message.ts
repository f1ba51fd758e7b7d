/*
 * Messages that show whether they are whole: topic and number, and behind them bytes that follow from both.
 */

/** @param fillBytes how long the rest is */
export function numberedMessage(topic: string, number: number, fillBytes: number): Buffer {
  const name = `${topic} ${number}`
  const fill = Buffer.alloc(fillBytes, `${Bun.hash.crc32(name)} `)
  return Buffer.concat([Buffer.from(`${name} ${fillBytes}\n`), fill])
}

/** Its topic and number. */
export function nameOf(payload: Uint8Array): string {
  const [topic = "", number = ""] = firstLine(payload).split(" ")
  return `${topic} ${number}`
}

export function topicOf(name: string): string {
  return name.split(" ")[0] ?? ""
}

export function numberOf(name: string): number {
  return Number(name.split(" ")[1])
}

/** Whether it is a message of ours for this topic, to the last byte. */
export function isWhole(topic: string, payload: Uint8Array): boolean {
  const [named = "", number, fillBytes] = firstLine(payload).split(" ")
  return named === topic && numberedMessage(topic, Number(number), Number(fillBytes)).equals(payload)
}

function firstLine(payload: Uint8Array): string {
  const end = payload.indexOf(10)
  return Buffer.from(payload.subarray(0, end === -1 ? payload.length : Math.min(end, 200))).toString()
}
