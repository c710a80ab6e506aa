/** Builders of what a pass takes as input: a spec, what ZStack shows, what was accepted before, and the circumstances. */
import type { FieldName, Spec, StoredModelService } from '../../src/api/modelservice.ts'
import type { Status } from '../../src/api/status.ts'
import { assess, reassess, type Hashes, type Observation } from '../../src/decide/assess.ts'
import { desiredOf, type Desired } from '../../src/api/fields.ts'
import type { Json } from '../../src/api/json.ts'
import type { Outcome, Comparison } from '../../src/decide/outcome.ts'
import type { Intent } from '../../src/decide/plan.ts'
import { hashesIn, type StatusContext } from '../../src/decide/status.ts'

export const uuid = '6c1a5f6167944aa1886294842075279f'
export const uid = '3f0c7a52-5a1f-4b1c-9c55-2d1f6f0a7e11'
export const endpoint = 'http://zstack.example.com:8080/zstack'

export type Declared = Omit<Spec, 'uuid'>
export type LiveValues = Readonly<Partial<Record<FieldName, Json>>>

export function desired(spec: Declared): Desired {
  return desiredOf({ uuid, ...spec })
}

/** One read; `shows` names the newer fields that the server is known to show. */
export function observation(values: LiveValues, shows: readonly FieldName[] = []): Observation {
  const entries = Object.entries(values) as [FieldName, Json][]
  return { live: { values: new Map(entries) }, shows: new Set(shows) }
}

/** A spec compared with what ZStack shows. */
export function compared(spec: Declared, live: LiveValues, accepted: Hashes = {}): Comparison {
  const seen = observation(live)
  return { observation: seen, assessment: assess(desired(spec), seen, accepted, uid) }
}

/** The same after an update of these fields was accepted. */
export function updated(
  spec: Declared,
  live: LiveValues,
  sent: readonly FieldName[],
  accepted: Hashes = {},
): Comparison {
  const seen = observation(live)
  return { observation: seen, assessment: reassess(desired(spec), seen, accepted, sent, uid) }
}

export const inSync = (spec: Declared = {}, live: LiveValues = {}): Outcome => ({
  kind: 'inSync',
  comparison: updated(spec, live, Object.keys(spec) as FieldName[]),
})

export function intent(modifiers: Partial<Intent> = {}): Intent {
  return { policy: 'Enforce', suspend: false, requested: false, held: false, ...modifiers }
}

export function circumstances(modifiers: Partial<StatusContext> = {}): StatusContext {
  return {
    generation: 1,
    now: new Date('2026-01-01T00:00:00Z'),
    connection: { kind: 'Environment', name: 'default', endpoint },
    ...modifiers,
  }
}

/** A ModelService as the API server gives it back: through JSON. */
export function stored(spec: unknown, status?: Status): StoredModelService {
  const metadata = {
    name: 'llm',
    namespace: 'default',
    uid,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
  }
  return JSON.parse(JSON.stringify({ metadata, spec, status })) as StoredModelService
}

/** What a process started later remembers of what an earlier one reported. */
export function afterRestart(status: Status): Hashes {
  return hashesIn(JSON.parse(JSON.stringify(status)) as Status)
}
