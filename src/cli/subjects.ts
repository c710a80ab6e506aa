/** Manifests as the objects that the API server would store. */
import { isDeepStrictEqual } from 'node:util'
import { isMap } from '../api/json.ts'
import type { StoredModelService } from '../api/modelservice.ts'
import type { Manifest } from './manifests.ts'
import type { PlanSubject } from './plan/plan-objects.ts'
import { createAdmission } from './validation/admission.ts'

export type SubjectOptions = {
  /** Of objects that name none. */
  readonly namespace?: string
  /** The objects that those of the manifests would replace, by namespace and name. */
  readonly stored?: ReadonlyMap<string, StoredModelService>
}

export function subjectsOf(
  manifests: readonly Manifest[],
  { namespace = '', stored }: SubjectOptions = {},
): readonly PlanSubject[] {
  const admit = createAdmission()
  return manifests.map(({ source, object }) => {
    const metadata = isMap(object.metadata) ? object.metadata : {}
    const name = textIn(metadata.name) ?? '(no name)'
    const space = textIn(metadata.namespace) ?? namespace
    const before = stored?.get(`${space}/${name}`)
    const admission = admit(object, before)
    const spec: unknown = admission.ok ? admission.object.spec : object.spec
    const annotations = { ...before?.metadata.annotations, ...annotationsIn(metadata) }
    const born = { name, namespace: space, uid: '', resourceVersion: '', generation: 1, creationTimestamp: '' }
    const asStored: StoredModelService = {
      metadata: { ...born, ...before?.metadata, generation: generationAfter(before, spec), annotations },
      spec,
      ...(before?.status !== undefined && { status: before.status }),
    }
    return { source, object: asStored, ...(!admission.ok && { refusal: admission.findings }) }
  })
}

/** A spec that is another one is another generation. */
function generationAfter(before: StoredModelService | undefined, spec: unknown): number {
  if (!before) return 1
  return before.metadata.generation + (isDeepStrictEqual(before.spec, spec) ? 0 : 1)
}

const textIn = (value: unknown) => (typeof value === 'string' ? value : undefined)

function annotationsIn({ annotations }: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return isMap(annotations) ? (annotations as Readonly<Record<string, string>>) : {}
}
