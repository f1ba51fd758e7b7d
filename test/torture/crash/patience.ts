/** Longer than any healthy broker needs. */
const patienceMs = 30_000

/** @throws Error saying what was waited for in vain */
export async function patiently<Result>(waited: Promise<Result>, forWhat: string): Promise<Result> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`waited in vain for ${forWhat}`)), patienceMs)
  try {
    return await Promise.race([waited, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
