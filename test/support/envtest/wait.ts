import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks until the answer is something other than undefined. Rejects with what was waited for when the limit (in ms) is
 * over; a rejection of `ask` ends the wait.
 */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  { every = 50, limit = 30_000 }: { every?: number; limit?: number } = {},
): Promise<T> {
  const deadline = performance.now() + limit
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(`waited ${limit / 1000} s for ${what}`)
    await sleep(every)
  }
}
