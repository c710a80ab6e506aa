import { describe, expect, it } from 'vitest'
import { limits } from '../../src/limits.ts'
import { createForeignStatus } from '../../src/reconcile/foreign-status.ts'
import { createManualClock } from '../support/clock.ts'

const key = 'default/a'
const { maxMs } = limits.foreignStatusRetry

function setUp({ isLeader = () => true }: { readonly isLeader?: () => boolean } = {}) {
  const clock = createManualClock()
  /** When each answer is given, by the object that it is given to. */
  const answers: { readonly key: string; readonly at: number }[] = []
  const repeated: string[] = []
  let writes = 0
  /** A second operator answers each answer with another write; nobody does while this is off. */
  let isAnswered = true
  const delayed = new Map<string, () => void>()
  function answer(answered: string) {
    answers.push({ key: answered, at: clock.monotonic() })
    if (isAnswered) clock.after(10, () => foreign.written(answered))
  }
  const foreign = createForeignStatus({
    clock,
    random: () => 1,
    enqueue: answer,
    // Of two delays the earlier wins, as in the queue.
    enqueueAfter: (later, ms) => {
      if (delayed.has(later)) return
      const cancel = clock.after(ms, () => {
        delayed.delete(later)
        answer(later)
      })
      delayed.set(later, cancel)
    },
    isLeader,
    onWrite: () => (writes += 1),
    onRepeated: (told) => repeated.push(told),
  })
  return {
    clock,
    foreign,
    answers,
    repeated,
    writes: () => writes,
    answered: (is: boolean) => (isAnswered = is),
    /** A pass for another reason took the object out of the queue's delays. */
    passed: () => {
      delayed.get(key)?.()
      delayed.delete(key)
    },
  }
}

describe('status that somebody else wrote', () => {
  it('once is looked at at once, and nobody is told', () => {
    const { foreign, answers, repeated, writes, answered } = setUp()
    answered(false)
    foreign.written(key)
    expect(answers).toEqual([{ key, at: 0 }])
    expect([repeated, writes()]).toEqual([[], 1])
  })

  it('again after each answer is answered ever later, and told once', async () => {
    const { clock, foreign, answers, repeated, writes } = setUp()
    foreign.written(key)
    await clock.advance(3_600_000)
    const pauses = answers.slice(1).map(({ at }, n) => Math.round((at - (answers[n]?.at ?? 0)) / 1_000))
    expect(pauses.slice(0, 10)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300])
    expect(answers.length).toBeLessThan(25)
    expect(writes()).toBe(answers.length + 1)
    expect(repeated).toEqual([key])
  })

  it('a hundred times a second is answered no more often than that', async () => {
    const { clock, foreign, answers, answered } = setUp()
    answered(false)
    for (let n = 0; n < 6_000; n += 1) {
      foreign.written(key)
      await clock.advance(10)
    }
    expect(answers.length).toBeLessThan(8)
    expect(answers.length).toBeGreaterThan(3)
  })

  it('is answered at its time though a pass for another reason came before', async () => {
    const { clock, foreign, answers, answered, passed } = setUp()
    answered(false)
    foreign.written(key)
    foreign.written(key)
    foreign.written(key)
    await clock.advance(500)
    passed()
    foreign.written(key)
    await clock.advance(500)
    expect(answers).toEqual([
      { key, at: 0 },
      { key, at: 1_000 },
    ])
  })

  it('may be answered at its time, and by no pass before that', async () => {
    const { clock, foreign, answers, answered } = setUp()
    answered(false)
    foreign.written(key)
    foreign.written(key)
    await clock.advance(999)
    expect(foreign.mayAnswer(key)).toBe(false)
    await clock.advance(1)
    expect(foreign.mayAnswer(key)).toBe(true)
    expect(answers).toHaveLength(2)
  })

  it('after it was quiet for long is looked at at once again', async () => {
    const { clock, foreign, answers, answered } = setUp()
    foreign.written(key)
    await clock.advance(60_000)
    answered(false)
    await clock.advance(maxMs * 4)
    const before = answers.length
    foreign.written(key)
    expect(answers).toHaveLength(before + 1)
  })

  it('of one object delays no answer to another', async () => {
    const { clock, foreign, answers } = setUp()
    foreign.written(key)
    await clock.advance(60_000)
    foreign.written('default/b')
    expect(answers.at(-1)).toEqual({ key: 'default/b', at: 60_000 })
  })

  it('of an object that was deleted counts for nothing of its successor', async () => {
    const { clock, foreign, answers } = setUp()
    foreign.written(key)
    await clock.advance(60_000)
    foreign.forget(key)
    foreign.written(key)
    expect(answers.at(-1)).toEqual({ key, at: 60_000 })
  })

  it('is the work of the leader for one that stands by: neither counted nor put off', () => {
    const { foreign, answers, writes, answered } = setUp({ isLeader: () => false })
    answered(false)
    for (let n = 0; n < 10; n += 1) foreign.written(key)
    expect([answers.length, writes()]).toEqual([10, 0])
  })
})
