/** The model services of a simulated ZStack, and what became of every update of them. */
import { isDeepStrictEqual } from 'node:util'
import type { FieldName } from '../../src/api/modelservice.ts'
import { fields } from '../../src/api/fields.ts'
import { isEmpty, sameStructure, type Json } from '../../src/api/json.ts'

export type Values = Partial<Record<FieldName, Json>>

export type Service = {
  values: Values
  /** Moves with every change by anybody. */
  revision: number
  /** Every value that a field ever held. */
  readonly held: Map<FieldName, Json[]>
  /** Write-only fields of which nobody can tell from outside what they hold. */
  readonly unsure: Set<FieldName>
  /** Fields of updates that were accepted and not carried out, and not since. */
  readonly ignored: Set<FieldName>
  /** Fields that came in an update and were not written since: because it came in the wrong body, say. */
  readonly unwritten: Set<FieldName>
}

export interface Services {
  get(uuid: string): Service | undefined
  all(): readonly Service[]
  place(uuid: string, values: Values): void
  /** Out of sight. */
  lose(uuid: string): void
  /** Back in sight: as it was, or made anew with what is shown and nothing else. */
  bringBack(uuid: string, isNew: boolean): void
  lost(): readonly string[]
  /** Somebody else changes it: whether a field shows it that only some servers show, nobody knows. */
  drift(uuid: string, values: Values): void
  /** Nobody can tell from outside whether these were written. */
  doubt(uuid: string, names: readonly FieldName[]): void
  /** Whether anything changed. */
  write(uuid: string, values: Values): boolean
}

export function createServices(): Services {
  const present = new Map<string, Service>()
  const away = new Map<string, Service>()

  function write(service: Service, values: Values): boolean {
    const before = service.values
    const entries = Object.entries({ ...before, ...values }).filter(([, value]) => !isEmpty(value))
    const after = Object.fromEntries(entries) as Values
    for (const [field, value] of Object.entries(values) as [FieldName, Json][]) {
      service.held.set(field, [...(service.held.get(field) ?? []), value])
      service.unsure.delete(field)
      service.ignored.delete(field)
      service.unwritten.delete(field)
    }
    service.values = after
    if (isDeepStrictEqual(before, after)) return false
    service.revision += 1
    return true
  }

  return {
    get: (uuid) => present.get(uuid),
    all: () => [...present.values()],
    place(uuid, values) {
      const [unsure, ignored, unwritten] = [new Set<FieldName>(), new Set<FieldName>(), new Set<FieldName>()]
      const service: Service = { values: {}, revision: 0, held: new Map(), unsure, ignored, unwritten }
      write(service, values)
      present.set(uuid, service)
    },
    lose(uuid) {
      const service = present.get(uuid)
      if (service) away.set(uuid, service)
      present.delete(uuid)
    },
    bringBack(uuid, isNew) {
      const service = away.get(uuid)
      if (!service) return
      away.delete(uuid)
      present.set(uuid, service)
      if (!isNew) return
      const isHidden = (field: string) => fields[field as FieldName].visibility === 'hidden'
      service.values = Object.fromEntries(Object.entries(service.values).filter(([field]) => !isHidden(field)))
      for (const field of Object.keys(fields).filter(isHidden)) service.unsure.add(field as FieldName)
      service.revision += 1
    },
    drift(uuid, values) {
      const service = present.get(uuid) ?? away.get(uuid)
      if (!service) return
      write(service, values)
      for (const field of Object.keys(values) as FieldName[])
        if (fields[field].visibility !== 'shown') service.unsure.add(field)
      // Something moved: that an update was ignored does not show any more.
      for (const field of service.ignored) service.unsure.add(field)
    },
    lost: () => [...away.keys()],
    doubt(uuid, names) {
      for (const field of names) (present.get(uuid) ?? away.get(uuid))?.unsure.add(field)
    },
    write(uuid, values) {
      const service = present.get(uuid) ?? away.get(uuid)
      return service !== undefined && write(service, values)
    },
  }
}

/** Whether a field holds what is wanted of it. */
export function isSame(field: FieldName, wanted: Json, held: Json | undefined): boolean {
  if (held === undefined || isEmpty(held) || isEmpty(wanted)) return isEmpty(held) && isEmpty(wanted)
  const row = fields[field]
  return row.visibility === 'hidden' ? sameStructure(wanted, held) : row.equal(wanted, held)
}

/** The service as the wire shows it. */
export function inventoryOf(uuid: string, { values }: Service, hides: readonly FieldName[]): Record<string, unknown> {
  const inventory: Record<string, unknown> = { uuid, modelCenterUuid: '0'.repeat(32), system: false }
  for (const [field, value] of Object.entries(values) as [FieldName, Json][]) {
    if (fields[field].visibility === 'hidden' || hides.includes(field)) continue
    if (field === 'architectureImages') inventory.modelServiceImages = images(value)
    else inventory[field] = value
  }
  return inventory
}

/** With keys of the server's own, in no order, architectures folded. */
function images(value: Json): unknown[] {
  const list = value as readonly Readonly<Record<string, Json>>[]
  return list
    .map((image, index) => ({
      ...image,
      cpuArchitecture: (image.cpuArchitecture as string).toLowerCase(),
      uuid: String(index).repeat(32),
      createDate: 'Nov 25, 2025 11:51:50 AM',
    }))
    .reverse()
}
