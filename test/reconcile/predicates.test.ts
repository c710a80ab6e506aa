import { describe, expect, it } from 'vitest'
import { type StoredModelService } from '../../src/api/modelservice.ts'
import { reconcileRequestedAt, suspendReason, suspendUntil } from '../../src/api/names.ts'
import { isForeignStatus, isRelevantChange, priorityOf } from '../../src/reconcile/predicates.ts'

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

const endpoint = 'http://zstack/zstack'
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
    expect(isForeignStatus(before, after, isOwn)).toBe(isLookedAt)
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
    ['it is suspended for a time', object(), object({ annotations: { [suspendUntil]: '2026-01-01T00:00:00Z' } })],
    ['the reason of that changes', object(), object({ annotations: { [suspendReason]: 'maintenance' } })],
    ['a look is asked for again', object(asked('one')), object(asked('two'))],
  ])('concerns us when %s', (_, before, after) => {
    expect(isRelevantChange(before, after)).toBe(true)
  })

  it.each([
    ['a status is written', object({}, { observedGeneration: 1 }), object({ resourceVersion: '2' }, {})],
    [
      'another annotation changes',
      object(asked('one')),
      object({ annotations: { ...asked('one').annotations, x: '' } }),
    ],
  ])('concerns us not when %s', (_, before, after) => {
    expect(isRelevantChange(before, after)).toBe(false)
  })
})

describe('the urgency of what the watch shows', () => {
  it('is that of a change for what changes before our eyes, and for what goes', () => {
    expect(priorityOf(object(), object({ generation: 3 }, { observedGeneration: 3 }), endpoint)).toBe('change')
    expect(priorityOf(object(), undefined, endpoint)).toBe('change')
  })

  it('is that of the poll for what a former process has dealt with', () => {
    expect(priorityOf(undefined, object({}, { observedGeneration: 2 }), endpoint)).toBe('poll')
    const handled = object(asked('one'), { observedGeneration: 2, lastHandledReconcileAt: 'one' })
    expect(priorityOf(undefined, handled, endpoint)).toBe('poll')
  })

  it.each([
    ['was never looked at', object()],
    ['was edited since', object({}, { observedGeneration: 1 })],
    ['was asked for since', object(asked('two'), { observedGeneration: 2, lastHandledReconcileAt: 'one' })],
    [
      'was judged at another endpoint',
      object(
        {},
        {
          observedGeneration: 2,
          connection: { kind: 'Environment', name: 'default', endpoint: 'http://former/zstack' },
        },
      ),
    ],
    ['has a status of nobody’s making', object({}, { observedGeneration: 'two' })],
  ])('is that of a change for what %s', (_, after) => {
    expect(priorityOf(undefined, after, endpoint)).toBe('change')
  })
})
