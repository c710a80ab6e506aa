import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyTurn, type Priority } from '../src/priority.ts'
import { createSemaphore } from '../src/semaphore.ts'
import { createManualClock, type ManualClock } from './support/clock.ts'
import { held } from './support/scripted-http.ts'

const semaphoreOf = (slots: number, clock: ManualClock) => createSemaphore({ slots, apart: 4 * slots }, clock)

describe('a semaphore', () => {
  it('never runs more at once than it may, and runs all, whatever order they end in', () =>
    fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 30 }),
        async (scheduler, max, count) => {
          const semaphore = semaphoreOf(max, createManualClock())
          let running = 0
          let widest = 0
          const all = Array.from({ length: count }, (_, i) =>
            semaphore(async () => {
              widest = Math.max(widest, ++running)
              await scheduler.schedule(Promise.resolve(), String(i))
              running--
              return i
            }, anyTurn),
          )
          expect(await scheduler.waitFor(Promise.all(all))).toEqual(all.map((_, i) => i))
          expect(widest).toBe(Math.min(max, count))
        },
      ),
      { numRuns: 100, seed: 20261123 },
    ))

  it('starts those that wait in the order they came, before any that come later', async () => {
    const semaphore = semaphoreOf(1, createManualClock())
    const started: string[] = []
    const first = held<unknown>()
    const all = [semaphore(() => first.promise, anyTurn)]
    const start = (name: string) =>
      all.push(
        semaphore(() => {
          started.push(name)
          // Comes while the others wait and a place is just being freed.
          if (name === 'b') start('late')
          return Promise.resolve()
        }, anyTurn),
      )
    start('b')
    start('c')
    first.release(undefined)
    await expect.poll(() => started).toEqual(['b', 'c', 'late'])
    await Promise.all(all)
  })

  it('gives the place of one that failed to the next', async () => {
    const semaphore = semaphoreOf(1, createManualClock())
    await expect(semaphore(() => Promise.reject(new Error('broken')), anyTurn)).rejects.toThrow('broken')
    expect(await semaphore(() => Promise.resolve('next'), anyTurn)).toBe('next')
  })

  /** Starts runs that hang; returns which have begun. */
  function hanging(max: number) {
    const clock = createManualClock()
    const semaphore = semaphoreOf(max, clock)
    const begun: string[] = []
    const ends = new Map<string, (value: unknown) => void>()
    const start = (name: string, priority: Priority = 'change', flow = '') => {
      const { promise, release } = held<unknown>()
      ends.set(name, release)
      void semaphore(
        () => {
          begun.push(name)
          return promise
        },
        { priority, flow },
      )
    }
    return { clock, begun, start, end: (name: string) => ends.get(name)?.(undefined) }
  }

  it('takes its place back from one that hangs, after three quarters of a second, and it goes on apart', async () => {
    const { clock, begun, start } = hanging(1)
    start('a')
    start('b')
    await clock.advance(749)
    expect(begun).toEqual(['a'])
    await clock.advance(1)
    expect(begun).toEqual(['a', 'b'])
  })

  it('runs one of a person at once while forty hang that were tried before', async () => {
    const { clock, begun, start } = hanging(16)
    for (let i = 0; i < 40; i++) start(`retry ${i}`, 'retry')
    await clock.advance(30_000)
    start('edit')
    await clock.advance(0)
    expect(begun).toContain('edit')
  })

  it('runs what a poll turned up at once while a hundred retries and edits of another flow hang', async () => {
    const { clock, begun, start } = hanging(16)
    for (let i = 0; i < 100; i++) start(`retry ${i}`, 'retry', 'black')
    for (let i = 0; i < 100; i++) start(`edit ${i}`, 'change', 'black')
    await clock.advance(30_000)
    start('drift', 'poll', 'red')
    start('edit', 'change', 'red')
    await clock.advance(0)
    expect(begun).toEqual(expect.arrayContaining(['drift', 'edit']))
  })

  it('leaves room for the edit of one flow where two hundred of another hang', async () => {
    const { clock, begun, start } = hanging(16)
    for (let i = 0; i < 200; i++) start(`edit ${i}`, 'change', 'black')
    await clock.advance(10_000)
    start('other', 'change', 'red')
    await clock.advance(0)
    expect(begun).toContain('other')
  })

  it.each<[string, number, number, Priority]>([
    ['edit', 16, 5, 'change'],
    ['edit', 3, 2, 'change'],
    ['drift', 16, 3, 'poll'],
    ['retry', 16, 3, 'retry'],
  ])(
    'leaves room for the %s of one flow, of %i places, where two hundred of each of %i others hang',
    async (...row) => {
      const [, max, flows, priority] = row
      const { clock, begun, start } = hanging(max)
      for (let i = 0; i < 200; i++)
        for (let flow = 0; flow < flows; flow++) start(`${flow} ${i}`, priority, `black ${flow}`)
      await clock.advance(60_000)
      start('other', priority, 'red')
      await clock.advance(0)
      expect(begun).toContain('other')
    },
  )

  it('runs the edit of a flow in which forty hang already', async () => {
    const { clock, begun, start } = hanging(12)
    for (let i = 0; i < 40; i++) start(`edit ${i}`, 'change', 'black')
    await clock.advance(4_000)
    start('another', 'change', 'black')
    await clock.advance(0)
    expect(begun).toContain('another')
  })

  it('gives each flow a turn, so that one of another does not wait for forty that came at once', async () => {
    const { clock, begun, start } = hanging(16)
    for (let i = 0; i < 40; i++) start(`edit ${i}`, 'change', 'black')
    start('other', 'change', 'red')
    await clock.advance(749)
    expect(begun).not.toContain('other')
    await clock.advance(1)
    expect(begun).toContain('other')
  })

  it('gives every fourth turn to what waits behind changes, however many of those there are', async () => {
    const { clock, begun, start, end } = hanging(2)
    for (let i = 0; i < 20; i++) start(`edit ${i}`)
    start('drift', 'poll')
    for (let i = 0; i < 4; i++) {
      end(`edit ${i}`)
      await clock.advance(0)
    }
    expect(begun).toContain('drift')
  })

  it('gives at most half of its places to polls, and those behind the rest', async () => {
    const { clock, begun, start, end } = hanging(4)
    for (const name of ['a', 'b', 'c']) start(name, 'poll', name)
    for (const name of ['d', 'e', 'f']) start(name)
    expect(begun).toEqual(['a', 'b', 'd', 'e'])
    end('a')
    await clock.advance(0)
    end('b')
    await clock.advance(0)
    expect(begun).toEqual(['a', 'b', 'd', 'e', 'f', 'c'])
  })

  it('gives at most a quarter of its places to retries, and those count among the half of the polls', () => {
    const { begun, start } = hanging(8)
    for (const name of ['a', 'b', 'c']) start(name, 'retry')
    for (const name of ['d', 'e', 'f']) start(name, 'poll')
    expect(begun).toEqual(['a', 'b', 'd', 'e'])
  })

  it('lets no more than four times its places go on apart', async () => {
    const { clock, begun, start, end } = hanging(2)
    for (let i = 0; i < 20; i++) start(`retry ${i}`, 'retry', String(i % 2))
    await clock.advance(60_000)
    // An eighth of what goes on apart are retries, and one keeps its place.
    expect(begun).toHaveLength(1 + 1)
    for (let i = 0; i < 20; i++) start(`edit ${i}`, 'change', String(i % 2))
    await clock.advance(60_000)
    // Three quarters are changes.
    expect(begun).toHaveLength(2 + 6 + 1)
    end('edit 0')
    await clock.advance(0)
    expect(begun).toHaveLength(10)
  })
})
