/** Delays that all end together when the simulator closes. */
export interface Timers {
  /** Runs `action` after that long; a delay of zero runs it before returning. */
  after(millis: number, action: () => void): void
  /** Forgets everything still waiting. */
  clear(): void
}

export function createTimers(): Timers {
  const waiting = new Set<NodeJS.Timeout>()
  return {
    after(millis, action) {
      if (millis <= 0) {
        action()
        return
      }
      const timer = setTimeout(() => {
        waiting.delete(timer)
        action()
      }, millis)
      waiting.add(timer)
    },
    clear() {
      for (const timer of waiting) clearTimeout(timer)
      waiting.clear()
    },
  }
}
