import { describe, expect, it } from 'vitest'
import { runController, sharesOf, type Pass } from '../../src/kube/controller.ts'
import type { Requeue } from '../../src/requeue.ts'
import { createQueue } from '../../src/kube/queue.ts'
import { createCapturedLog } from '../support/captured-log.ts'
import { createManualClock } from '../support/clock.ts'

function start(pass: Pass, { workers = 1 }: { workers?: number } = {}) {
  const clock = createManualClock()
  const queue = createQueue({ clock, random: () => 1, shares: sharesOf(workers) })
  const { log, entries } = createCapturedLog()
  const abort = new AbortController()
  const observed: [string, number][] = []
  const ended = runController(
    { queue, pass, workers, clock, log, observe: (result, seconds) => observed.push([result, seconds]) },
    abort.signal,
  )
  return { clock, queue, entries, abort, observed, ended }
}

/** A pass that notes its keys and ends when the test says so. */
function held() {
  const open = new Map<string, (result: Requeue) => void>()
  const pass: Pass = (key) => new Promise((resolve) => open.set(key, resolve))
  return { pass, open, end: (key: string, result: Requeue = { kind: 'awaitChange' }) => open.get(key)?.(result) }
}

describe('a controller', () => {
  it('passes over each key, as many at once as it has workers', async () => {
    const { pass, open, end } = held()
    const { queue, clock } = start(pass, { workers: 2 })
    for (const key of ['a', 'b', 'c']) queue.add(key, 'change')
    await clock.advance(0)
    expect([...open.keys()]).toEqual(['a', 'b'])
    end('a')
    await clock.advance(0)
    expect([...open.keys()]).toEqual(['a', 'b', 'c'])
  })

  it('leaves a key alone until it changes, if its pass says so', async () => {
    const passed: string[] = []
    const { queue, clock } = start((key) => {
      passed.push(key)
      return Promise.resolve({ kind: 'awaitChange' })
    })
    queue.add('a', 'change')
    await clock.advance(3_600_000)
    expect(passed).toEqual(['a'])
  })

  it('passes over a key again after the time that its pass says', async () => {
    const times: number[] = []
    const { queue, clock } = start(() => {
      times.push(clock.monotonic())
      return Promise.resolve({ kind: 'after', ms: 1_500 })
    })
    queue.add('a', 'change')
    await clock.advance(3_500)
    expect(times).toEqual([0, 1_500, 3_000])
  })

  it('passes over a key ever later that backs off, and soon again after a pass that went well', async () => {
    const results: Requeue['kind'][] = ['backOff', 'backOff', 'backOff', 'after', 'backOff', 'backOff']
    const times: number[] = []
    const { queue, clock } = start(() => {
      times.push(clock.monotonic() / 1_000)
      return Promise.resolve({ kind: results.shift() ?? 'awaitChange', ms: 10_000 } as Requeue)
    })
    queue.add('a', 'change')
    await clock.advance(60_000)
    expect(times).toEqual([0, 1, 3, 7, 17, 18, 20])
  })

  it('does not take a look midway for a success: the next failure waits as long as it would have', async () => {
    const results: Requeue[] = [
      { kind: 'backOff' },
      { kind: 'after', ms: 200, keepsBackoff: true },
      { kind: 'backOff' },
      { kind: 'after', ms: 200, keepsBackoff: true },
      { kind: 'backOff' },
    ]
    const times: number[] = []
    const { queue, clock } = start(() => {
      times.push(clock.monotonic() / 1_000)
      return Promise.resolve(results.shift() ?? { kind: 'awaitChange' })
    })
    queue.add('a', 'change')
    await clock.advance(60_000)
    expect(times).toEqual([0, 1, 1.2, 3.2, 3.4, 7.4])
  })

  it.each<[string, Pass]>([
    ['rejects', () => Promise.reject(new Error('a bug'))],
    [
      'throws at once',
      () => {
        throw new Error('a bug')
      },
    ],
  ])('logs the object of a pass that %s, tries it again later, and goes on with the others', async (_, broken) => {
    const passed: string[] = []
    const { queue, clock, entries } = start((key, context) => {
      passed.push(key)
      return key === 'test/bad' ? broken(key, context) : Promise.resolve({ kind: 'awaitChange' })
    })
    queue.add('test/bad', 'change')
    queue.add('test/good', 'change')
    await clock.advance(3_000)
    expect(passed).toEqual(['test/bad', 'test/good', 'test/bad', 'test/bad'])
    expect(entries[0]).toMatchObject({ level: 'error', namespace: 'test', name: 'bad', err: { message: 'a bug' } })
  })

  it('gives each pass a log with an id of its own', async () => {
    const { queue, clock, entries } = start((_, { log }) => {
      log.info('here')
      return Promise.resolve({ kind: 'awaitChange' })
    })
    queue.add('a', 'change')
    queue.add('b', 'change')
    await clock.advance(0)
    const ids = entries.map(({ reconcileID }) => reconcileID)
    expect(ids).toEqual([expect.any(String), expect.any(String)])
    expect(ids[0]).not.toBe(ids[1])
  })

  it('aborts a pass that hangs, after two minutes, and tries it again', async () => {
    let passes = 0
    const { queue, clock, entries } = start((_, { signal }) => {
      passes += 1
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    })
    queue.add('test/slow', 'change')
    await clock.advance(119_999)
    expect(entries).toEqual([])
    await clock.advance(1)
    expect(entries[0]).toMatchObject({
      namespace: 'test',
      name: 'slow',
      err: { message: 'took longer than 120 s' },
    })
    await clock.advance(1_000)
    expect(passes).toBe(2)
  })

  it('gives up a pass that does not heed its abort, and tries it again', async () => {
    const passed: string[] = []
    const { queue, clock, entries, observed } = start((key) => {
      passed.push(key)
      return key === 'test/hanging' && passed.length === 1
        ? Promise.withResolvers<never>().promise
        : Promise.resolve({ kind: 'awaitChange' })
    })
    queue.add('test/hanging', 'change')
    queue.add('test/good', 'change')
    await clock.advance(124_999)
    expect(entries).toEqual([])
    await clock.advance(1)
    expect(entries[0]).toMatchObject({ namespace: 'test', name: 'hanging', err: { message: 'took longer than 120 s' } })
    await clock.advance(1_000)
    expect(passed).toEqual(['test/hanging', 'test/good', 'test/hanging'])
    expect(observed.map(([result]) => result)).toEqual(['awaitChange', 'error', 'awaitChange'])
    expect(clock.pending).toBe(0)
  })

  it('tells how each pass ended and how long it took', async () => {
    const { queue, clock, observed } = start(async (key) => {
      await clock.sleep(250)
      if (key === 'bad') throw new Error('a bug')
      return { kind: 'backOff' }
    })
    queue.add('good', 'change')
    queue.add('bad', 'change')
    await clock.advance(600)
    expect(observed).toEqual([
      ['backOff', 0.25],
      ['error', 0.25],
    ])
  })
})

