import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse, statusOf } from '../../src/api/modelservice.ts'
import type { Status } from '../../src/api/status.ts'
import { specs } from '../support/arbitrary.ts'
import { stored, uuid } from '../support/decide-inputs.ts'

const judge = (spec: unknown) => parse(stored(spec))
const issuesOf = (spec: unknown) => {
  const parsed = judge(spec)
  return parsed.ok ? [] : parsed.issues
}

const columns = {
  ...{ name: 255, framework: 255, description: 2048, startCommand: 1024 },
  ...{ type: 32, source: 32, pythonVersion: 32, gpuComputeCapability: 32 },
}
const bounded = [
  ...Object.entries(columns).map(([path, max]) => ({ path, max, spec: (text: string) => ({ uuid, [path]: text }) })),
  {
    path: 'architectureImages[].dockerImage',
    max: 255,
    spec: (text: string) => ({ uuid, architectureImages: [{ cpuArchitecture: 'x86_64', dockerImage: text }] }),
  },
]

describe('a stored spec', () => {
  it('that is valid is taken as it is, and the policy and suspend are filled in where they are absent', () => {
    fc.assert(
      fc.property(specs, (spec) => {
        expect(judge({ uuid, ...spec })).toEqual({
          ok: true,
          spec: { uuid, ...spec, policy: 'Enforce', suspend: false },
        })
      }),
      { seed: 20261123 },
    )
    const steered = { uuid, policy: 'Observe', suspend: true }
    expect(judge(steered)).toEqual({ ok: true, spec: steered })
  })

  it('may hold several images of one architecture', () => {
    const architectureImages = [
      { cpuArchitecture: 'x86_64', name: 'one', acceleratorType: 'NVIDIA', imageNamePattern: '.*' },
      { cpuArchitecture: 'X86_64', name: 'other' },
    ]
    expect(judge({ uuid, architectureImages })).toMatchObject({ ok: true, spec: { architectureImages } })
  })

  it.each(bounded)('holds at most as much in $path as ZStack’s column, whatever the characters', ({ max, spec }) => {
    expect(judge(spec('x'.repeat(max))).ok).toBe(true)
    expect(judge(spec('🚀'.repeat(max))).ok).toBe(true)
    for (const text of ['x'.repeat(max + 1), '🚀'.repeat(max + 1), `${'🚀'.repeat(max)}x`, 'x'.repeat(2 * max + 1)])
      expect(issuesOf(spec(text))).toEqual([expect.stringContaining(`must be at most ${max} characters`)])
  })

  it.each([
    ['no uuid', {}, 'spec.uuid: '],
    ['no spec at all', undefined, 'spec.uuid: '],
    [
      'a uuid with dashes',
      { uuid: '6c1a5f61-6794-4aa1-8862-94842075279f' },
      'spec.uuid: must be 32 lower-case hex digits',
    ],
    ['a uuid in capitals', { uuid: uuid.toUpperCase() }, 'spec.uuid: must be 32 lower-case hex digits'],
    ['a uuid with a line end', { uuid: `${uuid}\n` }, 'spec.uuid: must be 32 lower-case hex digits'],
    ['a path for a uuid', { uuid: '../accounts' }, 'spec.uuid: must be'],
    ['half a CPU', { uuid, requestCpu: 1.5 }, 'spec.requestCpu: '],
    ['less than no CPU', { uuid, requestCpu: -1 }, 'spec.requestCpu: '],
    ['memory of half a byte', { uuid, requestMemory: '100m' }, 'spec.requestMemory: must be a whole'],
    ['memory that is no number of bytes', { uuid, requestMemory: 1.5 }, 'spec.requestMemory: must be a whole'],
    ['memory that is neither number nor text', { uuid, requestMemory: true }, 'spec.requestMemory: must be a whole'],
    [
      'a count of GiB without the unit',
      { uuid, requestMemory: 16 },
      'spec.requestMemory: 16 is 16 bytes, less than 1 MiB; write 16Gi for 16 GiB',
    ],
    [
      'a count of MiB without the unit',
      { uuid, requestMemory: '8192' },
      'spec.requestMemory: 8192 is 8192 bytes, less than 1 MiB; write 8192Mi for 8192 MiB',
    ],
    [
      'memory in too small a unit',
      { uuid, requestMemory: '16Ki' },
      'spec.requestMemory: 16Ki is less than 1 MiB; write a larger unit',
    ],
    ['negative memory', { uuid, requestMemory: -1 }, 'spec.requestMemory: must be a whole'],
    ['a port beyond 65535', { uuid, servicePorts: [80, 70000] }, 'spec.servicePorts[1]: '],
    ['a number as environment', { uuid, environmentParameters: { A: 1 } }, 'spec.environmentParameters.A: '],
    ['a field of a newer operator', { uuid, gpuCount: 2 }, 'spec: this operator does not know gpuCount'],
    [
      'a newer field in an image',
      { uuid, architectureImages: [{ cpuArchitecture: 'x86_64', digest: 'x' }] },
      'spec.architectureImages[0]: this operator does not know digest',
    ],
  ])('with %s is invalid, and the issue names the place', (_, spec, issue) => {
    expect(judge(spec)).toMatchObject({ ok: false, reason: 'InvalidSpec' })
    expect(issuesOf(spec)).toEqual([expect.stringContaining(issue)])
  })

  it.each(['enforce', 'Delete', '', 5, null])('with the policy %j is one that never writes', (policy) => {
    expect(judge({ uuid, requestCpu: 8, policy })).toMatchObject({ ok: false, reason: 'UnknownPolicy' })
  })

  it('with an unknown policy and another fault is invalid, and both are reported', () => {
    const spec = { uuid, policy: 'Delete', requestCpu: 'eight' }
    expect(judge(spec)).toMatchObject({ ok: false, reason: 'InvalidSpec' })
    expect(issuesOf(spec)).toHaveLength(2)
  })

  it('with a key that would be lost on the way is invalid rather than sent without it', () => {
    const spec = JSON.parse(`{"uuid":"${uuid}","environmentParameters":{"__proto__":"x"}}`) as object
    expect(judge(spec)).toMatchObject({ ok: false, reason: 'InvalidSpec' })
    expect(issuesOf(spec)).toEqual(['spec.environmentParameters: a key __proto__ cannot be sent; remove it'])
  })

  it('never has a value of its own in an issue, so that no secret gets into status', () => {
    const secret = 'hush-2f9c'
    const spec = {
      uuid,
      policy: secret,
      requestMemory: secret,
      environmentParameters: { A: [secret] },
      startupParameters: secret,
      serviceName: { secret },
      servicePorts: [secret],
      serviceBootupTime: secret,
      systemTags: [{ secret }],
    }
    expect(issuesOf(spec)).toHaveLength(8)
    expect(issuesOf(spec).join()).not.toContain(secret)
  })
})

describe('a stored status', () => {
  const written: Status = {
    observedGeneration: 2,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'InSync',
        message: 'all is well',
        observedGeneration: 2,
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ],
    fieldHashes: { serviceName: 'abc' },
  }

  it('of our making is read back as it was written', () => {
    expect(statusOf(stored({ uuid }, written))).toStrictEqual(written)
  })

  it('keeps nothing that this operator does not know', () => {
    expect(statusOf(stored({ uuid }, { ...written, phase: 'Running' } as Status))).toStrictEqual(written)
  })

  it.each([undefined, null, 'text', { observedGeneration: 'two' }, { conditions: [{ type: 'Ready' }] }])(
    'of %j counts as none',
    (status) => {
      expect(statusOf(stored({ uuid }, status as unknown as Status))).toBeUndefined()
    },
  )
})
