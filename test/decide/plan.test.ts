import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policies } from '../../src/api/modelservice.ts'
import { assess } from '../../src/decide/assess.ts'
import { plan } from '../../src/decide/plan.ts'
import { encounters, encoded, read } from '../support/arbitrary.ts'
import { compared, desired, intent, uid, updated } from '../support/decide-inputs.ts'
import { createPasses } from '../support/passes.ts'

const intents = fc.record({
  policy: fc.constantFrom(...policies),
  suspend: fc.boolean(),
  requested: fc.boolean(),
  held: fc.boolean(),
})

describe('a plan', () => {
  it('applied leaves nothing to plan, and a restart in between changes nothing', () => {
    fc.assert(
      fc.property(encounters, ({ spec, server, live }) => {
        const passes = createPasses({ spec, server, live })
        passes.pass()
        expect(passes.pass()).toBeUndefined()
        expect(passes.status.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'True', reason: 'InSync' })
        expect(passes.status.convergedGeneration).toBe(1)
      }),
      { seed: 20261123 },
    )
  })

  it('is nothing where desired and live are equal', () => {
    fc.assert(
      fc.property(encounters, fc.constantFrom(...policies), ({ spec, server, live }, policy) => {
        const passes = createPasses({ spec, server, live })
        passes.pass()
        passes.edit({ ...spec, policy })
        expect(passes.pass()).toBeUndefined()
      }),
      { seed: 20261123 },
    )
  })

  it('holds only declared fields, with the declared values', () => {
    fc.assert(
      fc.property(encounters, intents, ({ spec, server, live }, wish) => {
        const want = encoded(spec)
        const decision = plan(want, assess(want, read(server, live), {}, uid), wish)
        if (decision.kind !== 'update') return
        expect(decision.patch).toEqual(Object.fromEntries([...want].filter(([field]) => field in decision.patch)))
        expect(Object.keys(decision.patch)).not.toEqual([])
      }),
      { seed: 20261123 },
    )
  })

  it('under Observe, during a suspension or while held is never an update', () => {
    fc.assert(
      fc.property(encounters, intents, ({ spec, server, live }, wish) => {
        const want = encoded(spec)
        const { kind } = plan(want, assess(want, read(server, live), {}, uid), wish)
        const forbidden = wish.policy === 'Observe' || wish.suspend || wish.held
        expect(kind === 'update' && forbidden).toBe(false)
      }),
      { seed: 20261123 },
    )
  })

  it('has only the fields that differ', () => {
    const { assessment } = compared({ requestCpu: 8, name: 'a', type: 'App' }, { requestCpu: 4, name: 'a' })
    expect(plan(desired({ requestCpu: 8, name: 'a', type: 'App' }), assessment, intent())).toEqual({
      kind: 'update',
      patch: { requestCpu: 8, type: 'App' },
      cause: 'SpecChanged',
    })
  })

  it('under Observe leaves a difference as it is, and has nothing to say of what cannot be read', () => {
    const wish = intent({ policy: 'Observe' })
    const different = { requestCpu: 8 }
    expect(plan(desired(different), compared(different, {}).assessment, wish).kind).toBe('leave')
    const hidden = { serviceName: 'main' }
    expect(plan(desired(hidden), compared(hidden, {}).assessment, wish).kind).toBe('nothing')
  })

  it('is held back by a suspension before by anything else', () => {
    const { assessment } = compared({ requestCpu: 8 }, { requestCpu: 4 })
    expect(plan(desired({ requestCpu: 8 }), assessment, intent({ suspend: true, held: true })).kind).toBe('suspended')
    expect(plan(desired({ requestCpu: 8 }), assessment, intent({ held: true })).kind).toBe('hold')
  })
})

describe('the cause of an update', () => {
  const spec = { requestCpu: 8, type: 'App' }
  const { accepted } = updated(spec, spec, []).assessment

  it('is drift where every field was in effect', () => {
    const { assessment } = compared(spec, { requestCpu: 4, type: 'Endpoint' }, accepted)
    expect(plan(desired(spec), assessment, intent())).toMatchObject({ cause: 'DriftCorrected' })
  })

  it('is the spec where one field was changed there', () => {
    const edited = { ...spec, type: 'Endpoint' }
    const { assessment } = compared(edited, { requestCpu: 4, type: 'App' }, accepted)
    expect(plan(desired(edited), assessment, intent())).toMatchObject({ cause: 'SpecChanged' })
  })
})

describe('a request', () => {
  const spec = { requestCpu: 8, serviceName: 'main' }

  it('sends write-only fields again, and nothing that is read equal', () => {
    const passes = createPasses({ spec })
    expect(passes.pass()).toEqual(spec)
    expect(passes.pass({ requested: true })).toEqual({ serviceName: 'main' })
    expect(passes.status.lastUpdate?.cause).toBe('Requested')
    expect(passes.pass()).toBeUndefined()
  })

  it('during a suspension only looks: nothing waits for its end', () => {
    const passes = createPasses({ spec })
    passes.pass()
    passes.edit({ ...spec, suspend: true })
    expect(passes.pass({ requested: true })).toBeUndefined()
    expect(passes.status.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'True', reason: 'InSync' })
  })
})
