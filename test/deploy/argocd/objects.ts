/** ModelServices as Argo CD, Flux and kubectl meet them: with the statuses that the operator writes. */
import type { Spec } from '../../../src/api/modelservice.ts'
import type { Status } from '../../../src/api/status.ts'
import { assess, type Observation } from '../../../src/decide/assess.ts'
import { failurePolicy, type FailureKind } from '../../../src/decide/failure.ts'
import { desiredOf } from '../../../src/api/fields.ts'
import type { Outcome, Comparison } from '../../../src/decide/outcome.ts'
import { statusAfter as statusOfPass } from '../../../src/decide/status.ts'

const uuid = '6c1a5f6167944aa1886294842075279f'
const endpoint = 'https://zstack.example.com/zstack'
const owner = '7c1f2f6e-0000-4000-8000-000000000001'
const now = new Date('2026-11-23T12:00:00Z')

export type ModelServiceObject = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly spec: Readonly<Record<string, unknown>>
  readonly status?: unknown
}

/** An object of some generation, newly created unless a status is given. */
export function modelServiceObject(
  parts: {
    readonly generation?: number
    readonly metadata?: object
    readonly spec?: object
    readonly status?: unknown
  } = {},
): ModelServiceObject {
  const { generation = 1, metadata, spec, status } = parts
  return {
    apiVersion: 'ai.zstack.io/v1alpha1',
    kind: 'ModelService',
    metadata: { name: 'chat', namespace: 'models', uid: owner, generation, ...metadata },
    spec: { uuid, requestCpu: 8, requestMemory: '16Gi', ...spec },
    ...(status !== undefined && { status }),
  }
}

/** What a pass over such an object saw, ZStack holding this many CPUs. */
export function seen(requestCpu: number): Comparison {
  const spec: Spec = { uuid, requestCpu: 8, requestMemory: '16Gi', environmentParameters: { HF_TOKEN: 'hush' } }
  const observation: Observation = {
    live: {
      values: new Map([
        ['requestCpu', requestCpu],
        ['requestMemory', 16 * 2 ** 30],
      ]),
    },
    shows: new Set(),
  }
  return { observation, assessment: assess(desiredOf(spec), observation, {}, owner) }
}

export type Pass = { readonly outcome: Outcome; readonly suspend?: boolean; readonly previous?: Status }

/** The status after a pass over the spec of this generation. */
export function statusAfter({ outcome, suspend = false, previous }: Pass, generation = 1): Status {
  return statusOfPass(outcome, previous, {
    generation,
    now,
    suspension: suspend ? { kind: 'spec' } : undefined,
    connection: { kind: 'Environment', name: 'default', endpoint },
  })
}

/** Every way a pass can end; a kind that is added and not listed here is a type error. */
export const passes: { readonly [K in Exclude<Outcome['kind'], 'failed'>]: Pass & { outcome: { kind: K } } } = {
  initializing: { outcome: { kind: 'initializing' } },
  invalid: { outcome: { kind: 'invalid', reason: 'InvalidSpec', issues: ['spec.requestCpu: expected number'] } },
  unresolved: { outcome: { kind: 'unresolved', issues: ['yamlFrom: there is no Secret x in namespace models'] } },
  conflict: { outcome: { kind: 'conflict', uuid, winner: 'models/older' } },
  missing: { outcome: { kind: 'missing', uuid } },
  inSync: { outcome: { kind: 'inSync', comparison: seen(8) } },
  drifted: { outcome: { kind: 'drifted', comparison: seen(4), policy: 'Observe' } },
  suspended: { outcome: { kind: 'suspended', comparison: seen(4) }, suspend: true },
  updating: { outcome: { kind: 'updating', comparison: seen(4) } },
  awaitingJob: { outcome: { kind: 'awaitingJob', comparison: seen(4), afterMs: 1000 } },
  ineffective: { outcome: { kind: 'ineffective', comparison: seen(4), retryInMs: 3_600_000 } },
}

/** And every way it can fail: before or after a look, with an observation that still counts or not. */
export const failedPasses: readonly (Pass & { readonly name: string; readonly failure: FailureKind })[] = (
  Object.keys(failurePolicy) as FailureKind[]
).flatMap((kind) => {
  const failure = { kind, message: `what ZStack said of ${kind}` }
  return [
    { name: `${kind}, nothing read`, failure: kind, outcome: { kind: 'failed', failure, stale: false } },
    { name: `${kind}, read before`, failure: kind, outcome: { kind: 'failed', failure, seen: seen(4), stale: false } },
    { name: `${kind}, for too long`, failure: kind, outcome: { kind: 'failed', failure, stale: true } },
  ] as const
})

export const everyPass: readonly (Pass & { readonly name: string })[] = [
  ...Object.entries(passes).map(([name, pass]) => ({ ...pass, name })),
  ...failedPasses,
].flatMap((pass) => [pass, { ...pass, name: `${pass.name}, suspended`, suspend: true }])
