/** Who last set which fields of a spec, as the API server notes it in `metadata.managedFields`. */
import * as z from 'zod'
import type { FieldName } from './modelservice.ts'

/** A manager is kubectl, Argo CD, a person's editor: whatever name a write came under. */
export type FieldManager = {
  readonly manager: string
  readonly time?: string
  /** Those of the fields asked for that it owns. */
  readonly fields: readonly FieldName[]
}

const entry = z.object({
  manager: z.string().optional().catch(undefined),
  time: z.string().optional().catch(undefined),
  subresource: z.string().optional(),
  fieldsV1: z.object({ 'f:spec': z.record(z.string(), z.unknown()) }),
})

/** So many are told, the latest first; as a rule a field has one. */
const maxManagers = 5

/** The managers of these fields; those of the status and of other fields are left out. */
export function managersOf(managedFields: unknown, fields: readonly FieldName[]): readonly FieldManager[] {
  const list: readonly unknown[] = Array.isArray(managedFields) ? managedFields : []
  return list
    .flatMap((one) => {
      const { data } = entry.safeParse(one)
      if (!data || (data.subresource ?? '') !== '') return []
      const owned = fields.filter((field) => Object.hasOwn(data.fieldsV1['f:spec'], `f:${field}`))
      const { manager = 'unknown', time } = data
      return owned.length === 0 ? [] : [{ manager, ...(time !== undefined && { time }), fields: owned }]
    })
    .sort((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))
    .slice(0, maxManagers)
}
