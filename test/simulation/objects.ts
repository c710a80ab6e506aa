/** What the API server of a simulated world holds: ModelServices with their history, and one Lease. */
import { isDeepStrictEqual } from 'node:util'
import type { StoredModelService } from '../../src/api/modelservice.ts'
import { ApiError } from '../../src/kube/cluster.ts'

export type Stored = StoredModelService
export type Metadata = Stored['metadata'] & { readonly labels?: Readonly<Record<string, string>> }
export type Change = {
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: Stored
}
export type Lease = {
  readonly metadata: Readonly<Record<string, unknown>>
  readonly spec?: Readonly<Record<string, unknown>>
}

export const keyOf = ({ metadata }: Stored) => `${metadata.namespace}/${metadata.name}`

export interface Objects {
  get(key: string): Stored | undefined
  all(): readonly Stored[]
  version(): number
  /** As it was at that version. */
  asOf(version: number): readonly Stored[]
  /** What came after a version, oldest first. */
  since(version: number): readonly Change[]
  /** The oldest version from which a watch may still go on. */
  oldest(): number
  /** Forgets the history up to now. */
  compact(): void
  create(key: string, spec: unknown, now: number): void
  /** Replaces spec, labels or annotations; only a spec that changes is a new generation. */
  edit(key: string, change: (object: Stored) => { spec?: unknown; metadata?: Partial<Metadata> }): void
  remove(key: string): void
  /** A PUT of the status subresource: of all the body says, the status is taken; uid and version are conditions. */
  replaceStatus(key: string, body: Pick<Stored, 'metadata' | 'status'>): Stored
  lease(): Lease | undefined
  writeLease(lease: Lease, isNew: boolean): Lease
  onChange(listener: (change: Change) => void): void
}

export function createObjects(epoch: number): Objects {
  const current = new Map<string, Stored>()
  const history: Change[] = []
  const listeners: ((change: Change) => void)[] = []
  let version = 100
  let oldest = version
  let lease: { readonly lease: Lease; readonly version: number } | undefined
  let births = 0

  function commit(type: Change['type'], key: string, object: Stored): Stored {
    version += 1
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
    if (type === 'DELETED') current.delete(key)
    else current.set(key, stored)
    const change = { version, type, object: stored }
    history.push(change)
    for (const listener of listeners) listener(change)
    return stored
  }

  const shownLease = () =>
    lease && { ...lease.lease, metadata: { ...lease.lease.metadata, resourceVersion: String(lease.version) } }

  return {
    get: (key) => current.get(key),
    all: () => [...current.values()],
    version: () => version,
    asOf(wanted) {
      const then = new Map<string, Stored>()
      for (const { version: at, type, object } of history) {
        if (at > wanted) break
        if (type === 'DELETED') then.delete(keyOf(object))
        else then.set(keyOf(object), object)
      }
      return [...then.values()]
    },
    since: (from) => history.filter(({ version: at }) => at > from),
    oldest: () => oldest,
    compact() {
      oldest = version
    },
    create(key, spec, now) {
      const [namespace = '', name = ''] = key.split('/')
      const creationTimestamp = new Date(epoch + now).toISOString().replace(/\.\d+Z$/, 'Z')
      births += 1
      const metadata = { name, namespace, uid: `uid-${births}`, resourceVersion: '', generation: 1, creationTimestamp }
      commit('ADDED', key, { metadata, spec })
    },
    edit(key, change) {
      const before = current.get(key)
      if (!before) return
      const { spec = before.spec, metadata = {} } = change(before)
      const generation = before.metadata.generation + (isDeepStrictEqual(spec, before.spec) ? 0 : 1)
      commit('MODIFIED', key, { ...before, spec, metadata: { ...before.metadata, ...metadata, generation } })
    },
    remove(key) {
      const object = current.get(key)
      if (object) commit('DELETED', key, object)
    },
    replaceStatus(key, { metadata, status }) {
      const before = current.get(key)
      if (!before) throw new ApiError(404, 'not found')
      const { uid, resourceVersion } = before.metadata
      if (metadata.uid !== uid || metadata.resourceVersion !== resourceVersion)
        throw new ApiError(409, 'the object has been modified')
      return isDeepStrictEqual(status, before.status) ? before : commit('MODIFIED', key, { ...before, status })
    },
    lease: shownLease,
    writeLease(body, isNew) {
      if (isNew ? lease : body.metadata.resourceVersion !== String(lease?.version)) throw new ApiError(409, 'conflict')
      version += 1
      lease = { lease: body, version }
      return shownLease()!
    },
    onChange: (listener) => void listeners.push(listener),
  }
}
