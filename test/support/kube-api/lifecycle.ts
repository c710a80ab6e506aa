import { kindsOf } from './crd.ts'
import { collectionOf, type Kind, type Kinds } from './kinds.ts'
import { timestamp, type KubeObject } from './object.ts'
import type { Store } from './store.ts'

/**
 * What the real cluster's controllers do once an object is stored or gone: a CustomResourceDefinition brings its
 * resource and takes it away, a namespace takes its objects with it.
 */
export interface Lifecycle {
  /** Throws where the object cannot take effect; call before storing it. */
  check(kind: Kind, object: KubeObject): void
  stored(kind: Kind, object: KubeObject): void
  /** Deletes the object, or marks it where a finalizer holds it; `gone` says which. */
  erase(kind: Kind, object: KubeObject): { readonly object: KubeObject; readonly gone: boolean }
  /** Removes an object that no finalizer holds any longer. */
  remove(kind: Kind, object: KubeObject): KubeObject
}

/** `ended` hears of a collection that is no more. */
export function createLifecycle(store: Store, kinds: Kinds, ended: (collection: string) => void): Lifecycle {
  const isCrd = (kind: Kind) => kind.plural === 'customresourcedefinitions'
  const isNamespace = (kind: Kind) => kind.plural === 'namespaces' && kind.group === ''

  function contents(namespace: string): { kind: Kind; object: KubeObject }[] {
    const seen = new Set<string>()
    return kinds.all().flatMap((kind) => {
      if (!kind.namespaced || seen.has(collectionOf(kind))) return []
      seen.add(collectionOf(kind))
      const objects = store.list(collectionOf(kind))
      return objects.filter(({ metadata }) => metadata.namespace === namespace).map((object) => ({ kind, object }))
    })
  }

  function mark(kind: Kind, object: KubeObject): KubeObject {
    if (object.metadata.deletionTimestamp !== undefined) return object
    const { generation } = object.metadata
    const metadata = {
      ...object.metadata,
      ...(generation === undefined ? {} : { generation: generation + 1 }),
      deletionTimestamp: timestamp(),
      deletionGracePeriodSeconds: 0,
    }
    return store.put(collectionOf(kind), { ...object, metadata })
  }

  function remove(kind: Kind, object: KubeObject): KubeObject {
    const last = store.remove(collectionOf(kind), object)
    if (isCrd(kind)) {
      for (const made of kindsOf(object).slice(0, 1)) {
        for (const one of store.list(collectionOf(made))) store.remove(collectionOf(made), one)
        kinds.forget(made.group, made.plural)
        ended(collectionOf(made))
      }
    }
    if (object.metadata.namespace !== undefined) finishNamespace(object.metadata.namespace)
    return last
  }

  function finishNamespace(name: string): void {
    const kind = kinds.find('', 'v1', 'namespaces')
    const namespace = store.get('/namespaces', name)
    if (kind && namespace?.metadata.deletionTimestamp !== undefined && contents(name).length === 0)
      remove(kind, namespace)
  }

  function erase(kind: Kind, object: KubeObject) {
    if (isNamespace(kind)) {
      const terminating = mark(kind, { ...object, status: { phase: 'Terminating' } })
      for (const held of contents(object.metadata.name ?? '')) erase(held.kind, held.object)
      finishNamespace(object.metadata.name ?? '')
      return { object: terminating, gone: false }
    }
    if ((object.metadata.finalizers ?? []).length > 0) return { object: mark(kind, object), gone: false }
    return { object: remove(kind, object), gone: true }
  }

  return {
    check(kind, object) {
      if (isCrd(kind)) kindsOf(object)
    },
    stored(kind, object) {
      if (isCrd(kind)) kinds.define(kindsOf(object))
    },
    erase,
    remove,
  }
}
