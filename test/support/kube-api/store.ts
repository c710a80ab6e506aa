import { keyOf, type KubeObject } from './object.ts'

export type Change = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly version: number
  readonly collection: string
  readonly key: string
  /** The object after the change; for DELETED its last state, with the version of the deletion. */
  readonly object: KubeObject
  readonly previous: KubeObject | undefined
}

/** Objects by collection (`group/plural`) and key (`namespace/name`), under one counter of versions. */
export interface Store {
  /** The version of the last change, in any collection. */
  readonly version: number
  /** History before and up to this version is gone; a reader that stands at it or later misses nothing. */
  readonly compacted: number
  get(collection: string, key: string): KubeObject | undefined
  /** All objects sorted by key, now or as they were at a version not yet compacted. */
  list(collection: string, at?: number): KubeObject[]
  /** Stores the object under a new version and tells subscribers; answers the object as stored. */
  put(collection: string, object: KubeObject): KubeObject
  remove(collection: string, object: KubeObject): KubeObject
  /** Changes after a version, oldest first. Only for versions at or after `compacted`. */
  since(collection: string, version: number): Change[]
  /** Listeners run while the change is made, in order of subscription: they must not throw. */
  subscribe(collection: string, listener: (change: Change) => void): () => void
  compact(): void
}

/** Long enough for a reader that lags, short enough for a demo that runs for days. */
const HISTORY_LIMIT = 20_000

export function createStore(): Store {
  const collections = new Map<string, Map<string, KubeObject>>()
  const listeners = new Map<string, Set<(change: Change) => void>>()
  let history: Change[] = []
  // The real server has written objects of its own before the first client comes; 1 is always an old version.
  let version = 10
  let compacted = 10

  function objects(collection: string): Map<string, KubeObject> {
    let found = collections.get(collection)
    if (!found) collections.set(collection, (found = new Map<string, KubeObject>()))
    return found
  }

  function record(change: Change): KubeObject {
    history.push(change)
    if (history.length > HISTORY_LIMIT) {
      const dropped = history.splice(0, HISTORY_LIMIT / 2)
      compacted = dropped.at(-1)?.version ?? compacted
    }
    for (const listener of [...(listeners.get(change.collection) ?? [])]) listener(change)
    return change.object
  }

  function stamp(object: KubeObject): KubeObject {
    version += 1
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
  }

  return {
    get version() {
      return version
    },
    get compacted() {
      return compacted
    },
    get: (collection, key) => collections.get(collection)?.get(key),
    list(collection, at) {
      let found = objects(collection)
      if (at !== undefined && at < version) {
        found = new Map<string, KubeObject>(found)
        for (let i = history.length - 1; i >= 0; i--) {
          const change = history[i]
          if (!change || change.version <= at) break
          if (change.collection !== collection) continue
          if (change.previous) found.set(change.key, change.previous)
          else found.delete(change.key)
        }
      }
      return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
    },
    put(collection, object) {
      const key = keyOf(object.metadata.namespace, object.metadata.name ?? '')
      const previous = objects(collection).get(key)
      const stored = stamp(object)
      objects(collection).set(key, stored)
      return record({ type: previous ? 'MODIFIED' : 'ADDED', version, collection, key, object: stored, previous })
    },
    remove(collection, object) {
      const key = keyOf(object.metadata.namespace, object.metadata.name ?? '')
      const previous = objects(collection).get(key)
      const last = stamp(object)
      objects(collection).delete(key)
      return record({ type: 'DELETED', version, collection, key, object: last, previous })
    },
    since: (collection, from) => history.filter((change) => change.version > from && change.collection === collection),
    subscribe(collection, listener) {
      const set = listeners.get(collection) ?? new Set()
      listeners.set(collection, set.add(listener))
      return () => set.delete(listener)
    },
    compact() {
      history = []
      compacted = version
    },
  }
}