describe('workers', () => {
  it('leave a pass that hangs after three quarters of a second, and take the next key', async () => {
    const { pass, open } = held()
    const { queue, clock } = start(pass, { workers: 2 })
    for (const key of ['a', 'b', 'c']) queue.add(key, 'change')
    await clock.advance(749)
    expect([...open.keys()]).toEqual(['a', 'b'])
    await clock.advance(1)
    expect([...open.keys()]).toEqual(['a', 'b', 'c'])
  })

  it('take an edit at once while forty passes hang that were tried before', async () => {
    const { pass, open } = held()
    const { queue, clock } = start(pass, { workers: 16 })
    for (let i = 0; i < 40; i++) queue.add(`ill/${i}`, 'retry')
    await clock.advance(10_000)
    queue.add('well/edit', 'change')
    await clock.advance(0)
    expect(open.has('well/edit')).toBe(true)
  })

  it('give at most half of themselves to retries and polls, and a quarter to retries', async () => {
    const { pass, open } = held()
    const { queue, clock } = start(pass, { workers: 8 })
    for (const key of ['a', 'b', 'c']) queue.add(key, 'retry')
    for (const key of ['d', 'e', 'f']) queue.add(key, 'poll')
    await clock.advance(749)
    expect([...open.keys()]).toEqual(['a', 'b', 'd', 'e'])
  })

  it('take what a poll turned up within a second while a hundred passes hang that were tried before', async () => {
    const { pass, open } = held()
    const { queue, clock } = start(pass, { workers: 16 })
    for (let i = 0; i < 100; i++) queue.add(`ill/${i}`, 'retry')
    await clock.advance(60_000)
    queue.add('well/drift', 'poll')
    await clock.advance(0)
    expect(open.has('well/drift')).toBe(true)
  })

  it.each(['change', 'retry', 'poll'] as const)(
    'take a %s of one namespace at once while thousands of passes over others hang that were wanted for the same reason',
    async (priority) => {
      const { pass, open } = held()
      const { queue, clock } = start(pass, { workers: 4 })
      for (let i = 0; i < 1_000; i++) for (const namespace of ['a', 'b', 'c']) queue.add(`${namespace}/${i}`, priority)
      await clock.advance(110_000)
      queue.add('well/a', priority)
      await clock.advance(0)
      expect(open.has('well/a')).toBe(true)
    },
  )

  it('take what a poll turned up within a second while changes never end', async () => {
    const { pass, open } = held()
    const { queue, clock } = start(pass, { workers: 4 })
    for (let i = 0; i < 1_000; i++) queue.add(`namespace-${i}/a`, 'change')
    queue.add('well/drift', 'poll')
    await clock.advance(1_000)
    expect(open.has('well/drift')).toBe(true)
  })

  it('take the next key of a namespace that had all of its share, as soon as a pass over it ends', async () => {
    const { pass, open, end } = held()
    const { queue, clock } = start(pass, { workers: 4 })
    for (let i = 0; i < 200; i++) queue.add(`a/${i}`, 'poll')
    await clock.advance(60_000)
    const { size } = open
    end('a/0')
    await clock.advance(0)
    expect(open.size).toBe(size + 1)
  })

  it('never work twice at once on a key whose pass goes on apart', async () => {
    const { pass, open, end } = held()
    const { queue, clock } = start(pass, { workers: 2 })
    queue.add('a', 'change')
    await clock.advance(5_000)
    open.delete('a')
    end('a')
    queue.add('a', 'change')
    await clock.advance(5_000)
    expect(open.has('a')).toBe(false)
  })

  it('leave no more passes than thirty-two times their number, a sixteenth of them retries', async () => {
    const { pass, open, end } = held()
    const { queue, clock } = start(pass, { workers: 2 })
    for (let i = 0; i < 80; i++) queue.add(`retry-${i}/a`, 'retry')
    await clock.advance(30_000)
    // Four go on apart, and one keeps its worker.
    expect(open.size).toBe(5)
    for (let i = 0; i < 80; i++) queue.add(`change-${i}/a`, 'change')
    await clock.advance(70_000)
    expect(open.size).toBe(5 + 1 + 56)
    end('retry-0/a')
    await clock.advance(0)
    expect(open.size).toBe(63)
  })
})

