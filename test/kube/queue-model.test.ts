import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createQueue } from '../../src/kube/queue.ts'
import { priorities, type Priority } from '../../src/priority.ts'
import { createManualClock } from '../support/clock.ts'

type Step =
  | { readonly do: 'add'; readonly key: string; readonly priority: Priority }
  | { readonly do: 'addAfter'; readonly key: string; readonly ms: number }
  | { readonly do: 'wake'; readonly key: string; readonly priority: Priority }
  | { readonly do: 'backOff'; readonly key: string }
  | { readonly do: 'next'; readonly accepted: readonly Priority[] }
  | { readonly do: 'done'; readonly nth: number }
  | { readonly do: 'pass'; readonly ms: number }

/** The same promises, said as plainly as possible. */
function createModel() {
  let now = 0
  let ready: { readonly key: string; readonly priority: Priority }[] = []
  const processing: string[] = []
  const dirty = new Map<string, { readonly priority: Priority; readonly isNews: boolean }>()
  let delays: { readonly key: string; readonly due: number; readonly isBackoff: boolean }[] = []
  const failures = new Map<string, number>()
  /** Namespaces with keys of a priority, in the order of their turns. */
  const turns: Record<Priority, string[]> = { change: [], retry: [], poll: [] }
  const rank = (priority: Priority | undefined) => (priority ? priorities.indexOf(priority) : Infinity)

  const namespaceOf = (key: string) => key.split('/')[0]!
  function align() {
    for (const priority of priorities) {
      const present = ready.filter((one) => one.priority === priority).map((one) => namespaceOf(one.key))
      turns[priority] = [...new Set([...turns[priority].filter((one) => present.includes(one)), ...present])]
    }
  }

  function put(key: string, priority: Priority, isNews: boolean) {
    const backsOff = delays.some((one) => one.key === key && one.isBackoff)
    if (processing.includes(key)) {
      const before = dirty.get(key)
      const isHigher = rank(priority) < rank(before?.priority)
      dirty.set(key, {
        priority: isHigher || !before ? priority : before.priority,
        isNews: isNews || before?.isNews === true,
      })
      return
    }
    if (backsOff && !isNews) return
    if (backsOff) delays = delays.filter((one) => one.key !== key)
    if (rank(priority) >= rank(ready.find((one) => one.key === key)?.priority)) return
    ready = [...ready.filter((one) => one.key !== key), { key, priority }]
    align()
  }

  function delay(key: string, ms: number, isBackoff: boolean) {
    const before = delays.find((one) => one.key === key)
    if (before?.isBackoff === true && !isBackoff) return
    if (before?.isBackoff === isBackoff && before.due <= now + ms) return
    delays = [...delays.filter((one) => one.key !== key), { key, due: now + ms, isBackoff }]
  }
  return {
    add(key: string, priority: Priority) {
      if (priority === 'change') failures.delete(key)
      put(key, priority, priority === 'change')
    },
    wake: (key: string, priority: Priority) => put(key, priority, true),
    addAfter: (key: string, ms: number) => delay(key, ms, false),
    backOff(key: string) {
      const attempt = failures.get(key) ?? 0
      failures.set(key, attempt + 1)
      delay(key, Math.min(300_000, 1_000 * 2 ** attempt), true)
    },
    next(accepted: readonly Priority[]): string | undefined {
      const first = (priority: Priority) =>
        ready.find((one) => one.priority === priority && namespaceOf(one.key) === turns[priority][0])
      const taken = priorities
        .filter((one) => accepted.includes(one))
        .map(first)
        .find(Boolean)
      if (taken === undefined) return undefined
      const { key, priority } = taken
      turns[priority].push(turns[priority].shift()!)
      ready = ready.filter((one) => one.key !== key)
      align()
      delays = delays.filter((one) => one.key !== key)
      processing.push(key)
      return key
    },
    done(nth: number): string | undefined {
      const [key] = processing.splice(nth % Math.max(1, processing.length), 1)
      if (key === undefined) return undefined
      const again = dirty.get(key)
      dirty.delete(key)
      if (again) put(key, again.priority, again.isNews)
      return key
    },
    pass(ms: number) {
      now += ms
      const due = delays.filter((one) => one.due <= now).sort((a, b) => a.due - b.due)
      delays = delays.filter((one) => one.due > now)
      for (const { key, isBackoff } of due) put(key, isBackoff ? 'retry' : 'poll', false)
    },
    depth: () => ready.length,
  }
}

const key = fc.constantFrom('m/a', 'm/b', 'n/a', 'n/b')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key, priority: fc.constantFrom(...priorities) }),
  fc.record({ do: fc.constant('addAfter' as const), key, ms: fc.integer({ min: 0, max: 20 }) }),
  fc.record({ do: fc.constant('wake' as const), key, priority: fc.constantFrom(...priorities) }),
  fc.record({ do: fc.constant('backOff' as const), key }),
  fc.record({
    do: fc.constant('next' as const),
    accepted: fc.constantFrom<readonly Priority[]>(['change'], ['change', 'poll'], priorities),
  }),
  fc.record({ do: fc.constant('done' as const), nth: fc.nat(3) }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.constant(1_000)) }),
)

it('the queue does what a plain model does, whatever happens in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const clock = createManualClock()
      const queue = createQueue({ clock, random: () => 1 })
      const model = createModel()
      for (const one of steps) {
        if (one.do === 'add') {
          model.add(one.key, one.priority)
          queue.add(one.key, one.priority)
        } else if (one.do === 'addAfter') {
          model.addAfter(one.key, one.ms)
          queue.addAfter(one.key, one.ms)
        } else if (one.do === 'wake') {
          model.wake(one.key, one.priority)
          queue.wake(one.key, one.priority)
        } else if (one.do === 'backOff') {
          model.backOff(one.key)
          queue.addBackedOff(one.key)
        } else if (one.do === 'next') {
          const expected = model.next(one.accepted)
          if (expected !== undefined) expect(await queue.next(one.accepted)).toBe(expected)
        } else if (one.do === 'done') {
          const expected = model.done(one.nth)
          if (expected !== undefined) queue.done(expected)
        } else {
          model.pass(one.ms)
          await clock.advance(one.ms)
        }
        expect(queue.depth).toBe(model.depth())
      }
    }),
    { numRuns: 300, seed: 20261123 },
  )
})
