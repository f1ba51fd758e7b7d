import { unreachable } from "../../src/foundation/assert.ts"
import { harmless } from "../harmless.ts"
import { paint } from "../output.ts"
import { draw } from "./draw.ts"
import { type Key, press, type Wish } from "./keys.ts"
import { noPast, withReading } from "./past.ts"
import type { Source } from "./reading.ts"
import { Screen } from "./screen.ts"
import { firstView } from "./view.ts"

/** Shows the broker on the screen until somebody has seen enough. */
export async function watch(source: Source, intervalMs: number): Promise<void> {
  const left = Promise.withResolvers<void>()
  let reading = await source.read()
  let past = noPast
  let view = firstView
  const screen = new Screen(onKey, redraw)

  function redraw(): void {
    screen.show(draw({ reading, past, view, source: source.kind }, screen.size, paint))
  }

  function onKey(key: Key): void {
    const pressed = press(view, key, {
      reading,
      columns: screen.size.columns,
      kicks: source.kick !== undefined,
    })
    view = pressed.view
    fulfil(pressed.wish)
    redraw()
  }

  function fulfil(wish: Wish): void {
    switch (wish.for) {
      case "nothing":
        return
      case "leaving":
        return left.resolve()
      case "suspending":
        return screen.suspend()
      case "redrawing":
        return screen.forget()
      case "kicking":
        return void kick(wish.clientId)
      default:
        return unreachable(wish)
    }
  }

  async function kick(clientId: string): Promise<void> {
    const message = await (source.kick?.(clientId) ?? Promise.resolve()).then(
      () => `the connection of ${harmless(clientId)} is ended`,
      (error: unknown) => harmless(error instanceof Error ? error.message : String(error)),
    )
    view = { ...view, message }
    redraw()
  }

  let isReading = false
  const timer = setInterval(() => {
    // One that takes longer than an interval is not overtaken by the next.
    if (isReading) return
    isReading = true
    source
      .read()
      .then((next) => {
        past = withReading(past, next)
        if (!view.isPaused) reading = next
        redraw()
      }, left.reject)
      .finally(() => (isReading = false))
  }, intervalMs)
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => left.resolve())
  process.stdin.once("end", () => left.resolve())
  screen.open()
  redraw()
  try {
    await left.promise
  } finally {
    clearInterval(timer)
    screen.close()
  }
}
