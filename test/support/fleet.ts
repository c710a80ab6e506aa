import { isDeepStrictEqual } from 'node:util'
import type { Spec, StoredModelService } from '../../src/api/modelservice.ts'
import { statusOf } from '../../src/api/modelservice.ts'
import { reconcileRequestedAt } from '../../src/api/names.ts'
import type { Status } from '../../src/api/status.ts'
import type { Objects } from '../../src/reconcile/ports.ts'

/** What happens to the next status write instead. */
export type WriteScript =
  | { readonly fails: Error }
  /** Taken, but not before this resolves. */
  | { readonly after: Promise<unknown> }
  /** The object was deleted, and the watch has not delivered that. */
  | { readonly finds: 'nothing' }

export type Birth = {
  readonly createdAt?: string
  readonly uid?: string
  readonly status?: unknown
}

/** ModelServices as an API server keeps them, in memory. The key of `a` is `default/a`. */
export interface Fleet extends Objects {
  /** With anything for a spec: older schemas let through what they like. */
  create(name: string, spec: Partial<Spec> | Readonly<Record<string, unknown>>, birth?: Birth): void
  /** Merges into the spec, `undefined` takes a field away; a spec that changes is a new generation. */
  edit(name: string, change: Partial<Record<keyof Spec, unknown>>): void
  /** Sets annotations; `undefined` takes one away. */
  annotate(name: string, annotations: Readonly<Record<string, string | undefined>>): void
  /** Somebody else writes over the status. */
  writeOver(name: string, status: unknown): void
  /** Asks to look now. */
  request(name: string, token: string): void
  /** Deletion was asked for, and somebody's finalizer keeps the object. */
  beginDeletion(name: string): void
  remove(name: string): void
  keys(): readonly string[]
  status(name: string): Status
  /** Every status that was taken, oldest first. */
  readonly writes: readonly { readonly key: string; readonly status: Status }[]
  /** Scripts for the next status writes, first come first served. */
  nextWrite(...scripts: WriteScript[]): void
  /** Drops the scripts that are left. */
  endFaults(): void
}

export type OnFleetChange = (
  key: string,
  before: StoredModelService | undefined,
  after: StoredModelService | undefined,
) => void

export const keyOf = (name: string) => `default/${name}`

export function createFleet(onChange: OnFleetChange = () => undefined): Fleet {
  const objects = new Map<string, StoredModelService>()
  const writes: { key: string; status: Status }[] = []
  const scripts: WriteScript[] = []
  let serial = 0

  function put(key: string, object: StoredModelService | undefined) {
    const before = objects.get(key)
    if (object) objects.set(key, object)
    else objects.delete(key)
    onChange(key, before, object)
  }

  function get(name: string): StoredModelService {
    const object = objects.get(keyOf(name))
    if (!object) throw new Error(`there is no ${name}`)
    return object
  }

  function change(name: string, metadata: Partial<StoredModelService['metadata']>, more: object = {}) {
    const object = get(name)
    const version = { resourceVersion: String(++serial) }
    put(keyOf(name), { ...object, ...more, metadata: { ...object.metadata, ...metadata, ...version } })
  }

  return {
    create(name, spec, { createdAt = '2026-01-01T00:00:00Z', uid, status } = {}) {
      const version = String(++serial)
      const metadata = { name, namespace: 'default', uid: uid ?? `uid-${version}`, resourceVersion: version }
      const born = { metadata: { ...metadata, generation: 1, creationTimestamp: createdAt }, spec }
      put(keyOf(name), status === undefined ? born : { ...born, status })
    },
    edit(name, edits) {
      const { spec, metadata } = get(name)
      const entries = Object.entries({ ...(spec as object), ...edits }).filter(([, value]) => value !== undefined)
      const edited = Object.fromEntries(entries)
      const generation = metadata.generation + (isDeepStrictEqual(edited, spec) ? 0 : 1)
      change(name, { generation }, { spec: edited })
    },
    annotate(name, given) {
      const entries = Object.entries({ ...get(name).metadata.annotations, ...given })
      const annotations = Object.fromEntries(
        entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
      )
      change(name, { annotations })
    },
    writeOver: (name, status) => change(name, {}, { status }),
    request: (name, token) => change(name, { annotations: { [reconcileRequestedAt]: token } }),
    beginDeletion: (name) => change(name, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    remove: (name) => put(keyOf(name), undefined),
    keys: () => [...objects.keys()],
    status: (name) => statusOf(get(name)) ?? {},
    writes,
    nextWrite: (...more) => void scripts.push(...more),
    endFaults: () => void scripts.splice(0),

    get: (key) => objects.get(key),
    async writeStatus({ metadata }, status, signal) {
      signal.throwIfAborted()
      const script = scripts.shift()
      if (script && 'fails' in script) throw script.fails
      if (script && 'finds' in script) return false
      await script?.after
      signal.throwIfAborted()
      const key = keyOf(metadata.name)
      const current = objects.get(key)
      if (current?.metadata.uid !== metadata.uid) return false
      const stored = JSON.parse(JSON.stringify(status)) as Status
      writes.push({ key, status: stored })
      change(metadata.name, {}, { status: stored })
      return true
    },
  }
}
