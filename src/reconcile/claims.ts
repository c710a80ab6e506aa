/** Which object speaks for a service: of several, the oldest. A service is a uuid at one ZStack, whatever the account. */
import { isUuid, type StoredModelService } from '../api/modelservice.ts'

/** What a claim needs to know of a connection. */
export type ClaimedConnection = { readonly name: string; readonly endpoint: string }

export interface Claims {
  /**
   * Takes note of an object as it is now, or of its end, and of the connection it speaks through, if there is one.
   * Where another object speaks for a service from then on, returns the keys of the one that did and the one that does;
   * whoever else wants to is no better off, and can learn of it with the next poll.
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

type Claimants = {
  readonly keys: Set<string>
  winner: string
  /** Sorted by age, with some that are gone; absent until it is needed, and after a newcomer. */
  oldestLast: string[] | undefined
}

export function createClaims(): Claims {
  const byKey = new Map<string, Claim>()
  /** Those who want to speak for a service, and who of them does. */
  const byService = new Map<string, Claimants>()
  const byConnection = new Map<string, Map<string, Set<string>>>()

  function add(key: string, claim: Claim) {
    byKey.set(key, claim)
    const claimants = byService.get(claim.service)
    if (!claimants) byService.set(claim.service, { keys: new Set([key]), winner: key, oldestLast: undefined })
    else {
      claimants.keys.add(key)
      claimants.oldestLast = undefined
      if (isOlder(key, claimants.winner)) claimants.winner = key
    }
    const uuids = byConnection.get(claim.connection) ?? new Map<string, Set<string>>()
    byConnection.set(claim.connection, uuids.set(claim.uuid, (uuids.get(claim.uuid) ?? new Set()).add(key)))
  }

  function drop(key: string, { uuid, service, connection }: Claim) {
    byKey.delete(key)
    const claimants = byService.get(service)
    claimants?.keys.delete(key)
    if (claimants?.keys.size === 0) byService.delete(service)
    else if (claimants?.winner === key) claimants.winner = oldestOf(claimants)
    const uuids = byConnection.get(connection)
    if (uuids) removeFrom(uuids, uuid, key)
  }

  /** Sorts once, however many winners go one after the other. */
  function oldestOf(claimants: Claimants): string {
    claimants.oldestLast ??= [...claimants.keys].sort((a, b) => (isOlder(a, b) ? 1 : -1))
    const { keys, oldestLast } = claimants
    let last = oldestLast.at(-1)
    while (last !== undefined && !keys.has(last)) {
      oldestLast.pop()
      last = oldestLast.at(-1)
    }
    if (last === undefined) throw new Error('claimants without an oldest')
    return last
  }

  return {
    note(key, object, connection) {
      const before = byKey.get(key)
      const claim = claimOf(object, connection)
      if (
        before?.service === claim?.service &&
        before?.since === claim?.since &&
        before?.connection === claim?.connection
      )
        return []
      const services = new Set([before?.service, claim?.service].filter((service) => service !== undefined))
      const winners = new Map([...services].map((service) => [service, byService.get(service)?.winner]))
      if (before) drop(key, before)
      if (claim) add(key, claim)
      const others = [...services].flatMap((service) => {
        const now = byService.get(service)
        const was = winners.get(service)
        if (!now || now.winner === was) return []
        return was !== undefined && now.keys.has(was) ? [was, now.winner] : [now.winner]
      })
      return others.filter((other) => other !== key)
    },
    winner: (endpoint, uuid) => byService.get(serviceAt(endpoint, uuid))?.winner,
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
