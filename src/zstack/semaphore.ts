/** Runs at most `max` at once; the others wait in the order in which they came. */
export type Semaphore = <T>(run: () => Promise<T>) => Promise<T>

export function createSemaphore(max: number): Semaphore {
  let running = 0
  const waiting: (() => void)[] = []
  return async (run) => {
    // Whoever finishes hands its place to the first that waits, so that one that comes in between cannot take it.
    if (running < max) running++
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await run()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
