import { describe, expect, it } from 'vitest'
import type { Status } from '../../src/api/status.ts'
import { isEqual } from '../../src/decide/assess.ts'
import { decide, type DecisionState } from '../../src/decide/decide.ts'
import type { UpdateHold } from '../../src/decide/hold.ts'
import { limits } from '../../src/limits.ts'
import { desired, observation, uid, type Declared, type LiveValues } from '../support/decide-inputs.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const state = (change: Partial<DecisionState> = {}): DecisionState => ({
  generation: 1,
  owner: uid,
  sources: new Map(),
  hashes: {},
  hold: undefined,
  equality: isEqual,
  policy: 'Enforce',
  suspend: false,
  requested: false,
  now,
  ...change,
})
const decided = (spec: Declared, live: LiveValues, change?: Partial<DecisionState>) =>
  decide(desired(spec), observation(live), state(change))
/** What comes next, in a word: the outcome, or the fields of an update. */
const next = (decision: ReturnType<typeof decide>) =>
  decision.next.kind === 'update' ? Object.keys(decision.next.patch) : decision.next.outcome.kind

/** The attempt that a first decision asks for. */
function attempted(spec: Declared, live: LiveValues, change?: Partial<DecisionState>) {
  const { next: first, comparison, hold } = decided(spec, live, change)
  if (first.kind !== 'update') throw new Error('no update')
  const { patch, cause } = first
  return { attempt: { patch, cause, expected: comparison.assessment.differences }, hold }
}

const drift: NonNullable<Status['drift']> = [{ field: 'requestCpu', desired: '8', live: '4' }]
const held = (change: Partial<UpdateHold> = {}): UpdateHold => ({
  key: { generation: 1, drift, unread: [], sources: {} },
  attempts: 3,
  until: now + 1,
  ...change,
})

describe('before an update', () => {
  it.each<[string, unknown, Declared, LiveValues, Partial<DecisionState>]>([
    ['all is equal', 'inSync', { requestCpu: 8 }, { requestCpu: 8 }, {}],
    ['something differs', ['requestCpu'], { requestCpu: 8 }, { requestCpu: 4 }, {}],
    ['a write-only field was never sent', ['userTags'], { userTags: ['x'] }, {}, {}],
    ['the policy leaves what differs', 'drifted', { requestCpu: 8 }, { requestCpu: 4 }, { policy: 'Observe' }],
    ['updates are suspended', 'suspended', { requestCpu: 8 }, { requestCpu: 4 }, { suspend: true }],
    ['updates were in vain', 'ineffective', { requestCpu: 8 }, { requestCpu: 4 }, { hold: held() }],
    [
      'a person asks in spite of that',
      ['requestCpu'],
      { requestCpu: 8 },
      { requestCpu: 4 },
      { hold: held(), requested: true },
    ],
    ['the hold is over', ['requestCpu'], { requestCpu: 8 }, { requestCpu: 4 }, { hold: held({ until: now }) }],
    ['the hold is of another difference', ['requestCpu'], { requestCpu: 8 }, { requestCpu: 5 }, { hold: held() }],
    [
      'the hold is of another generation',
      ['requestCpu'],
      { requestCpu: 8 },
      { requestCpu: 4 },
      { hold: held(), generation: 2 },
    ],
  ])('where %s, what comes is %j', (_, expected, spec, live, change) => {
    expect(next(decided(spec, live, change))).toEqual(expected)
  })

  it('a refusal that holds is reported with its message and with the time until it ends', () => {
    const failure = { kind: 'rejected', message: 'ZStack refuses the update' } as const
    const { next: reported } = decided(
      { requestCpu: 8 },
      { requestCpu: 4 },
      { hold: held({ failure, until: now + 7 }) },
    )
    expect(reported).toMatchObject({ outcome: { kind: 'failed', failure, retryInMs: 7 } })
  })

  it('a failure of the connection that a person must correct shows on an object in sync too', () => {
    const connectionFailure = { kind: 'credentials', message: 'wrong password' } as const
    expect(next(decided({}, {}, { connectionFailure }))).toBe('failed')
    expect(next(decided({}, {}, { connectionFailure: { kind: 'unavailable', message: 'away' } }))).toBe('inSync')
  })

  it('a hold is forgotten as soon as nothing differs any more', () => {
    expect(decided({ requestCpu: 8 }, { requestCpu: 8 }, { hold: held() }).hold).toBeUndefined()
  })
})

describe('after an update', () => {
  const spec = { requestCpu: 8, userTags: ['x'] }

  it('that had its effect all is in sync, and its hashes are to be remembered', () => {
    const sent = attempted(spec, { requestCpu: 4 })
    const after = decided(spec, { requestCpu: 8 }, sent)
    expect([next(after), after.attempts, after.hold]).toEqual(['inSync', 0, undefined])
    const hashes = after.comparison.assessment.accepted
    expect(next(decided(spec, { requestCpu: 8 }, { hashes }))).toBe('inSync')
  })

  it('that had none it is due again, until the limit is reached: then it is reported as ineffective', () => {
    let hold: UpdateHold | undefined
    const outcomes = Array.from({ length: limits.maxIneffectiveUpdates }, () => {
      const sent = attempted(spec, { requestCpu: 4 }, { hold })
      const after = decided(spec, { requestCpu: 4 }, sent)
      hold = after.hold
      return [next(after), after.attempts]
    })
    expect(outcomes).toEqual([
      [['requestCpu', 'userTags'], 1],
      [['requestCpu', 'userTags'], 2],
      ['ineffective', 3],
    ])
  })

  it('what cannot be read is not believed while a part of what can be read is not as it was sent', () => {
    const sent = attempted(spec, { requestCpu: 4 })
    expect(decided(spec, { requestCpu: 4 }, sent).comparison.assessment.unsent).toEqual(['userTags'])
  })

  it('of what was declared before an edit nothing counts for what is declared now', () => {
    const sent = attempted(spec, { requestCpu: 4 })
    const after = decided({ requestCpu: 16, userTags: ['y'] }, { requestCpu: 8 }, { ...sent, generation: 2 })
    expect([next(after), after.attempts]).toEqual([['requestCpu', 'userTags'], 0])
  })

  it('that a person asked for the count begins anew', () => {
    const sent = attempted({ requestCpu: 8 }, { requestCpu: 4 }, { hold: held(), requested: true })
    expect(decided({ requestCpu: 8 }, { requestCpu: 4 }, { ...sent, hold: held() }).attempts).toBe(1)
  })
})
