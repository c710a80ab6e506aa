import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSemaphore } from '../../src/zstack/semaphore.ts'
import { held } from '../support/scripted-http.ts'

describe('limit', () => {
  it('never runs more at once than it may, and runs all, whatever order they end in', () =>
    fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 30 }),
        async (scheduler, most, count) => {
          const limit = createSemaphore(most)
          let running = 0
          let widest = 0
          const all = Array.from({ length: count }, (_, i) =>
            limit(async () => {
              widest = Math.max(widest, ++running)
              await scheduler.schedule(Promise.resolve(), String(i))
              running--
              return i
            }),
          )
          expect(await scheduler.waitFor(Promise.all(all))).toEqual(all.map((_, i) => i))
          expect(widest).toBe(Math.min(most, count))
        },
      ),
      { numRuns: 100, seed: 20261123 },
    ))

  it('starts those that wait in the order they came, before any that come later', async () => {
    const limit = createSemaphore(1)
    const started: string[] = []
    const first = held<unknown>()
    const all = [limit(() => first.promise)]
    const start = (name: string) =>
      all.push(
        limit(() => {
          started.push(name)
          // Comes while the others wait and a place is just being freed.
          if (name === 'b') start('late')
          return Promise.resolve()
        }),
      )
    start('b')
    start('c')
    first.release(undefined)
    await expect.poll(() => started).toEqual(['b', 'c', 'late'])
    await Promise.all(all)
  })

  it('gives the place of one that failed to the next', async () => {
    const limit = createSemaphore(1)
    await expect(limit(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(await limit(() => Promise.resolve('next'))).toBe('next')
  })
})
