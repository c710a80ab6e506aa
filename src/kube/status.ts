/** Writes the status of objects, and lets the store know at once. */
import type { KubeObject, Resource } from './resource.ts'
import { keyOf, type Store } from './store.ts'

type WithStatus = KubeObject & { readonly status?: unknown }

/** Gives an object this status. `false` where the object is gone, or another one took its name. */
export type StatusWriter<T extends WithStatus> = (object: T, status: object, signal: AbortSignal) => Promise<boolean>

export function createStatusWriter<T extends WithStatus>(resource: Resource<T>, store: Store<T>): StatusWriter<T> {
  return async (object, status, signal) => {
    const written = store.writing(keyOf(object), status)
    try {
      const answer = await resource.writeStatus(object, status, signal)
      if (answer) store.wrote(answer)
      return answer !== undefined
    } finally {
      written()
    }
  }
}
