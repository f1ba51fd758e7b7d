/** @throws Error of what was waited for, when it does not come in time */
export async function patiently<Result>(
  waited: Promise<Result>,
  patienceMs: number,
  forWhat: () => string,
): Promise<Result> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(forWhat())), patienceMs)
  try {
    return await Promise.race([waited, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
