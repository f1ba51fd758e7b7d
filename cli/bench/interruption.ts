/** The first Ctrl-C, or the service manager's wish: a run is to end early. A second one ends the process. */
export function interruption(): Promise<"interrupted"> {
  const { promise, resolve } = Promise.withResolvers<"interrupted">()
  let isAsked = false
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (isAsked) process.exit(130)
      isAsked = true
      resolve("interrupted")
    })
  }
  return promise
}
