import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse, statusOf } from '../../src/api/modelservice.ts'
import { type Status } from '../../src/api/status.ts'
import { reasons } from '../../src/api/reasons.ts'
import { eventsBetween, normalReasons } from '../../src/decide/events.ts'
import type { Outcome } from '../../src/decide/outcome.ts'
import { conditionOf } from '../../src/decide/conditions.ts'
import { statusAfter } from '../../src/decide/status.ts'
import { outcomes } from '../support/arbitrary.ts'
import { circumstances, compared, stored, updated, uuid, type Declared } from '../support/decide-inputs.ts'

type Step = {
  readonly outcome: Outcome
  readonly isEdited: boolean
  readonly suspend: boolean
  readonly handled?: string
}

/** The life of an object: outcome after outcome, now and then an edit, a suspension or a request. */
const lives = fc.array(
  fc.record(
    { outcome: outcomes, isEdited: fc.boolean(), suspend: fc.boolean(), handled: fc.constantFrom('a', 'b') },
    { requiredKeys: ['outcome', 'isEdited', 'suspend'] },
  ),
  { minLength: 1, maxLength: 5 },
)

function live(
  steps: readonly Step[],
  look: (before: Status | undefined, after: Status, generation: number, step: Step) => void,
) {
  let [status, generation, suspend]: [Status | undefined, number, boolean] = [undefined, 1, false]
  for (const [i, step] of steps.entries()) {
    // Only an edit ends or begins a suspension.
    if (step.isEdited) [generation, suspend] = [generation + 1, step.suspend]
    const now = new Date(Date.UTC(2026, 0, 1, i))
    const suspension = suspend ? ({ kind: 'spec' } as const) : undefined
    const at = circumstances({
      generation,
      now,
      suspension,
      ...(step.handled !== undefined && { handled: step.handled }),
    })
    const after = statusAfter(step.outcome, status, at)
    expect(conditionOf(after, 'Suspended') !== undefined).toBe(suspend)
    look(status, after, generation, step)
    status = after
  }
}

const holds = (look: Parameters<typeof live>[1]) =>
  fc.assert(
    fc.property(lives, (steps) => live(steps, look)),
    { numRuns: 150, seed: 20261123 },
  )

describe('whatever happens', () => {
  it('an object is never at work and stalled at once', () => {
    holds((_, after) => {
      expect(conditionOf(after, 'Reconciling') && conditionOf(after, 'Stalled')).toBeUndefined()
    })
  })

  it('Ready says True only if nothing is wrong and nothing is left to do, and never without a reason', () => {
    holds((_, after) => {
      const ready = conditionOf(after, 'Ready')
      const synced = conditionOf(after, 'Synced')
      const isBusy = conditionOf(after, 'Reconciling') !== undefined || conditionOf(after, 'Stalled') !== undefined
      const isFine = synced?.status === 'True' || synced?.reason === 'DriftDetected'
      if (ready?.status === 'True') expect([isBusy, isFine]).toEqual([false, true])
      else expect(isBusy || !isFine || ready?.reason === 'Suspended').toBe(true)
    })
  })

  it('every condition has a reason of the closed list, a message, its generation, and a time that moves with its status', () => {
    holds((before, after, generation) => {
      expect(conditionOf(after, 'Ready')?.observedGeneration).toBe(generation)
      for (const condition of after.conditions ?? []) {
        const was = conditionOf(before, condition.type)
        expect(Object.keys(reasons)).toContain(condition.reason)
        expect(condition.message).not.toBe('')
        expect(condition.message.length).toBeLessThanOrEqual(1024)
        expect(condition.observedGeneration).toBeLessThanOrEqual(generation)
        if (was) expect(was.lastTransitionTime === condition.lastTransitionTime).toBe(was.status === condition.status)
      }
    })
  })

  it('the same outcome once more writes nothing', () => {
    holds((_, after, generation, { outcome }) => {
      const suspension = conditionOf(after, 'Suspended') && ({ kind: 'spec' } as const)
      const again = statusAfter(outcome, after, circumstances({ generation, suspension, now: new Date('2030-01-01') }))
      expect(again).toStrictEqual(after)
      expect(eventsBetween(after, again, [])).toEqual([])
    })
  })

  it('a status comes back from the API server as it was written, so that it is not written again', () => {
    holds((_, after) => {
      expect(statusOf(stored({ uuid }, after))).toStrictEqual(after)
      expect(JSON.stringify(after).isWellFormed()).toBe(true)
    })
  })

  it('a status claims convergence only after a read that left nothing to do', () => {
    holds((before, after, generation, { outcome }) => {
      const isNew = after.convergedGeneration !== before?.convergedGeneration
      if (isNew) expect([outcome.kind, after.convergedGeneration]).toEqual(['inSync', generation])
      if (outcome.kind === 'inSync') expect(after.drift).toBeUndefined()
    })
  })

  it('an event has a reason of the closed lists', () => {
    holds((before, after) => {
      for (const { type, reason, message } of eventsBetween(before, after, [])) {
        expect(type === 'Warning' ? Object.keys(reasons) : normalReasons).toContain(reason)
        expect(message).not.toBe('')
      }
    })
  })
})

describe('a value that ZStack does not show', () => {
  const secrets = fc.stringMatching(/^[a-z0-9]{16,24}$/)
  const hiding = (secret: string): Declared => ({
    requestCpu: 8,
    environmentParameters: { TOKEN: secret, [secret]: 'x' },
    startupParameters: { a: secret },
    inferenceParams: { a: secret },
    ...{ serviceName: secret, serviceLivez: secret, serviceReadyz: secret },
    ...{ serviceInstallPath: secret, serviceStartCommand: secret },
    ...{ systemTags: [secret], userTags: [secret] },
  })

  it('is nowhere in status, events or messages', () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        const spec = hiding(secret)
        const seen = compared(spec, { requestCpu: 4 })
        const sent = updated(spec, { requestCpu: 8 }, Object.keys(spec) as (keyof Declared & 'requestCpu')[])
        const every: readonly Outcome[] = [
          { kind: 'updating', comparison: seen },
          { kind: 'suspended', comparison: compared({ serviceName: secret }, {}) },
          { kind: 'awaitingJob', comparison: seen, afterMs: 1 },
          { kind: 'ineffective', comparison: seen, retryInMs: 1 },
          { kind: 'failed', failure: { kind: 'rejected', message: 'no' }, comparison: seen, stale: false },
          { kind: 'inSync', comparison: sent },
        ]
        let status: Status | undefined
        for (const outcome of every) {
          const update = { fields: Object.keys(spec) as 'requestCpu'[], cause: 'SpecChanged' as const }
          const after = statusAfter(outcome, status, circumstances({ update }))
          const events = eventsBetween(status, after, seen.assessment.differences)
          expect(JSON.stringify([after, events])).not.toContain(secret)
          status = after
        }
      }),
      { seed: 20261123 },
    )
  })

  it('is nowhere in what is said of a spec that is invalid because of it', () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        const parsed = parse(
          stored({ uuid, environmentParameters: { A: [secret] }, servicePorts: [secret], userTags: secret }),
        )
        expect(parsed).toMatchObject({ ok: false, issues: { length: 3 } })
        if (parsed.ok) return
        const status = statusAfter({ kind: 'invalid', ...parsed }, undefined, circumstances())
        expect(JSON.stringify(status)).not.toContain(secret)
      }),
      { seed: 20261123 },
    )
  })
})
