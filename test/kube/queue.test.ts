import { describe, expect, it } from 'vitest'
import { createQueue, type Queue } from '../../src/kube/queue.ts'
import { createManualClock, type ManualClock } from '../support/clock.ts'

function setUp({ random = () => 1 }: { random?: () => number } = {}) {
  const clock = createManualClock()
  let adds = 0
  const queue = createQueue({ clock, random, observer: { added: () => (adds += 1) } })
  return { clock, queue, adds: () => adds }
}

/** Everything that is ready, each key done at once. */
async function drain(queue: Queue): Promise<string[]> {
  const keys: string[] = []
  while (queue.depth > 0) {
    const key = (await queue.next())!
    keys.push(key)
    queue.done(key)
  }
  return keys
}

describe('the queue', () => {
  it('gives a key once, however often it was added', async () => {
    const { queue, adds } = setUp()
    for (const key of ['a', 'b', 'a', 'b', 'a']) queue.add(key, 'change')
    expect(await drain(queue)).toEqual(['a', 'b'])
    expect(adds()).toBe(2)
  })

  it('works on a key again afterwards that was added while it was worked on, and not before', async () => {
    const { queue } = setUp()
    queue.add('a', 'change')
    await queue.next()
    queue.add('a', 'change')
    queue.add('a', 'change')
    expect(queue.depth).toBe(0)
    queue.done('a')
    expect(await drain(queue)).toEqual(['a'])
  })

  it('gives a key that was added while it was worked on the highest priority that was asked for it', async () => {
    const { queue } = setUp()
    queue.add('a', 'poll')
    await queue.next()
    queue.add('a', 'poll')
    queue.add('a', 'change')
    queue.add('a', 'retry')
    queue.add('b', 'retry')
    queue.done('a')
    expect(await drain(queue)).toEqual(['a', 'b'])
  })

  it("serves a person's change before retries, and those before the poll, each in the order of coming", async () => {
    const { queue } = setUp()
    queue.add('poll 1', 'poll')
    queue.add('retry 1', 'retry')
    queue.add('change 1', 'change')
    queue.add('poll 2', 'poll')
    queue.add('retry 2', 'retry')
    queue.add('change 2', 'change')
    expect(await drain(queue)).toEqual(['change 1', 'change 2', 'retry 1', 'retry 2', 'poll 1', 'poll 2'])
  })

  it('moves a waiting key up when it is added with a higher priority, and never down', async () => {
    const { queue, adds } = setUp()
    for (const key of ['a', 'b', 'c']) queue.add(key, 'poll')
    queue.add('c', 'change')
    queue.add('c', 'poll')
    expect(await drain(queue)).toEqual(['c', 'a', 'b'])
    expect(adds()).toBe(3)
  })

  it('lets namespaces take turns among changes: one edit waits for one of another namespace, not for a thousand', async () => {
    const { queue } = setUp()
    for (let i = 0; i < 1_000; i++) queue.add(`many/${i}`, 'change')
    queue.add('one/edit', 'change')
    queue.add('two/edit', 'change')
    const [first, second, third, ...rest] = await drain(queue)
    expect([first, second, third]).toEqual(['many/0', 'one/edit', 'two/edit'])
    expect(rest).toEqual(Array.from({ length: 999 }, (_, i) => `many/${i + 1}`))
  })

  it('gives whoever takes changes alone nothing but changes', async () => {
    const { queue } = setUp()
    const [changes, any] = [queue.next(['change']), queue.next()]
    queue.add('poll', 'poll')
    expect(await any).toBe('poll')
    queue.add('change', 'change')
    expect(await changes).toBe('change')
    expect([queue.takenAs('poll'), queue.takenAs('change'), queue.takenAs('other')]).toEqual([
      'poll',
      'change',
      undefined,
    ])
  })

  it('gives a key to one of those who wait, in the order in which they came', async () => {
    const { queue } = setUp()
    const [first, second] = [queue.next(), queue.next()]
    queue.add('a', 'poll')
    queue.add('b', 'poll')
    expect(await Promise.all([first, second])).toEqual(['a', 'b'])
  })

  describe('with delays', () => {
    it('adds a key when its time has come, as a retry', async () => {
      const { queue, clock } = setUp()
      queue.addAfter('a', 1_000)
      await clock.advance(999)
      expect(queue.depth).toBe(0)
      await clock.advance(1)
      queue.add('change', 'change')
      queue.add('poll', 'poll')
      expect(await drain(queue)).toEqual(['change', 'a', 'poll'])
    })

    it.each([
      ['the first', 500, 1_000],
      ['the second', 1_000, 500],
    ])('takes the earlier of two delays: %s', async (_, first, second) => {
      const { queue, clock } = setUp()
      queue.addAfter('a', first)
      queue.addAfter('a', second)
      expect(clock.pending).toBe(1)
      await clock.advance(500)
      expect(await drain(queue)).toEqual(['a'])
      await clock.advance(500)
      expect(queue.depth).toBe(0)
    })

    it('forgets a delay when its key is taken for another reason', async () => {
      const { queue, clock } = setUp()
      queue.addAfter('a', 1_000)
      queue.add('a', 'change')
      await queue.next()
      expect(clock.pending).toBe(0)
      queue.done('a')
      await clock.advance(1_000)
      expect(queue.depth).toBe(0)
    })

    it('keeps a delay that the pass under way asks for', async () => {
      const { queue, clock } = setUp()
      queue.add('a', 'change')
      await queue.next()
      queue.addAfter('a', 1_000)
      await clock.advance(1_000)
      expect(queue.depth).toBe(0)
      queue.done('a')
      expect(await drain(queue)).toEqual(['a'])
    })
  })

  describe('with backoff', () => {
    async function waits(queue: Queue, clock: ManualClock, times: number) {
      const seconds: number[] = []
      for (let time = 0; time < times; time += 1) {
        const before = clock.monotonic()
        const next = queue.next()
        queue.addBackedOff('a')
        while (queue.depth === 0 && clock.pending > 0) await clock.advance(100)
        await next
        queue.done('a')
        seconds.push((clock.monotonic() - before) / 1000)
      }
      return seconds
    }

    it('waits from one second, doubled each time, to five minutes', async () => {
      const { queue, clock } = setUp()
      expect(await waits(queue, clock, 11)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
    })

    it('leaves up to a quarter of each wait to chance', async () => {
      const { queue, clock } = setUp({ random: () => 0 })
      expect(await waits(queue, clock, 4)).toEqual([0.8, 1.5, 3, 6])
    })

    it('begins anew once the key is forgotten', async () => {
      const { queue, clock } = setUp()
      await waits(queue, clock, 5)
      queue.forget('a')
      expect(await waits(queue, clock, 1)).toEqual([1])
    })

    async function backedOff(times = 3) {
      const rig = setUp()
      await waits(rig.queue, rig.clock, times)
      rig.queue.add('a', 'retry')
      await rig.queue.next()
      rig.queue.addBackedOff('a')
      rig.queue.done('a')
      return rig
    }

    it.each(['poll', 'retry'] as const)('is not cut short by a %s', async (priority) => {
      const { queue, clock } = await backedOff()
      queue.add('a', priority)
      await clock.advance(7_999)
      queue.add('a', priority)
      expect(queue.depth).toBe(0)
      await clock.advance(1)
      expect(await drain(queue)).toEqual(['a'])
    })

    it('is not cut short by a poll that comes while the key is still worked on', async () => {
      const { queue, clock } = await backedOff()
      await clock.advance(8_000)
      await queue.next()
      queue.add('a', 'poll')
      queue.addBackedOff('a')
      queue.done('a')
      await clock.advance(15_999)
      expect(queue.depth).toBe(0)
    })

    it('ends with a change of the key, and the row of failures with it', async () => {
      const { queue, clock } = await backedOff()
      queue.add('a', 'change')
      expect(await drain(queue)).toEqual(['a'])
      expect(clock.pending).toBe(0)
      expect(await waits(queue, clock, 1)).toEqual([1])
    })

    it('ends for a key that is woken, and the next wait is the longer one', async () => {
      const { queue, clock } = await backedOff()
      queue.wake('a', 'retry')
      expect(await drain(queue)).toEqual(['a'])
      expect(await waits(queue, clock, 1)).toEqual([16])
    })

    it('ends for a key that was woken while it was worked on', async () => {
      const { queue, clock } = await backedOff()
      await clock.advance(8_000)
      await queue.next()
      queue.wake('a', 'poll')
      queue.add('a', 'poll')
      queue.addBackedOff('a')
      queue.done('a')
      expect(await drain(queue)).toEqual(['a'])
    })
  })

  it('reports to its observer how long each key waited and was worked on, and which was put back', async () => {
    const clock = createManualClock()
    const observed: string[] = []
    const queue = createQueue({
      clock,
      random: () => 1,
      observer: {
        added: () => observed.push('added'),
        retried: () => observed.push('retried'),
        taken: (seconds) => observed.push(`taken after ${seconds}`),
        finished: (seconds) => observed.push(`finished after ${seconds}`),
      },
    })
    void queue.next().then((key) => queue.done(key!))
    queue.add('first', 'poll')
    await clock.advance(0)
    observed.length = 0
    queue.add('a', 'poll')
    await clock.advance(2_000)
    queue.add('a', 'change')
    await clock.advance(1_000)
    await queue.next()
    await clock.advance(500)
    queue.addBackedOff('a')
    queue.done('a')
    expect(observed).toEqual(['added', 'taken after 3', 'retried', 'finished after 0.5'])
  })

  it('does not count as waiting the time before anybody took keys', async () => {
    const clock = createManualClock()
    const waits: number[] = []
    const queue = createQueue({ clock, random: () => 1, observer: { taken: (seconds) => waits.push(seconds) } })
    queue.add('a', 'change')
    queue.add('b', 'change')
    await clock.advance(86_400_000)
    await queue.next()
    await clock.advance(2_000)
    await queue.next()
    expect(waits).toEqual([0, 2])
  })

  it('says how many keys wait by priority, and for how long those under work have been worked on', async () => {
    const { queue, clock } = setUp()
    queue.add('a', 'change')
    queue.add('b', 'change')
    queue.add('c', 'poll')
    await queue.next()
    await clock.advance(4_000)
    await queue.next()
    await clock.advance(1_000)
    expect([queue.waiting('change'), queue.waiting('retry'), queue.waiting('poll')]).toEqual([0, 0, 1])
    expect(queue.working()).toEqual([5_000, 1_000])
    queue.done('a')
    expect(queue.working()).toEqual([1_000])
  })

  it('lets everybody go when it is shut down, and takes and gives nothing more', async () => {
    const { queue, clock } = setUp()
    const waiting = [queue.next(), queue.next()]
    queue.addAfter('a', 1_000)
    queue.shutDown()
    queue.add('b', 'change')
    queue.addAfter('c', 1_000)
    queue.addBackedOff('d')
    expect(await Promise.all([...waiting, queue.next()])).toEqual([undefined, undefined, undefined])
    expect(clock.pending).toBe(0)
  })

  it('gives nothing more after a shutdown though keys are ready', async () => {
    const { queue } = setUp()
    queue.add('a', 'change')
    queue.shutDown()
    expect(await queue.next()).toBeUndefined()
  })
})
