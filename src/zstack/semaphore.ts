/** Lets so many run at once; the others wait in the order they came. */
export type Semaphore = <T>(run: () => Promise<T>) => Promise<T>

export function createSemaphore(max: number): Semaphore {
  let running = 0
  const waiting: (() => void)[] = []
  return async (run) => {
    // A freed place is handed over, not given up: nobody who comes later can take it in between.
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
