import { newUuid, wireDate } from './model.ts'

/** One tag of a model service, as `GET /v1/user-tags` and `GET /v1/system-tags` show it. */
export type Tag = {
  readonly uuid: string
  readonly resourceUuid: string
  readonly resourceType: 'ModelServiceVO'
  readonly tag: string
  readonly type: 'User' | 'System'
  readonly createDate: string
  readonly lastOpDate: string
}

/** The fields of an update that hold tags, with the type that their rows have. */
export const TAG_TYPES = { systemTags: 'System', userTags: 'User' } as const
export type TagField = keyof typeof TAG_TYPES

/** What conditions, `sort` and `fields` of a tag query may name. */
export const TAG_FIELDS: ReadonlySet<string> = new Set([
  'uuid',
  'resourceUuid',
  'resourceType',
  'tag',
  'type',
  'createDate',
  'lastOpDate',
])

export function isTagField(field: string): field is TagField {
  return Object.hasOwn(TAG_TYPES, field)
}

/** The rows of one type after these texts were stored; a tag that was there keeps its row. */
export function replacedTags(
  rows: readonly Tag[],
  resourceUuid: string,
  field: TagField,
  texts: unknown,
): readonly Tag[] {
  const type = TAG_TYPES[field]
  const now = wireDate(Date.now())
  const wanted = Array.isArray(texts) ? new Set(texts.map(String)) : new Set<string>()
  const made = Array.from(wanted, (tag): Tag => {
    const row = rows.find((other) => other.type === type && other.tag === tag)
    const dates = { createDate: now, lastOpDate: now }
    return row ?? { uuid: newUuid(), resourceUuid, resourceType: 'ModelServiceVO', tag, type, ...dates }
  })
  return [...rows.filter((row) => row.type !== type), ...made]
}
