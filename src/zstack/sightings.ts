/** What was last seen of each service; an answer overtaken by an update does not bring the past back. */
import { isDeepStrictEqual } from 'node:util'
import type { FieldName } from '../api/modelservice.ts'
import type { Clock } from '../clock.ts'
import type { Live } from '../decide/assess.ts'
import { fields } from '../decide/fields.ts'
import type { Known } from '../reconcile/ports.ts'

export interface Sightings {
  get(uuid: string): Known | undefined
  /** The moment a read begins: hand it to {@link note} with what the read shows. */
  begin(): number
  /** What a read shows, `undefined` where there is no such service, and whether that looks other than before. */
  note(uuid: string, live: Live | undefined, begun: number): { readonly known: Known; readonly isNew: boolean }
  /** An update of the service has ended somehow: reads begun before it prove nothing, nor does what was known. */
  overturn(uuid: string): void
  retain(uuids: ReadonlySet<string>): void
}

export function createSightings(clock: Clock): Sightings {
  const known = new Map<string, Known>()
  const shows = new Set<FieldName>()
  const overturned = new Map<string, number>()
  let moment = 0
  return {
    get: (uuid) => known.get(uuid),
    begin: () => ++moment,
    note(uuid, live, begun) {
      const before = known.get(uuid)
      if (live) for (const field of live.values.keys()) if (fields[field].visibility === 'newer') shows.add(field)
      const isSame = before !== undefined && isDeepStrictEqual(before.seen?.live, live)
      const now = { seen: isSame ? before.seen : live && { live, shows }, at: clock.monotonic() }
      if (begun < (overturned.get(uuid) ?? 0)) return { known: before ?? now, isNew: false }
      known.set(uuid, now)
      return { known: now, isNew: !isSame }
    },
    overturn(uuid) {
      known.delete(uuid)
      overturned.set(uuid, ++moment)
    },
    retain(uuids) {
      for (const uuid of known.keys()) if (!uuids.has(uuid)) known.delete(uuid)
      for (const uuid of overturned.keys()) if (!uuids.has(uuid)) overturned.delete(uuid)
    },
  }
}
