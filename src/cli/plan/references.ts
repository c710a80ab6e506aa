/** What the Secrets and ConfigMaps hold that specs take values from, as far as the caller may read them. */
import { parse } from '../../api/modelservice.ts'
import { referencesOf, type ReadReferenced } from '../../decide/resolve.ts'
import { readReferenced } from '../../kube/referenced-objects.ts'
import type { ObjectRead, ObjectRef } from '../../referenced-object.ts'
import type { KubernetesAccess } from '../kubernetes-access.ts'
import type { PlanSubject } from './plan-objects.ts'

/** Reads that are under way at once. */
const maxReads = 8

/** Reads each object that is referred to once, by its name. */
export async function readReferences(
  subjects: readonly PlanSubject[],
  { cluster }: KubernetesAccess,
  signal: AbortSignal,
): Promise<ReadReferenced> {
  const refs = new Map<string, ObjectRef>()
  for (const { object } of subjects) {
    const parsed = parse(object)
    if (parsed.ok) for (const ref of referencesOf(parsed.spec, object.metadata.namespace)) refs.set(keyOf(ref), ref)
  }
  const reads = new Map<string, ObjectRead>()
  const left = [...refs.entries()]
  const work = async () => {
    for (let next = left.pop(); next; next = left.pop())
      reads.set(next[0], await readReferenced(cluster, next[1], signal))
  }
  await Promise.all(Array.from({ length: maxReads }, work))
  return (ref) => reads.get(keyOf(ref))
}

const keyOf = ({ kind, namespace, name }: ObjectRef) => `${kind} ${namespace}/${name}`
