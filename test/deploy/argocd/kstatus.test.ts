import { describe, expect, it } from 'vitest'
import { progressOf } from '../../../src/decide/failure.ts'
import { engineMissing, runScript } from './engine.ts'
import { isWaitOver, kstatus, type KStatus } from './judges.ts'
import { everyPass, failedPasses, modelServiceObject, passes, seen, statusAfter, type Pass } from './objects.ts'

const objectAfter = (pass: Pass) => modelServiceObject({ status: statusAfter(pass) })

describe('by the rules of kstatus', () => {
  const expected: Record<keyof typeof passes, KStatus> = {
    initializing: 'InProgress',
    invalid: 'Failed',
    unresolved: 'Failed',
    conflict: 'Failed',
    missing: 'Failed',
    inSync: 'Current',
    drifted: 'Current',
    suspended: 'InProgress',
    updating: 'InProgress',
    awaitingJob: 'InProgress',
    ineffective: 'Failed',
  }
  it.each(Object.entries(expected))('an object after a pass that ended %s is %s', (name, status) => {
    expect(kstatus(objectAfter(passes[name as keyof typeof passes]))).toBe(status)
  })

  it('an object after a failure is Failed exactly if only a person can help', () => {
    for (const pass of failedPasses) {
      const status = progressOf(pass.failure) === 'Stalled' ? 'Failed' : 'InProgress'
      expect(kstatus(objectAfter(pass)), pass.name).toBe(status)
    }
  })

  it('the status does not depend on the order of conditions', () => {
    for (const pass of everyPass) {
      const status = statusAfter(pass)
      const reversed = modelServiceObject({ status: { ...status, conditions: status.conditions?.toReversed() } })
      expect(kstatus(reversed), pass.name).toBe(kstatus(objectAfter(pass)))
    }
  })

  it('an edit is in progress until the operator has judged it, whatever was said before', () => {
    for (const pass of everyPass) {
      const edited = modelServiceObject({ generation: 2, status: statusAfter(pass) })
      expect(kstatus(edited), pass.name).toBe('InProgress')
    }
  })

  it('an object at rest stays Current through a short outage, and an edited one does not', () => {
    const previous = statusAfter(passes.inSync)
    const outage = { kind: 'failed', failure: { kind: 'unavailable', message: 'refused' }, stale: false } as const
    const during = (generation: number) =>
      modelServiceObject({ generation, status: statusAfter({ outcome: outage, previous }, generation) })
    expect(kstatus(during(1))).toBe('Current')
    expect(kstatus(during(2))).toBe('InProgress')
  })

  it('an object that is being deleted is Terminating', () => {
    const status = statusAfter(passes.inSync)
    const metadata = { deletionTimestamp: '2026-11-23T12:00:00Z' }
    expect(kstatus(modelServiceObject({ metadata, status }))).toBe('Terminating')
  })
})

describe('kubectl wait for Ready', () => {
  it('ends exactly when kstatus says Current', () => {
    for (const pass of everyPass) {
      const object = objectAfter(pass)
      expect(isWaitOver(object, 'Ready'), pass.name).toBe(kstatus(object) === 'Current')
    }
  })

  it('does not end on what was true before an edit, nor for any other condition', () => {
    for (const pass of everyPass) {
      const status = statusAfter(pass)
      const edited = modelServiceObject({ generation: 2, status })
      for (const { type, status: said } of status.conditions ?? []) expect(isWaitOver(edited, type, said)).toBe(false)
    }
  })

  it('ends when the edit is in effect, though the connection was judged before', () => {
    const previous = statusAfter(passes.inSync)
    const edited = statusAfter({ outcome: { kind: 'inSync', comparison: seen(8) }, previous }, 2)
    expect(isWaitOver(modelServiceObject({ generation: 2, status: edited }), 'Ready')).toBe(true)
  })
})

describe.skipIf(engineMissing)('Argo CD and kstatus', () => {
  it('agree on every object that is not suspended', async () => {
    const objects = everyPass.filter(({ suspend }) => !suspend).map(objectAfter)
    const healths = (await runScript('health.lua', objects)) as readonly { status: string }[]
    const inWordsOfKstatus: Record<string, KStatus> = {
      Healthy: 'Current',
      Degraded: 'Failed',
      Progressing: 'InProgress',
    }
    expect(healths.map(({ status }) => inWordsOfKstatus[status])).toEqual(objects.map(kstatus))
  })
})
