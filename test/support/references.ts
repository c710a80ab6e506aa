/** Secrets and ConfigMaps in memory, as a reader last saw them. */
import type { ReferencedObjects } from '../../src/reconcile/ports.ts'
import type { ObjectRead, ObjectRef } from '../../src/referenced-object.ts'

type Name = Pick<ObjectRef, 'kind' | 'name'>

export interface FakeReferences extends ReferencedObjects {
  /** Writes an object with these texts, anew unless it is there: another resourceVersion, and the same uid. */
  write(object: Name, data: Readonly<Record<string, string | undefined>>): void
  /** Shows something else than an object; `undefined`: it was not read yet. */
  show(object: Name, read: ObjectRead | undefined): void
  /** What was asked for without waiting, as `Secret name`. */
  readonly refreshed: readonly string[]
  /** What is asked for from now on is answered then. */
  answerRefreshAfter(promise: Promise<void>): void
  /** What the object of that key refers to, as `Secret name`. */
  referredBy(key: string): readonly string[]
}

const nameOf = ({ kind, name }: Name) => `${kind} ${name}`

/** Whoever is not there is not found. */
export function createFakeReferences(): FakeReferences {
  const reads = new Map<string, ObjectRead | undefined>()
  const referred = new Map<string, readonly string[]>()
  const refreshed: string[] = []
  let versions = 0
  let answered: Promise<void> | undefined
  return {
    refreshed,
    async refresh(refs) {
      refreshed.push(...refs.map(nameOf))
      await answered
    },
    answerRefreshAfter(promise) {
      answered = promise
    },
    refer: (key, refs) => void referred.set(key, refs.map(nameOf)),
    get: (ref) => (reads.has(nameOf(ref)) ? reads.get(nameOf(ref)) : { kind: 'notFound' }),
    write(object, data) {
      const before = reads.get(nameOf(object))
      versions += 1
      const uid = before?.kind === 'found' ? before.uid : `uid-${versions}`
      const entries = new Map(Object.entries(data))
      reads.set(nameOf(object), { kind: 'found', uid, resourceVersion: String(versions), data: entries })
    },
    show: (object, read) => void reads.set(nameOf(object), read),
    referredBy: (key) => referred.get(key) ?? [],
  }
}

/** For objects that refer to nothing. */
export const noReferences: ReferencedObjects = {
  refer: () => undefined,
  refresh: () => Promise.resolve(),
  get: () => undefined,
}
