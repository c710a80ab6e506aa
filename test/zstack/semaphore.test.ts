import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSemaphore } from '../../src/zstack/semaphore.ts'
import { held } from '../support/scripted-http.ts'

describe('a semaphore', () => {
  it('never runs more at once than it may, and runs all, whatever order they end in', () =>
    fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 30 }),
        async (scheduler, max, count) => {
          const semaphore = createSemaphore(max)
          let running = 0
          let widest = 0
          const all = Array.from({ length: count }, (_, i) =>
            semaphore(async () => {
              widest = Math.max(widest, ++running)
              await scheduler.schedule(Promise.resolve(), String(i))
              running--
              return i
            }),
          )
          expect(await scheduler.waitFor(Promise.all(all))).toEqual(all.map((_, i) => i))
          expect(widest).toBe(Math.min(max, count))
        },
      ),
      { numRuns: 100, seed: 20261123 },
    ))

  it('starts those that wait in the order they came, before any that come later', async () => {
    const semaphore = createSemaphore(1)
    const started: string[] = []
    const first = held<unknown>()
    const all = [semaphore(() => first.promise)]
    const start = (name: string) =>
      all.push(
        semaphore(() => {
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
    const semaphore = createSemaphore(1)
    await expect(semaphore(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(await semaphore(() => Promise.resolve('next'))).toBe('next')
  })
})
