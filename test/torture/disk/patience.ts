/** Longer than any healthy broker needs, on whatever machine. */
const patienceMs = 30_000

/** @throws Error when it does not come about in time */
export async function within<Result>(waited: Promise<Result>, forWhat: string): Promise<Result> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`waited in vain for ${forWhat}`)), patienceMs)
  try {
    return await Promise.race([waited, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
