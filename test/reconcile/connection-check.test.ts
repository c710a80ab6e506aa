import { describe, expect, it, onTestFinished } from 'vitest'
import { err, ok, type Failure, type Result } from '../../src/decide/failure.ts'
import { createConnectionCheck } from '../../src/reconcile/connection-check.ts'
import type { ConnectionEvent } from '../../src/reconcile/ports.ts'
import { createManualClock } from '../support/clock.ts'
import { connectionsTo, createFakeInventory } from '../support/inventory.ts'
import { outage } from '../support/reconciler.ts'

const minute = 60_000
const refused: Failure = { kind: 'credentials', message: 'correct the Secret' }

/** A check that runs, of a connection in the trouble that the test says. */
async function start({ trouble, isLeader = true }: { trouble?: Failure; isLeader?: boolean } = {}) {
  const clock = createManualClock()
  const connections = connectionsTo(createFakeInventory({ clock }))
  const [connection] = connections.all()
  if (!connection) throw new Error('no connection')
  connections.trouble = trouble
  let logOuts = 0
  const listeners: ((event: ConnectionEvent) => void)[] = []
  const results: Result<void>[] = []
  const check = createConnectionCheck({
    connection: {
      ...connection,
      logOut: () => Promise.resolve(void (logOuts += 1)),
      subscribe: (listener) => void listeners.push(listener),
    },
    isLeader: () => isLeader,
    onChecked: (result) => results.push(result),
    clock,
  })
  const stop = new AbortController()
  const before = check.problem()
  const ended = check.run(stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  await clock.advance(0)
  return {
    clock,
    before,
    results,
    problem: () => check.problem(),
    logOuts: () => logOuts,
    become: (failure: Failure | undefined) => (connections.trouble = failure),
    restore: async () => {
      connections.trouble = undefined
      for (const listener of listeners) listener('restored')
      await clock.advance(0)
    },
  }
}

describe('the check at the start', () => {
  it('keeps the pod from being ready until it has passed, and is not repeated while nothing happens', async () => {
    const { before, problem, results, clock } = await start()
    expect(before).toBe('the connection to ZStack at http://zstack.example/zstack is not checked yet')
    expect(problem()).toBeUndefined()
    await clock.advance(60 * minute)
    expect(results).toEqual([ok(undefined)])
  })

  it('that needs a person keeps the pod from being ready for as long as it takes, with the words that help', async () => {
    const { problem, clock, restore, results } = await start({ trouble: refused })
    await clock.advance(24 * 60 * minute)
    expect(problem()).toBe('correct the Secret')
    await restore()
    expect(problem()).toBeUndefined()
    expect(results.at(-1)).toEqual(ok(undefined))
  })

  it('in an outage keeps the pod from being ready for 5 minutes and no longer', async () => {
    const { problem, clock } = await start({ trouble: outage })
    await clock.advance(5 * minute)
    expect(problem()).toBe(outage.message)
    await clock.advance(1)
    expect(problem()).toBeUndefined()
  })

  it('is repeated where the connection comes back without a word', async () => {
    const { problem, clock, become } = await start({ trouble: outage })
    become(undefined)
    expect(problem()).toBe(outage.message)
    await clock.advance(4_000)
    expect(problem()).toBeUndefined()
  })
})

describe('a connection that has worked', () => {
  it('takes the pod out for nothing that happens later', async () => {
    const { problem, become, restore, results } = await start()
    await restore()
    become(refused)
    await restore()
    expect(problem()).toBeUndefined()
    expect(results).toHaveLength(3)
  })

  it.each([
    [true, 0],
    [false, 1],
  ])(
    'is logged out of by one that still stands by when a lease could have passed (leader: %s)',
    async (isLeader, count) => {
      const { logOuts, clock } = await start({ isLeader })
      await clock.advance(14_999)
      expect(logOuts()).toBe(0)
      await clock.advance(60 * minute)
      expect(logOuts()).toBe(count)
    },
  )
})

it('a check that failed gives back no session', async () => {
  const { logOuts, results } = await start({ trouble: refused, isLeader: false })
  expect([results, logOuts()]).toEqual([[err(refused)], 0])
})
