import { describe, expect, it } from 'vitest'
import { parse, type ParsedSpec } from '../../src/api/modelservice.ts'
import { referencesOf, resolve, type Resolution } from '../../src/decide/resolve.ts'
import { limits } from '../../src/limits.ts'
import type { ObjectRead, ObjectRef } from '../../src/referenced-object.ts'
import { stored, uuid } from '../support/decide-inputs.ts'

function specOf(declared: object): ParsedSpec {
  const parsed = parse(stored({ uuid, ...declared }))
  if (!parsed.ok) throw new Error(parsed.issues.join())
  return parsed.spec
}

const found = (data: Readonly<Record<string, string | undefined>>, uid = 'u', resourceVersion = '1'): ObjectRead => ({
  ...{ kind: 'found', uid, resourceVersion, data: new Map(Object.entries(data)) },
})

type Reads = Readonly<Record<string, ObjectRead | undefined>>
const readFrom = (reads: Reads) => (ref: ObjectRef) => {
  const name = `${ref.kind} ${ref.name}`
  return name in reads ? reads[name] : ({ kind: 'notFound' } as const)
}

const resolved = (declared: object, reads: Reads) => resolve(specOf(declared), 'team', readFrom(reads))

function desiredIn(resolution: Resolution): Readonly<Record<string, unknown>> {
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution))
  return Object.fromEntries(resolution.declaration.desired)
}

const issuesIn = (resolution: Resolution) => (resolution.kind === 'unresolved' ? resolution.issues : resolution.kind)

describe('values from Secrets and ConfigMaps', () => {
  it('come in the order of a Pod’s envFrom: a later one wins, and the map of the spec wins over all', () => {
    const declared = {
      environmentParametersFrom: [
        { secretRef: { name: 's' } },
        { configMapRef: { name: 'c' }, prefix: 'P_' },
        { secretKeyRef: { name: 's', key: 'A' }, as: 'P_B' },
        { configMapKeyRef: { name: 'c', key: 'C' } },
      ],
      environmentParameters: { C: 'inline', D: 'inline' },
    }
    const reads = { 'Secret s': found({ A: 'sa', C: 'sc' }), 'ConfigMap c': found({ B: 'cb', C: 'cc' }) }
    expect(desiredIn(resolved(declared, reads))).toEqual({
      environmentParameters: { A: 'sa', C: 'inline', P_B: 'sa', P_C: 'cc', D: 'inline' },
    })
    const { environmentParametersFrom } = declared
    expect(desiredIn(resolved({ environmentParametersFrom }, reads)).environmentParameters).toMatchObject({ C: 'cc' })
  })

  it('fill each field from its own list', () => {
    const entry = [{ secretKeyRef: { name: 's', key: 'A' } }]
    const declared = {
      startupParametersFrom: entry,
      inferenceParamsFrom: entry,
      yamlFrom: { configMapKeyRef: { name: 'c', key: 'Y' } },
      requestMemory: '1Mi',
    }
    const reads = { 'Secret s': found({ A: 'a' }), 'ConfigMap c': found({ Y: 'y: 1' }) }
    expect(desiredIn(resolved(declared, reads))).toEqual({
      requestMemory: 1048576,
      startupParameters: { A: 'a' },
      inferenceParams: { A: 'a' },
      yaml: 'y: 1',
    })
  })

  it('an empty list declares nothing, and one of which all that is missing is optional an empty map', () => {
    expect(desiredIn(resolved({ environmentParametersFrom: [] }, {}))).toEqual({})
    const optional = [
      { secretRef: { name: 'gone' }, optional: true },
      { configMapKeyRef: { name: 'c', key: 'none' }, optional: true },
    ]
    const reads = { 'ConfigMap c': found({}) }
    expect(desiredIn(resolved({ environmentParametersFrom: optional }, reads))).toEqual({ environmentParameters: {} })
  })

  it('are read once each, whatever refers to them', () => {
    const declared = specOf({
      environmentParametersFrom: [{ secretRef: { name: 's' } }, { secretKeyRef: { name: 's', key: 'A' } }],
      inferenceParamsFrom: [{ configMapRef: { name: 's' } }],
      yamlFrom: { secretKeyRef: { name: 's', key: 'Y' } },
    })
    expect(referencesOf(declared, 'team')).toEqual([
      { kind: 'Secret', namespace: 'team', name: 's' },
      { kind: 'ConfigMap', namespace: 'team', name: 's' },
    ])
    expect(referencesOf(specOf({ environmentParameters: { A: 'a' } }), 'team')).toEqual([])
  })
})

