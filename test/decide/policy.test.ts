import { describe, expect, it } from 'vitest'
import type { Declared } from '../support/decide-inputs.ts'
import { createPasses } from '../support/passes.ts'

const spec = { policy: 'ApplyChanges', requestCpu: 8, type: 'App' } as const
const readyOf = ({ status }: ReturnType<typeof createPasses>) => {
  const [ready] = status.conditions ?? []
  return [ready?.status, ready?.reason]
}

/** An object whose spec is in effect. */
function settled(declared: Declared = spec) {
  const passes = createPasses({ spec: declared })
  passes.pass()
  return passes
}

describe('ApplyChanges', () => {
  it('pushes what a new object declares', () => {
    expect(createPasses({ spec, live: { requestCpu: 4 } }).pass()).toEqual({ requestCpu: 8, type: 'App' })
  })

  it('pushes an edit', () => {
    const passes = settled()
    passes.edit({ ...spec, requestCpu: 16 })
    expect(passes.pass()).toEqual({ requestCpu: 16 })
  })

  it('leaves drift, and says so', () => {
    const passes = settled()
    passes.drift({ requestCpu: 4 })
    expect([passes.pass(), passes.pass()]).toEqual([undefined, undefined])
    expect(readyOf(passes)).toEqual(['True', 'DriftDetected'])
    expect(passes.status.drift).toEqual([{ field: 'requestCpu', desired: '8', live: '4' }])
    expect(passes.live.requestCpu).toBe(4)
  })

  it('pushes an edit of one field and leaves the drift of another', () => {
    const passes = settled()
    passes.drift({ requestCpu: 4 })
    passes.edit({ ...spec, type: 'Endpoint' })
    expect(passes.pass()).toEqual({ type: 'Endpoint' })
    expect(readyOf(passes)).toEqual(['True', 'DriftDetected'])
    expect([passes.pass(), passes.live.requestCpu]).toEqual([undefined, 4])
  })

  it('leaves drift that came with an edit of another field, before any pass saw either', () => {
    const passes = settled()
    passes.edit({ ...spec, type: 'Endpoint' })
    passes.drift({ requestCpu: 4 })
    expect(passes.pass()).toEqual({ type: 'Endpoint' })
    expect(passes.live.requestCpu).toBe(4)
  })

  it('pushes an edit of the very field that drifted', () => {
    const passes = settled()
    passes.drift({ requestCpu: 4 })
    passes.pass()
    passes.edit({ ...spec, requestCpu: 16 })
    expect(passes.pass()).toEqual({ requestCpu: 16 })
  })

  it('takes a value that came back by itself for in effect again, so that the next change of it is drift', () => {
    const passes = settled()
    passes.drift({ requestCpu: 4 })
    passes.pass()
    passes.drift({ requestCpu: 8 })
    passes.pass()
    expect(readyOf(passes)).toEqual(['True', 'InSync'])
    passes.drift({ requestCpu: 2 })
    expect(passes.pass()).toBeUndefined()
  })

  it('sends write-only fields once per value', () => {
    const passes = settled({ ...spec, serviceName: 'main' })
    passes.drift({ requestCpu: 4 })
    expect(passes.pass()).toBeUndefined()
    passes.edit({ ...spec, serviceName: 'other' })
    expect(passes.pass()).toEqual({ serviceName: 'other' })
  })

  it('that becomes Enforce puts back the drift it left', () => {
    const passes = settled()
    passes.drift({ requestCpu: 4 })
    passes.pass()
    passes.edit({ ...spec, policy: 'Enforce' })
    expect(passes.pass()).toEqual({ requestCpu: 8 })
    expect(passes.status.lastUpdate?.cause).toBe('DriftCorrected')
  })
})

describe('a suspension', () => {
  it('keeps an edit for its end, and tells it from drift then', () => {
    const passes = settled()
    passes.edit({ ...spec, requestCpu: 16, suspend: true })
    passes.drift({ type: 'Endpoint' })
    expect(passes.pass()).toBeUndefined()
    expect(readyOf(passes)).toEqual(['Unknown', 'Suspended'])
    passes.edit({ ...spec, requestCpu: 16 })
    expect(passes.pass()).toEqual({ requestCpu: 16 })
    expect(passes.live.type).toBe('Endpoint')
  })

  it('of an object that drifts under ApplyChanges holds nothing back', () => {
    const passes = settled()
    passes.edit({ ...spec, suspend: true })
    passes.drift({ requestCpu: 4 })
    passes.pass()
    expect(readyOf(passes)).toEqual(['True', 'DriftDetected'])
  })

  it('ends with an edit taken back, and nothing is sent', () => {
    const passes = settled()
    passes.edit({ ...spec, requestCpu: 16, suspend: true })
    passes.pass()
    passes.edit(spec)
    expect(passes.pass()).toBeUndefined()
    expect(readyOf(passes)).toEqual(['True', 'InSync'])
  })
})

describe('Observe', () => {
  it('never writes, and calls a difference drift', () => {
    const passes = createPasses({ spec: { ...spec, policy: 'Observe', serviceName: 'main' }, live: { requestCpu: 4 } })
    expect([passes.pass(), passes.pass({ requested: true })]).toEqual([undefined, undefined])
    expect(readyOf(passes)).toEqual(['True', 'DriftDetected'])
  })

  it('that ends sends what was never in effect', () => {
    const passes = createPasses({ spec: { policy: 'Observe', requestCpu: 8 }, live: { requestCpu: 4 } })
    passes.pass()
    passes.edit({ policy: 'ApplyChanges', requestCpu: 8 })
    expect(passes.pass()).toEqual({ requestCpu: 8 })
  })
})

describe('yaml', () => {
  const stores = (patch: object) =>
    'yaml' in patch ? { ...patch, yaml: String(patch.yaml).replaceAll(/^#.*\n/gm, '') } : patch

  it('that ZStack stores without its comments is not fought, and an edit of a comment goes out once', () => {
    const passes = createPasses({ spec: { yaml: '# one\na: 1\n' }, stores })
    expect(passes.pass()).toEqual({ yaml: '# one\na: 1\n' })
    expect(passes.pass()).toBeUndefined()
    passes.edit({ yaml: '# two\na: 1\n' })
    expect(passes.pass()).toEqual({ yaml: '# two\na: 1\n' })
    expect([passes.pass(), passes.pass()]).toEqual([undefined, undefined])
    expect(readyOf(passes)).toEqual(['True', 'InSync'])
  })

  it('whose comment was edited is not sent under Observe, but once that ends', () => {
    const passes = createPasses({ spec: { yaml: 'a: 1\n' } })
    passes.pass()
    passes.edit({ yaml: '# why\na: 1\n', policy: 'Observe' })
    expect(passes.pass()).toBeUndefined()
    passes.edit({ yaml: '# why\na: 1\n' })
    expect(passes.pass()).toEqual({ yaml: '# why\na: 1\n' })
  })
})
