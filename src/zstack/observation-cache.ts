/** What was last read of each service. A read that an update overtook does not bring the past back. */
import { isDeepStrictEqual } from 'node:util'
import type { FieldName } from '../api/modelservice.ts'
import type { Clock } from '../clock.ts'
import type { Live, Observation } from '../decide/assess.ts'
import { fields } from '../api/fields.ts'
import type { CachedObservation } from '../reconcile/ports.ts'

/** What the cache holds after a read, and whether that differs from what it held before. */
export type Noted = { readonly cached: CachedObservation; readonly isChanged: boolean }

export interface ObservationCache {
  get(uuid: string): CachedObservation | undefined
  /** The moment at which a read begins, to be handed to {@link note} with what the read shows. */
  startRead(): number
  /**
   * Notes which fields this ZStack shows. A read of many services does so for all of them before it notes the first, so
   * that the same fields count as readable for all.
   */
  noteReadableFields(live: Live): void
  /**
   * Notes what a read shows: `undefined` if there is no such service. The observation also counts as changed if a field
   * that it lacks has come to be known as readable, for then the field is empty and not just unknown.
   */
  note(uuid: string, live: Live | undefined, begun: number): Noted
  /** An update of the service has ended somehow: what is cached proves nothing any more, nor does a read begun before. */
  invalidate(uuid: string): void
  /** Forgets all other services. */
  retain(uuids: ReadonlySet<string>): void
}

export function createObservationCache(clock: Clock): ObservationCache {
  /** Each observation holds the fields that were known to be readable when it was noted. */
  const entries = new Map<string, CachedObservation>()
  const invalidated = new Map<string, number>()
  /** Never changed but replaced, so that what was handed out stays as it was, and another set is other knowledge. */
  let readable: ReadonlySet<FieldName> = new Set()
  let moment = 0

  function noteReadableFields({ values }: Live) {
    for (const field of values.keys())
      if (fields[field].visibility === 'newer' && !readable.has(field)) readable = new Set([...readable, field])
  }

  function get(uuid: string): CachedObservation | undefined {
    const entry = entries.get(uuid)
    if (!entry?.observation || entry.observation.shows === readable) return entry
    return { ...entry, observation: { ...entry.observation, shows: readable } }
  }

  return {
    get,
    startRead: () => ++moment,
    noteReadableFields,
    note(uuid, live, begun) {
      if (live) noteReadableFields(live)
      const before = entries.get(uuid)
      const observation = live && { live, shows: readable }
      const isSame = before !== undefined && isSameObservation(before.observation, observation)
      const now = { observation: isSame ? before.observation : observation, at: clock.monotonic() }
      if (begun < (invalidated.get(uuid) ?? 0)) return { cached: get(uuid) ?? now, isChanged: false }
      entries.set(uuid, now)
      return { cached: now, isChanged: before !== undefined && !isSame }
    },
    invalidate(uuid) {
      entries.delete(uuid)
      invalidated.set(uuid, ++moment)
    },
    retain(uuids) {
      for (const uuid of entries.keys()) if (!uuids.has(uuid)) entries.delete(uuid)
      for (const uuid of invalidated.keys()) if (!uuids.has(uuid)) invalidated.delete(uuid)
    },
  }
}

function isSameObservation(a: Observation | undefined, b: Observation | undefined): boolean {
  return a?.shows === b?.shows && isDeepStrictEqual(a?.live, b?.live)
}
