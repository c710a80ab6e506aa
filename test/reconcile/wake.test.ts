import { describe, expect, it } from 'vitest'
import { reconcileRequestedAt, type StoredModelService } from '../../src/api/modelservice.ts'
import type { Failure } from '../../src/decide/failure.ts'
import { createAlarm, isChangeForUs, isOthersStatus, urgencyOf } from '../../src/reconcile/wake.ts'
import { createCapturedLog } from '../support/captured-log.ts'
import { createManualClock } from '../support/clock.ts'
import { connectionsTo, createFakeInventory } from '../support/inventory.ts'
import { outage } from '../support/reconciler.ts'

function object(metadata: Partial<StoredModelService['metadata']> = {}, status?: object): StoredModelService {
  return {
    metadata: {
      name: 'a',
      namespace: 'default',
      uid: 'uid',
      resourceVersion: '1',
      generation: 2,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    ...(status && { status }),
  }
}

const asked = (token: string) => ({ annotations: { [reconcileRequestedAt]: token } })

describe('a status is looked at again', () => {
  const [one, other] = [{ observedGeneration: 1 }, { observedGeneration: 2 }]

  it.each([
    ['another process wrote another', object({}, one), object({}, other), false, true],
    ['this process wrote it', object({}, one), object({}, other), true, false],
    ['something else of its object changed', object({}, one), object({ resourceVersion: '2' }, one), false, false],
    ['its object appears', undefined, object({}, one), false, false],
    ['its object goes', object({}, one), undefined, false, false],
  ])('or not, where %s', (_, before, after, isOwn, isLookedAt) => {
    expect(isOthersStatus(before, after, isOwn)).toBe(isLookedAt)
  })
})

describe('a change of an object', () => {
  it.each([
    ['it appears', undefined, object()],
    ['it goes', object(), undefined],
    ['its spec changes', object(), object({ generation: 3 })],
    ['its deletion begins', object(), object({ deletionTimestamp: '2026-01-01T00:00:00Z' })],
    ['another takes its name', object(), object({ uid: 'other' })],
    ['a look is asked for', object(), object(asked('one'))],
    ['a look is asked for again', object(asked('one')), object(asked('two'))],
  ])('concerns us when %s', (_, before, after) => {
    expect(isChangeForUs(before, after)).toBe(true)
  })

  it.each([
    ['a status is written', object({}, { observedGeneration: 1 }), object({ resourceVersion: '2' }, {})],
    [
      'another annotation changes',
      object(asked('one')),
      object({ annotations: { ...asked('one').annotations, x: '' } }),
    ],
  ])('concerns us not when %s', (_, before, after) => {
    expect(isChangeForUs(before, after)).toBe(false)
  })
})

describe('the urgency of what the watch shows', () => {
  it('is that of a change for what changes before our eyes, and for what goes', () => {
    expect(urgencyOf(object(), object({ generation: 3 }, { observedGeneration: 3 }))).toBe('change')
    expect(urgencyOf(object(), undefined)).toBe('change')
  })

  it('is that of the poll for what a former process has dealt with', () => {
    expect(urgencyOf(undefined, object({}, { observedGeneration: 2 }))).toBe('poll')
    const handled = object(asked('one'), { observedGeneration: 2, lastHandledReconcileAt: 'one' })
    expect(urgencyOf(undefined, handled)).toBe('poll')
  })

  it.each([
    ['was never looked at', object()],
    ['was edited since', object({}, { observedGeneration: 1 })],
    ['was asked for since', object(asked('two'), { observedGeneration: 2, lastHandledReconcileAt: 'one' })],
    ['has a status of nobody’s making', object({}, { observedGeneration: 'two' })],
  ])('is that of a change for what %s', (_, after) => {
    expect(urgencyOf(undefined, after)).toBe('change')
  })
})

function ring(change: 'open' | 'trial' | 'closed', waiting: readonly string[], trouble?: Failure) {
  const connections = connectionsTo(createFakeInventory({ clock: createManualClock() }))
  connections.trouble = trouble
  const { log, entries } = createCapturedLog()
  const woken: string[] = []
  let hurries = 0
  const alarm = createAlarm({
    connections,
    enqueue: (key, priority) => woken.push(`${key} ${priority}`),
    keys: () => ['a', 'b', 'c'],
    waiting: () => waiting,
    hurryPoll: () => (hurries += 1),
    log,
  })
  alarm(change)
  return { woken, hurries, entries }
}

describe('the alarm of a connection', () => {
  it('that may be tried again wakes the one that has waited longest, and nobody else', () => {
    expect(ring('trial', ['b', 'a'])).toMatchObject({ woken: ['b retry'], hurries: 0 })
  })

  it('that may be tried again while nobody waits leaves the trial to the poll', () => {
    expect(ring('trial', [])).toMatchObject({ woken: [], hurries: 1 })
  })

  it('that works again wakes all who wait, hurries the poll and says so', () => {
    expect(ring('closed', ['b', 'a'])).toMatchObject({
      woken: ['b retry', 'a retry'],
      hurries: 1,
      entries: [{ level: 'info', msg: 'ZStack answers again' }],
    })
  })

  it('that an outage cuts off wakes nobody: no status of objects in sync changes for it', () => {
    const { woken, hurries, entries } = ring('open', ['a'], outage)
    expect({ woken, hurries }).toEqual({ woken: [], hurries: 0 })
    expect(entries).toMatchObject([{ level: 'warn', reason: 'Unreachable', msg: outage.message }])
  })

  it.each(['credentials', 'clock', 'sessions'] as const)(
    'that %s cut off wakes all: people must see what they have to mend',
    (kind) => {
      expect(ring('open', [], { kind, message: 'mend it' }).woken).toEqual(['a poll', 'b poll', 'c poll'])
    },
  )

  it('that was mended before anybody looked wakes nobody', () => {
    expect(ring('open', ['a'])).toEqual({ woken: [], hurries: 0, entries: [] })
  })
})