describe('the end of a controller', () => {
  it('waits for a pass that goes on apart', async () => {
    const { pass, end } = held()
    const { queue, clock, ended } = start(pass)
    queue.add('a', 'change')
    await clock.advance(10_000)
    let isOver = false
    void ended.then(() => (isOver = true))
    queue.shutDown()
    await clock.advance(1_000)
    expect(isOver).toBe(false)
    end('a')
    await ended
  })

  it('waits for the passes under way, and begins no other', async () => {
    const { pass, open, end } = held()
    const { queue, clock, ended } = start(pass, { workers: 2 })
    for (const key of ['a', 'b', 'c']) queue.add(key, 'change')
    await clock.advance(0)
    let isOver = false
    void ended.then(() => (isOver = true))
    queue.shutDown()
    end('a')
    await clock.advance(0)
    expect(isOver).toBe(false)
    end('b')
    await ended
    expect([...open.keys()]).toEqual(['a', 'b'])
    expect(clock.pending).toBe(0)
  })

  it('comes though a pass does not heed its abort', async () => {
    const { queue, clock, abort, entries, ended } = start(() => Promise.withResolvers<never>().promise)
    queue.add('a', 'change')
    await clock.advance(0)
    queue.shutDown()
    abort.abort()
    await clock.advance(5_000)
    await ended
    expect(entries).toEqual([])
  })

  it('cuts passes short when it is aborted, and reports no failure of theirs', async () => {
    const { queue, clock, abort, entries, ended } = start(
      (_, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    )
    queue.add('a', 'change')
    await clock.advance(0)
    queue.shutDown()
    abort.abort()
    await ended
    expect(entries).toEqual([])
    expect(clock.pending).toBe(0)
  })
})
