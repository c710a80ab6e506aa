/** Which object speaks for a service: of several, the oldest. A service is a uuid at one ZStack, whatever the account. */
import { isUuid, type StoredModelService } from '../api/modelservice.ts'

/** What a claim needs to know of a connection. */
export type ClaimedConnection = { readonly name: string; readonly endpoint: string }

export interface Claims {
  /**
   * Takes note of an object as it is now, or of its end, and of the connection it speaks through, if there is one.
   * Returns the keys of the others that speak for the same service.
   */
  note(key: string, object: StoredModelService | undefined, connection?: ClaimedConnection): readonly string[]
  /** The key of the object that may speak for the uuid at an endpoint. */
  winner(endpoint: string, uuid: string): string | undefined
  /** Every uuid that some object speaks for through the connection of this name. */
  uuids(connection: string): readonly string[]
  /** The keys of all objects that speak for the uuid through the connection of this name. */
  claimants(connection: string, uuid: string): readonly string[]
}

type Claim = {
  readonly uuid: string
  readonly connection: string
  /** The service: two connections to one endpoint lead to the same. */
  readonly service: string
  readonly since: string
}

export function createClaims(): Claims {
  const byKey = new Map<string, Claim>()
  const byService = new Map<string, Set<string>>()
  const byConnection = new Map<string, Map<string, Set<string>>>()

  function add(key: string, claim: Claim) {
    byKey.set(key, claim)
    byService.set(claim.service, (byService.get(claim.service) ?? new Set()).add(key))
    const uuids = byConnection.get(claim.connection) ?? new Map<string, Set<string>>()
    byConnection.set(claim.connection, uuids.set(claim.uuid, (uuids.get(claim.uuid) ?? new Set()).add(key)))
  }

  function drop(key: string, { uuid, service, connection }: Claim) {
    byKey.delete(key)
    removeFrom(byService, service, key)
    const uuids = byConnection.get(connection)
    if (uuids) removeFrom(uuids, uuid, key)
  }

  return {
    note(key, object, connection) {
      const before = byKey.get(key)
      const claim = claimOf(object, connection)
      if (before) drop(key, before)
      if (claim) add(key, claim)
      // An object made anew under the name of another may lose to those the other won against.
      const isSame = before?.service === claim?.service && before?.since === claim?.since
      const touched = isSame ? [] : [before?.service, claim?.service].filter((service) => service !== undefined)
      const others = touched.flatMap((service) => [...(byService.get(service) ?? [])])
      return [...new Set(others)].filter((other) => other !== key)
    },
    winner(endpoint, uuid) {
      let first: string | undefined
      for (const key of byService.get(serviceAt(endpoint, uuid)) ?? [])
        if (first === undefined || isOlder(key, first)) first = key
      return first
    },
    uuids: (connection) => [...(byConnection.get(connection)?.keys() ?? [])],
    claimants: (connection, uuid) => [...(byConnection.get(connection)?.get(uuid) ?? [])],
  }

  /** By creation, then by namespace and name, so that every replica and every restart decides alike. */
  function isOlder(key: string, than: string): boolean {
    const [a, b] = [byKey.get(key)?.since ?? '', byKey.get(than)?.since ?? '']
    return a === b ? key < than : a < b
  }
}

function removeFrom(sets: Map<string, Set<string>>, name: string, key: string) {
  const keys = sets.get(name)
  keys?.delete(key)
  if (keys?.size === 0) sets.delete(name)
}

function claimOf(object: StoredModelService | undefined, connection: ClaimedConnection | undefined): Claim | undefined {
  if (!object || !connection || object.metadata.deletionTimestamp !== undefined) return undefined
  const { uuid } = (object.spec ?? {}) as { readonly uuid?: unknown }
  if (typeof uuid !== 'string' || !isUuid(uuid)) return undefined
  const { name, endpoint } = connection
  return { uuid, connection: name, service: serviceAt(endpoint, uuid), since: object.metadata.creationTimestamp }
}

/**
 * Names a service by origin and uuid. Spellings of one origin (a default port, capitals) count as one, and so do two base
 * paths of one host.
 */
export function serviceAt(endpoint: string, uuid: string): string {
  return `${URL.parse(endpoint)?.origin ?? endpoint} ${uuid}`
}
