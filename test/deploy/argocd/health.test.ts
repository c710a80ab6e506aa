import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { progressOf } from '../../../src/decide/failure.ts'
import { conditionOf } from '../../../src/decide/conditions.ts'
import { engineMissing, runScript } from './engine.ts'
import { everyPass, failedPasses, modelServiceObject, passes, statusAfter, type Pass } from './objects.ts'

type Health = { readonly status: string; readonly message: string }

const healthOf = async (objects: readonly unknown[]) => (await runScript('health.lua', objects)) as readonly Health[]
const objectAfter = (pass: Pass) => modelServiceObject({ status: statusAfter(pass) })

describe.skipIf(engineMissing)('the health of a ModelService in Argo CD', () => {
  const expected: Record<keyof typeof passes, string> = {
    initializing: 'Progressing',
    invalid: 'Degraded',
    unresolved: 'Degraded',
    conflict: 'Degraded',
    missing: 'Degraded',
    inSync: 'Healthy',
    drifted: 'Healthy',
    suspended: 'Suspended',
    updating: 'Progressing',
    awaitingJob: 'Progressing',
    ineffective: 'Degraded',
  }
  it('after each way a pass can end is what a person would say of it', async () => {
    const names = Object.keys(passes) as (keyof typeof passes)[]
    const healths = await healthOf(names.map((name) => objectAfter(passes[name])))
    expect(Object.fromEntries(names.map((name, index) => [name, healths[index]?.status]))).toEqual(expected)
  })

  it('is Degraded after a failure that waits for a person, and Progressing after one that is retried', async () => {
    const healths = await healthOf(failedPasses.map(objectAfter))
    for (const [index, { name, failure }] of failedPasses.entries())
      expect(healths[index]?.status, name).toBe(progressOf(failure) === 'Stalled' ? 'Degraded' : 'Progressing')
  })

  it('is Suspended while suspended, whatever else is the matter', async () => {
    const suspended = everyPass.filter(({ suspend }) => suspend)
    const healths = await healthOf(suspended.map(objectAfter))
    expect(healths.map(({ status }) => status)).toEqual(suspended.map(() => 'Suspended'))
  })

  it('says in the words of Ready what is the matter, and of a suspended one that it is', async () => {
    const healths = await healthOf(everyPass.map(objectAfter))
    const expectedMessage = (pass: Pass) => {
      const { reason, message } = conditionOf(statusAfter(pass), 'Ready')!
      return pass.suspend === true && reason !== 'Suspended' ? `suspended: ${message}` : message
    }
    expect(healths.map(({ message }) => message)).toEqual(everyPass.map(expectedMessage))
    expect((await healthOf([objectAfter({ ...passes.inSync, suspend: true })]))[0]).toEqual({
      status: 'Suspended',
      message: expect.stringMatching(/^suspended: ZStack shows every declared field as declared/) as string,
    })
    expect((await healthOf([objectAfter(passes.drifted)]))[0]).toEqual({
      status: 'Healthy',
      message: 'requestCpu: want 8, is 4 (and 1 more); policy Observe leaves it',
    })
  })

  it('is Progressing from an edit until the operator has judged it, whatever was said before', async () => {
    const edited = everyPass.map((pass) => modelServiceObject({ generation: 2, status: statusAfter(pass) }))
    expect((await healthOf(edited)).map(({ status }) => status)).toEqual(edited.map(() => 'Progressing'))
  })

  const inSync = statusAfter(passes.inSync)
  const [ready, ...others] = inSync.conditions ?? []
  const odd: Record<string, { object: object; status: string }> = {
    'no status': { object: modelServiceObject(), status: 'Progressing' },
    'an empty status': { object: modelServiceObject({ status: {} }), status: 'Progressing' },
    'no observedGeneration': {
      object: modelServiceObject({ status: { conditions: inSync.conditions } }),
      status: 'Progressing',
    },
    'an observedGeneration from another life': {
      object: modelServiceObject({ status: { ...inSync, observedGeneration: 7 } }),
      status: 'Progressing',
    },
    'a Ready of an older generation': {
      object: modelServiceObject({
        generation: 2,
        status: { ...inSync, observedGeneration: 2, conditions: [ready, ...others] },
      }),
      status: 'Progressing',
    },
    'no Ready': { object: modelServiceObject({ status: { ...inSync, conditions: others } }), status: 'Progressing' },
    'deletion under way': {
      object: modelServiceObject({ metadata: { deletionTimestamp: '2026-11-23T12:00:00Z' }, status: inSync }),
      status: 'Progressing',
    },
    'Ready last in the list': {
      object: modelServiceObject({ status: { ...inSync, conditions: [null, ...others, ready] } }),
      status: 'Healthy',
    },
    'Stalled that is False': {
      object: modelServiceObject({
        status: { ...inSync, conditions: [ready, { ...ready, type: 'Stalled', status: 'False' }] },
      }),
      status: 'Healthy',
    },
  }
  it('of odd statuses errs on the side of waiting', async () => {
    const healths = await healthOf(Object.values(odd).map(({ object }) => object))
    expect(Object.fromEntries(Object.keys(odd).map((name, index) => [name, healths[index]?.status]))).toEqual(
      Object.fromEntries(Object.entries(odd).map(([name, { status }]) => [name, status])),
    )
  })

  it('is never an error, and never Healthy without a Ready of this generation, whatever the status looks like', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(oddObject, { minLength: 20, maxLength: 60 }), async (objects) => {
        const healths = await healthOf(objects)
        expect(healths).toHaveLength(objects.length)
        for (const [index, { status, message, ...rest }] of healths.entries()) {
          expect(['Healthy', 'Progressing', 'Degraded', 'Suspended']).toContain(status)
          expect(message).toBeTypeOf('string')
          expect(rest).toEqual({})
          if (status !== 'Progressing') expect(isJudged(objects[index])).toBe(true)
        }
      }),
      { numRuns: 25, seed: 20261123 },
    )
  })
})

const junk = fc.jsonValue({ maxDepth: 2 })
const generation = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(1, 2) }, junk)
const oddCondition = fc.record(
  {
    type: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('Ready', 'Stalled', 'Suspended', 'Reconciling') }, junk),
    status: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('True', 'False', 'Unknown') }, junk),
    observedGeneration: generation,
    message: fc.oneof(fc.string(), junk),
  },
  { requiredKeys: [] },
)
const oddStatus = fc.record(
  {
    observedGeneration: generation,
    conditions: fc.oneof(
      { weight: 4, arbitrary: fc.array(fc.oneof({ weight: 4, arbitrary: oddCondition }, junk)) },
      junk,
    ),
  },
  { requiredKeys: [] },
)
const oddObject = fc.record(
  {
    metadata: fc.oneof({ weight: 4, arbitrary: fc.record({ generation }) }, junk),
    spec: junk,
    status: fc.oneof({ weight: 6, arbitrary: oddStatus }, junk),
  },
  { requiredKeys: [] },
)

type Loose = {
  metadata?: { generation?: unknown } | null
  status?: { observedGeneration?: unknown; conditions?: unknown } | null
}

function isJudged(object: unknown): boolean {
  const { metadata, status } = object as Loose
  const conditions = Array.isArray(status?.conditions) ? (status.conditions as unknown[]) : []
  const ready = conditions.find((each) => (each as { type?: unknown } | null)?.type === 'Ready')
  // Lua compares lists and maps by identity.
  const same = (a: unknown) => a !== undefined && typeof a !== 'object' && a === metadata?.generation
  return same(status?.observedGeneration) && same((ready as { observedGeneration?: unknown }).observedGeneration)
}
