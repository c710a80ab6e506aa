/** Which object speaks for a uuid: of several, the oldest. */
import type { StoredModelService } from '../api/modelservice.ts'

export interface Claims {
  /** Takes note of an object as it is now, or of its end. Returns the keys of the others that speak for the same uuid. */
  note(key: string, object: StoredModelService | undefined): readonly string[]
  /** The key of the object that may speak for the uuid. */
  winner(uuid: string): string | undefined
  /** Every uuid that some object speaks for. */
  uuids(): readonly string[]
  /** The keys of all objects that speak for the uuid. */
  claimants(uuid: string): readonly string[]
}

type Claim = { readonly uuid: string; readonly since: string }

export function createClaims(): Claims {
  const byKey = new Map<string, Claim>()
  const byUuid = new Map<string, Set<string>>()

  function drop(key: string, { uuid }: Claim) {
    byKey.delete(key)
    const keys = byUuid.get(uuid)
    keys?.delete(key)
    if (keys?.size === 0) byUuid.delete(uuid)
  }

  return {
    note(key, object) {
      const before = byKey.get(key)
      const uuid = object?.metadata.deletionTimestamp === undefined ? uuidOf(object) : undefined
      if (before) drop(key, before)
      if (uuid !== undefined && object) {
        byKey.set(key, { uuid, since: object.metadata.creationTimestamp })
        byUuid.set(uuid, (byUuid.get(uuid) ?? new Set()).add(key))
      }
      // An object made anew under the name of another may lose to those the other won against.
      const isSame = before?.uuid === uuid && before?.since === byKey.get(key)?.since
      const touched = isSame ? [] : [before?.uuid, uuid].filter((one) => one !== undefined)
      const others = touched.flatMap((one) => [...(byUuid.get(one) ?? [])])
      return [...new Set(others)].filter((other) => other !== key)
    },
    winner(uuid) {
      let first: string | undefined
      for (const key of byUuid.get(uuid) ?? []) if (first === undefined || isOlder(key, first)) first = key
      return first
    },
    uuids: () => [...byUuid.keys()],
    claimants: (uuid) => [...(byUuid.get(uuid) ?? [])],
  }

  /** By creation, then by namespace and name, so that every replica and every restart decides alike. */
  function isOlder(key: string, than: string): boolean {
    const [a, b] = [byKey.get(key)?.since ?? '', byKey.get(than)?.since ?? '']
    return a === b ? key < than : a < b
  }
}

function uuidOf(object: StoredModelService | undefined): string | undefined {
  const spec = object?.spec as { uuid?: unknown } | undefined
  return typeof spec?.uuid === 'string' && /^[0-9a-f]{32}$/.test(spec.uuid) ? spec.uuid : undefined
}
