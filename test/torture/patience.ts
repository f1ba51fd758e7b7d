/** Longer than any healthy broker needs, on whatever machine. */
const usualMs = 30_000

/** @throws Error saying what was waited for in vain */
export async function patiently<Result>(
  waited: Promise<Result>,
  forWhat: string | (() => string),
  patienceMs = usualMs,
): Promise<Result> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const what = typeof forWhat === "string" ? forWhat : forWhat()
    late.reject(new Error(`waited in vain for ${what}`))
  }, patienceMs)
  try {
    return await Promise.race([waited, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
