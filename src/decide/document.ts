/** Equality of YAML texts by what they say. */
import { isDeepStrictEqual } from 'node:util'
import { parseAllDocuments } from 'yaml'

/**
 * Bounds for text that strangers wrote: aliases can blow a kilobyte up to gigabytes, deep nesting exhausts the stack,
 * and a parsed text takes some fifty times its size. What exceeds them is compared as it stands.
 */
const limits = { characters: 256 * 1024, aliases: 100, depth: 64 } as const

/**
 * Whether two texts are the same YAML: comments, quoting, order of keys and layout do not count. Texts that do not
 * parse, or exceed the bounds, are equal only as they stand, line ends and closing blank space apart.
 */
export function sameDocument(a: string, b: string): boolean {
  const left = plain(a)
  const right = plain(b)
  if (left === right) return true
  const one = read(left)
  const other = one && read(right)
  return one !== undefined && other !== undefined && isDeepStrictEqual(one, other)
}

function plain(text: string): string {
  return text.replaceAll('\r\n', '\n').trimEnd()
}

function read(text: string): unknown[] | undefined {
  if (text.length > limits.characters || nesting(text) > limits.depth) return undefined
  try {
    const documents = parseAllDocuments(text, { logLevel: 'silent' })
    if (!Array.isArray(documents) || documents.some((document) => document.errors.length > 0)) return undefined
    return documents.map((document) => document.toJS({ maxAliasCount: limits.aliases }) as unknown)
  } catch {
    // Too many aliases, or nesting beyond the stack in spite of the bound: not YAML for our purposes.
    return undefined
  }
}

/** An upper bound of how deep a text can nest: open brackets at once, or indentation, whichever is more. */
function nesting(text: string): number {
  let open = 0
  let deepest = 0
  for (const character of text) {
    if (character === '[' || character === '{') deepest = Math.max(deepest, ++open)
    else if (character === ']' || character === '}') open = Math.max(0, open - 1)
  }
  for (const [run] of text.matchAll(/^(?:[-?:] +| )+/gm)) deepest = Math.max(deepest, run.length / 2)
  return deepest
}
