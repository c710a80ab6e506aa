/** Manifests as the objects that the API server would store. */
import { isMap } from '../api/json.ts'
import type { StoredModelService } from '../api/modelservice.ts'
import type { Manifest } from './manifests.ts'
import type { PlanSubject } from './plan/plan-objects.ts'
import { createAdmission } from './validation/admission.ts'

/** @param namespace of objects that name none */
export function subjectsOf(manifests: readonly Manifest[], namespace?: string): readonly PlanSubject[] {
  const admit = createAdmission()
  return manifests.map(({ source, object }) => {
    const admission = admit(object)
    const stored = admission.ok ? admission.object : object
    const metadata = isMap(stored.metadata) ? stored.metadata : {}
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
    const asStored: StoredModelService = {
      metadata: {
        name: text(metadata.name) ?? '(no name)',
        namespace: text(metadata.namespace) ?? namespace ?? '',
        uid: '',
        resourceVersion: '',
        generation: 1,
        creationTimestamp: '',
        ...(isMap(metadata.annotations) && { annotations: metadata.annotations as Readonly<Record<string, string>> }),
      },
      spec: stored.spec,
    }
    return { source, object: asStored, ...(!admission.ok && { refusal: admission.findings }) }
  })
}
