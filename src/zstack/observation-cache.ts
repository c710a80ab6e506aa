/** What was last seen of each service; an answer overtaken by an update does not bring the past back. */
import { isDeepStrictEqual } from 'node:util'
import type { FieldName } from '../api/modelservice.ts'
import type { Clock } from '../clock.ts'
import type { Live } from '../decide/assess.ts'
import { fields } from '../api/fields.ts'
import type { CachedObservation } from '../reconcile/ports.ts'

export interface ObservationCache {
  get(uuid: string): CachedObservation | undefined
  /** The moment a read begins: hand it to {@link note} with what the read shows. */
  startRead(): number
  /** Learns which fields this server shows: before what it shows of many services is noted, of all of them. */
  noteReadableFields(live: Live): void
  /**
   * What a read shows, `undefined` where there is no such service, and whether that looks other than what was known: a
   * field that was unreadable then, and is known to be shown by now, makes it look other too.
   */
  note(
    uuid: string,
    live: Live | undefined,
    begun: number,
  ): { readonly known: CachedObservation; readonly isChanged: boolean }
  /** An update of the service has ended somehow: reads begun before it prove nothing, nor does what was known. */
  invalidate(uuid: string): void
  retain(uuids: ReadonlySet<string>): void
}

export function createObservationCache(clock: Clock): ObservationCache {
  const known = new Map<string, CachedObservation & { readonly readable: number }>()
  const shows = new Set<FieldName>()
  const invalidated = new Map<string, number>()
  let moment = 0
  function noteReadableFields({ values }: Live) {
    for (const field of values.keys()) if (fields[field].visibility === 'newer') shows.add(field)
  }
  return {
    get: (uuid) => known.get(uuid),
    startRead: () => ++moment,
    noteReadableFields,
    note(uuid, live, begun) {
      const before = known.get(uuid)
      if (live) noteReadableFields(live)
      const isSame = before !== undefined && isDeepStrictEqual(before.observation?.live, live)
      const observation = isSame ? before.observation : live && { live, shows }
      const now = { observation, at: clock.monotonic(), readable: shows.size }
      if (begun < (invalidated.get(uuid) ?? 0)) return { known: before ?? now, isChanged: false }
      known.set(uuid, now)
      return { known: now, isChanged: before !== undefined && !(isSame && before.readable === now.readable) }
    },
    invalidate(uuid) {
      known.delete(uuid)
      invalidated.set(uuid, ++moment)
    },
    retain(uuids) {
      for (const uuid of known.keys()) if (!uuids.has(uuid)) known.delete(uuid)
      for (const uuid of invalidated.keys()) if (!uuids.has(uuid)) invalidated.delete(uuid)
    },
  }
}
