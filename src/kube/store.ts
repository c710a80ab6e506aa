/** The objects as last seen. Readers see a whole list or the one before, and always their own writes. */
import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from './resource.ts'

export const keyOf = ({ metadata }: KubeObject) => `${metadata.namespace}/${metadata.name}`

export interface Store<T extends KubeObject> {
  get(key: string): T | undefined
  keys(): Iterable<string>
  /** As they are now, whatever changes later. */
  all(): readonly T[]
  readonly size: number
  /** A list of everything in a scope takes the place of what the scope held. */
  replace(scope: string, objects: readonly T[]): void
  apply(scope: string, object: T): void
  delete(object: T): void
  /** A write of this status is under way, until the returned function is called: the watch may be first to show it. */
  writing(key: string, status: unknown): () => void
  /** Calls the listener at every change from now on. */
  subscribe(listener: OnChange<T>): void
  /** The answer to a write of ours, which the watch as a rule shows only later. */
  wrote(object: T): void
}

/** `isOwn`: the change came of a write of ours. */
export type OnChange<T> = (key: string, before: T | undefined, after: T | undefined, isOwn: boolean) => void

type Change<T> = { readonly key: string; readonly before: T | undefined; readonly after: T | undefined }

export function createStore<T extends KubeObject>(): Store<T> {
  const listeners: OnChange<T>[] = []
  const objects = new Map<string, { readonly object: T; readonly scope: string }>()
  /** Versions that we wrote and that the watch has not shown yet. */
  const ahead = new Map<string, string>()
  /** The status that is being written. */
  const underWay = new Map<string, unknown>()

  function put(key: string, object: T, scope: string): Change<T> | undefined {
    const before = objects.get(key)?.object
    const isSame =
      before?.metadata.resourceVersion === object.metadata.resourceVersion &&
      before.metadata.uid === object.metadata.uid
    // Who remembers a part of the object that was there first shares it with the store.
    objects.set(key, { object: isSame ? before : object, scope })
    return isSame ? undefined : { key, before, after: object }
  }

  function drop(key: string): Change<T> | undefined {
    const before = objects.get(key)?.object
    ahead.delete(key)
    return objects.delete(key) ? { key, before, after: undefined } : undefined
  }

  function isBehind(key: string, { metadata }: T): boolean {
    const written = ahead.get(key)
    const held = objects.get(key)?.object.metadata
    return written !== undefined && held?.uid === metadata.uid && isOlder(metadata.resourceVersion, written)
  }

  function take(key: string, object: T, scope: string): Change<T> | undefined {
    if (isBehind(key, object)) return undefined
    ahead.delete(key)
    return put(key, object, scope)
  }

  function isOurs({ key, after }: Change<T>): boolean {
    return (
      underWay.has(key) && isDeepStrictEqual((after as { status?: unknown } | undefined)?.status, underWay.get(key))
    )
  }

  /** Last of all: whoever hears of a change finds the whole of it in the store. */
  function notify(changes: readonly (Change<T> | undefined)[], isOwn = false) {
    for (const change of changes)
      if (change)
        for (const listener of listeners) listener(change.key, change.before, change.after, isOwn || isOurs(change))
  }

  return {
    get: (key) => objects.get(key)?.object,
    keys: () => objects.keys(),
    all: () => [...objects.values()].map(({ object }) => object),
    get size() {
      return objects.size
    },
    replace(scope, listed) {
      const present = new Set(listed.map(keyOf))
      const changes: (Change<T> | undefined)[] = []
      for (const [key, held] of objects) if (held.scope === scope && !present.has(key)) changes.push(drop(key))
      for (const object of listed) changes.push(take(keyOf(object), object, scope))
      notify(changes)
    },
    apply: (scope, object) => notify([take(keyOf(object), object, scope)]),
    delete: (object) => notify([drop(keyOf(object))]),
    subscribe: (listener) => void listeners.push(listener),
    writing(key, status) {
      underWay.set(key, status)
      return () => underWay.delete(key)
    },
    wrote(object) {
      const key = keyOf(object)
      const held = objects.get(key)
      if (held?.object.metadata.uid !== object.metadata.uid) return
      if (isOlder(object.metadata.resourceVersion, held.object.metadata.resourceVersion)) return
      ahead.set(key, object.metadata.resourceVersion)
      notify([put(key, object, held.scope)], true)
    },
  }
}

/**
 * Whether a version came before another. Kubernetes promises that those of one kind compare as decimal numbers (API
 * concepts, resource versions); what is no number is taken as new.
 */
function isOlder(version: string, than: string): boolean {
  const number = /^\d+$/
  return number.test(version) && number.test(than) && BigInt(version) < BigInt(than)
}
