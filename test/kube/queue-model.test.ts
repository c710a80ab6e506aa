import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createQueue, priorities, type Priority } from '../../src/kube/queue.ts'
import { createManualClock } from '../support/clock.ts'

type Step =
  | { readonly do: 'add'; readonly key: string; readonly priority: Priority }
  | { readonly do: 'addAfter'; readonly key: string; readonly ms: number }
  | { readonly do: 'next' }
  | { readonly do: 'done'; readonly nth: number }
  | { readonly do: 'pass'; readonly ms: number }

/** The same promises, said as plainly as possible. */
function createModel() {
  let now = 0
  let ready: { readonly key: string; readonly priority: Priority }[] = []
  const processing: string[] = []
  const dirty = new Map<string, Priority>()
  let delays: { readonly key: string; readonly due: number }[] = []
  const rank = (priority: Priority | undefined) => (priority ? priorities.indexOf(priority) : Infinity)

  function add(key: string, priority: Priority) {
    if (processing.includes(key)) {
      if (rank(priority) < rank(dirty.get(key))) dirty.set(key, priority)
      return
    }
    if (rank(priority) >= rank(ready.find((one) => one.key === key)?.priority)) return
    ready = [...ready.filter((one) => one.key !== key), { key, priority }]
  }
  return {
    add,
    addAfter(key: string, ms: number) {
      const before = delays.find((one) => one.key === key)
      if (before && before.due <= now + ms) return
      delays = [...delays.filter((one) => one.key !== key), { key, due: now + ms }]
    },
    next(): string | undefined {
      const key = priorities.map((priority) => ready.find((one) => one.priority === priority)).find(Boolean)?.key
      if (key === undefined) return undefined
      ready = ready.filter((one) => one.key !== key)
      delays = delays.filter((one) => one.key !== key)
      processing.push(key)
      return key
    },
    done(nth: number): string | undefined {
      const [key] = processing.splice(nth % Math.max(1, processing.length), 1)
      if (key === undefined) return undefined
      const priority = dirty.get(key)
      dirty.delete(key)
      if (priority) add(key, priority)
      return key
    },
    pass(ms: number) {
      now += ms
      const due = delays.filter((one) => one.due <= now).sort((a, b) => a.due - b.due)
      delays = delays.filter((one) => one.due > now)
      for (const { key } of due) add(key, 'retry')
    },
    depth: () => ready.length,
  }
}

const key = fc.constantFrom('a', 'b', 'c', 'd')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key, priority: fc.constantFrom(...priorities) }),
  fc.record({ do: fc.constant('addAfter' as const), key, ms: fc.integer({ min: 0, max: 20 }) }),
  fc.record({ do: fc.constant('next' as const) }),
  fc.record({ do: fc.constant('done' as const), nth: fc.nat(3) }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 10 }) }),
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
        } else if (one.do === 'next') {
          const expected = model.next()
          if (expected !== undefined) expect(await queue.next()).toBe(expected)
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