describe('what cannot be put in its place', () => {
  it('is told all at once, each with where it stands', () => {
    const declared = {
      environmentParametersFrom: [
        { secretRef: { name: 'gone' } },
        { configMapKeyRef: { name: 'c', key: 'none' } },
        { secretKeyRef: { name: 's', key: 'binary' } },
        { secretRef: { name: 'digits' } },
      ],
      yamlFrom: { configMapKeyRef: { name: 'gone', key: 'Y' } },
    }
    const reads = {
      'ConfigMap c': found({}),
      'Secret s': found({ binary: undefined }),
      'Secret digits': found({ '1ST': 'x' }),
    }
    expect(issuesIn(resolved(declared, reads))).toEqual([
      'environmentParametersFrom[0]: there is no Secret gone in namespace team',
      'environmentParametersFrom[1]: ConfigMap c has no key none',
      'environmentParametersFrom[2]: key binary of Secret s is not UTF-8 text',
      'environmentParametersFrom[3]: key 1ST of Secret digits gives the name 1ST, which is no name of a variable (letters, digits, "-", "_" and ".", no digit first); use prefix or as',
      'yamlFrom: there is no ConfigMap gone in namespace team',
    ])
  })

  it('a key that is no name of a variable is none under a prefix that makes it one, nor among other parameters', () => {
    const reads = { 'Secret digits': found({ '1ST': 'x' }) }
    const entry = { secretRef: { name: 'digits' } }
    expect(desiredIn(resolved({ environmentParametersFrom: [{ ...entry, prefix: 'N' }] }, reads))).toEqual({
      environmentParameters: { N1ST: 'x' },
    })
    expect(desiredIn(resolved({ inferenceParamsFrom: [entry] }, reads))).toEqual({ inferenceParams: { '1ST': 'x' } })
  })

  it('a key that JSON cannot keep is told, and not lost', () => {
    const data = new Map([['__proto__', 'x']])
    const read = { kind: 'found', uid: 'u', resourceVersion: '1', data } as const
    expect(issuesIn(resolved({ inferenceParamsFrom: [{ secretRef: { name: 's' } }] }, { 'Secret s': read }))).toEqual([
      'inferenceParamsFrom[0]: key __proto__ of Secret s gives the name __proto__, which cannot be sent',
    ])
  })

  it('and may not be read is told even where it may be missing: nobody knows whether it is', () => {
    const entry = { secretRef: { name: 's' }, optional: true }
    const reads = { 'Secret s': { kind: 'forbidden', user: 'jane' } as const }
    expect(issuesIn(resolved({ environmentParametersFrom: [entry] }, reads))).toEqual([
      expect.stringContaining('--user=jane'),
    ])
  })

  it('for its size is told with both sizes', () => {
    const half = 'x'.repeat(limits.maxReferencedBytes / 2)
    const entries = ['a', 'b'].map((name) => ({ secretRef: { name } }))
    const declared = { inferenceParamsFrom: entries }
    expect(resolved(declared, { 'Secret a': found({ K: half }), 'Secret b': found({ L: half }) }).kind).toBe('resolved')
    const [issue] = issuesIn(
      resolved(declared, { 'Secret a': found({ K: half }), 'Secret b': found({ L: `${half}ä` }) }),
    )
    expect(issue).toBe(
      `the values from Secrets and ConfigMaps come to ${limits.maxReferencedBytes + 2} bytes, more than ${limits.maxReferencedBytes}; refer to single keys`,
    )
  })

  it('because it was not read yet is waited for, whatever else is wrong', () => {
    const declared = { environmentParametersFrom: [{ secretRef: { name: 'new' } }, { secretRef: { name: 'gone' } }] }
    expect(resolved(declared, { 'Secret new': undefined }).kind).toBe('pending')
    expect(resolved(declared, { 'Secret new': undefined, 'Secret gone': found({}) }).kind).toBe('pending')
  })
})

describe('what stands for a value in hashes', () => {
  const declared = { environmentParametersFrom: [{ secretKeyRef: { name: 's', key: 'A' }, as: 'X' }] }
  const identityOf = (spec: object, read: ObjectRead) => {
    const resolution = resolved(spec, { 'Secret s': read })
    if (resolution.kind !== 'resolved') throw new Error('not resolved')
    return JSON.stringify(resolution.declaration.sources.get('environmentParameters')?.identity)
  }

  it('changes with uid, version, key, name and prefix, and with nothing that a Secret holds', () => {
    const one = identityOf(declared, found({ A: 'one' }))
    expect(identityOf(declared, found({ A: 'two' }))).toBe(one)
    const as = { environmentParametersFrom: [{ secretKeyRef: { name: 's', key: 'A' }, as: 'Y' }] }
    const whole = { environmentParametersFrom: [{ secretRef: { name: 's' }, prefix: 'P_' }] }
    const others = [
      identityOf(declared, found({ A: 'one' }, 'u2')),
      identityOf(declared, found({ A: 'one' }, 'u', '2')),
      identityOf(as, found({ A: 'one' })),
      identityOf(whole, found({ A: 'one' })),
      identityOf({ ...declared, environmentParameters: { Z: '1' } }, found({ A: 'one' })),
    ]
    expect(new Set([one, ...others]).size).toBe(others.length + 1)
    expect([one, ...others].join()).not.toContain('one')
  })
})
