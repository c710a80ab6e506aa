/** Equality of YAML texts by what they say. */
import { isDeepStrictEqual } from 'node:util'
import { isScalar, Lexer, parseAllDocuments, visit, type Document } from 'yaml'
import { limits } from '../limits.ts'
import { isClearlyOther, readFailsafe } from './failsafe.ts'

/**
 * Bounds for text that strangers wrote, so that no text holds up the operator: some steps of the parser take time by
 * the square of the tokens, aliases blow a kilobyte up to gigabytes, and deep nesting exhausts the stack. Twenty thousand
 * tokens are some thousand lines of plain YAML. What exceeds a bound is compared as it stands.
 */
const { maxCharacters, maxTokens, maxAliases, maxDepth } = limits.yaml

/**
 * Whether two texts are the same YAML: comments, quoting, order of keys and layout do not count. Texts that do not
 * parse, or exceed the bounds, are equal only as they stand, line ends and closing blank space apart.
 */
export function sameDocument(a: string, b: string): boolean {
  const left = a.replaceAll('\r\n', '\n')
  const right = b.replaceAll('\r\n', '\n')
  if (left === right) return true
  if (left.trimEnd() !== right.trimEnd() && isClearlyOther(readFailsafe(left), readFailsafe(right))) return false
  const one = read(left)
  const other = one && read(right)
  return one && other ? isDeepStrictEqual(one, other) : left.trimEnd() === right.trimEnd()
}

/**
 * The line of the first mistake in a text that is no YAML. A text beyond the bounds is not judged, nor is what a YAML of
 * another reader's may mean: tags, keys listed twice.
 */
export function syntaxErrorLine(text: string): number | undefined {
  if (readFailsafe(text) !== undefined || !isReadable(text)) return undefined
  try {
    const options = { logLevel: 'silent', prettyErrors: true, uniqueKeys: false } as const
    const documents = parseAllDocuments(text.replaceAll('\r\n', '\n'), options)
    const [error] = Array.isArray(documents) ? documents.flatMap(({ errors }) => errors) : []
    return error && (error.linePos?.[0].line ?? 1)
  } catch {
    return undefined
  }
}

const isReadable = (text: string) => text.length <= maxCharacters && indentation(text) <= maxDepth && isBounded(text)

function read(text: string): unknown[] | undefined {
  if (!isReadable(text)) return undefined
  try {
    // Unique keys are checked below: the parser compares each with each.
    const options = { logLevel: 'silent', prettyErrors: false, uniqueKeys: false, intAsBigInt: true } as const
    const documents = parseAllDocuments(text, options)
    return Array.isArray(documents) && documents.every(isPlain)
      ? documents.map((document) => document.toJS({ maxAliasCount: maxAliases }) as unknown)
      : undefined
  } catch {
    // Too many aliases, or nesting beyond the stack in spite of the bound: not YAML for our purposes.
    return undefined
  }
}

/** Tokens, aliases and open brackets, counted by the lexer, which takes no more time for an evil text than for a good one. */
function isBounded(text: string): boolean {
  let [tokens, aliases, open] = [0, 0, 0]
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') open++
    else if (token === ']' || token === '}') open--
    else if (token.startsWith('*')) aliases++
    if (++tokens > maxTokens || aliases > maxAliases || open > maxDepth) return false
  }
  return true
}

/** How deep a text nests by indentation, two columns a level. */
function indentation(text: string): number {
  let deepest = 0
  for (const [run] of text.matchAll(/^(?:[-?:] +| )+/gm)) deepest = Math.max(deepest, run.length / 2)
  return deepest
}

/** Whether plain data says all that a document says: a tag of its own, a key listed twice or a list as key would be lost. */
function isPlain(document: Document.Parsed): boolean {
  if (document.errors.length > 0 || document.warnings.length > 0) return false
  let plain = true
  visit(document, {
    Map(_, { items }) {
      const keys = new Set(items.map(({ key }) => (isScalar(key) ? String(key.value) : undefined)))
      if (keys.size === items.length && !keys.has(undefined)) return undefined
      plain = false
      return visit.BREAK
    },
  })
  return plain
}
