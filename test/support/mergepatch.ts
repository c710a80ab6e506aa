/** JSON merge patches (RFC 7396). */
import { isDeepStrictEqual } from 'node:util'

type Tree = Readonly<Record<string, unknown>>

/** What turns one object into the other: changed values, and `null` for what is gone. Lists are replaced whole. */
export function mergePatch(from: Tree, to: Tree): Record<string, unknown> {
  const patch: Record<string, unknown> = {}
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) patch[key] = null
  for (const [key, value] of Object.entries(to)) {
    const before = Object.hasOwn(from, key) ? from[key] : undefined
    if (isDeepStrictEqual(before, value)) continue
    patch[key] = isTree(before) && isTree(value) ? mergePatch(before, value) : value
  }
  return patch
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
