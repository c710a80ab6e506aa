/** JSON values, and when two of them are the same. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** ZStack leaves empty values out of its answers: an absent value, an empty text, list or map are one and the same. */
export function isEmpty(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

export function sameStructure(a: Json, b: Json): boolean {
  return canonical(a) === canonical(b)
}

/** JSON with the keys of every object in order. */
export function canonical(value: Json): string {
  if (typeof value !== 'object') return JSON.stringify(value)
  return JSON.stringify(value, (_, part: Json) =>
    isMap(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  )
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Every text in a value, the keys of its maps apart. */
export function textsIn(value: Json | undefined): readonly string[] {
  if (typeof value === 'string') return [value]
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(textsIn) : []
}
