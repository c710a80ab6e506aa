/**
 * Masks secrets in words of others. Whoever repeats a secret may have escaped it for JSON, HTML or a URL, also twice, and
 * may have cut it. So the words are read in each of these ways, every character knowing where it stands in the words.
 */

/** Masking shorter texts would make every message unreadable. */
const minSecretLength = 3
/** So many characters in a row that are also in a secret are a part of it. */
const minPartLength = 8
/** Words may be escaped so many times. */
const maxDepth = 2
/** More of the words is never shown, and need not be read. */
const maxWords = 4_000

/** Words as they read after some unescaping. Character `i` stands in the words from `starts[i]` to `ends[i]`. */
type Reading = { readonly text: string; readonly starts: readonly number[]; readonly ends: readonly number[] }

type Escape = { readonly pattern: RegExp; readonly unescape: (escaped: string) => string | undefined }

const shortJson: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: '\u00a0' }

const escapes: readonly Escape[] = [
  {
    pattern: /\\(?:u[0-9a-fA-F]{4}|[^u])/gsu,
    unescape: ([, kind = '', ...hex]) =>
      kind === 'u' ? String.fromCharCode(parseInt(hex.join(''), 16)) : (shortJson[kind] ?? kind),
  },
  {
    pattern: /&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-z]{2,4});/gu,
    unescape(escaped) {
      const body = escaped.slice(1, -1)
      if (!body.startsWith('#')) return named[body]
      const code = /^#x/iu.test(body) ? parseInt(body.slice(2), 16) : parseInt(body.slice(1), 10)
      return code <= 0x10ffff ? String.fromCodePoint(code) : undefined
    },
  },
  {
    pattern: /\+|(?:%[0-9a-fA-F]{2})+/gu,
    unescape(escaped) {
      if (escaped === '+') return ' '
      const bytes = Uint8Array.from(escaped.slice(1).split('%'), (hex) => parseInt(hex, 16))
      return new TextDecoder().decode(bytes)
    },
  },
]

/** The words with every secret, and every longer part of one, replaced by `***`. */
export function mask(words: string, secrets: readonly string[]): string {
  const long = secrets.filter(({ length }) => length >= minSecretLength)
  if (long.length === 0 || words === '') return words
  const shown = words.slice(0, maxWords)
  const isSecret = new Array<boolean>(shown.length).fill(false)
  const starts = Array.from({ length: shown.length }, (_, i) => i)
  const plain = { text: shown, starts, ends: starts.map((i) => i + 1) }
  const all = readings(plain, maxDepth)
  const read = new Set(all.flatMap(({ text }) => slices(text, minPartLength)))
  const hidden = long.map((secret) => partsOf(secret, read))
  for (const reading of all)
    for (const [from, to] of hidden.flatMap((secret) => find(reading.text, secret)))
      isSecret.fill(true, reading.starts[from], reading.ends[to - 1])
  return shown.replaceAll(/[^]/g, (character, at: number) =>
    !isSecret[at] ? character : isSecret[at - 1] === true ? '' : '***',
  )
}

/** The words as they stand, and as they read after each order of unescaping. */
function readings(reading: Reading, depth: number): readonly Reading[] {
  if (depth === 0) return [reading]
  const others = escapes.map((escape) => unescapeAll(reading, escape)).filter(({ text }) => text !== reading.text)
  return [reading, ...others.flatMap((other) => readings(other, depth - 1))]
}

function unescapeAll({ text, starts, ends }: Reading, { pattern, unescape }: Escape): Reading {
  const parts: string[] = []
  const newStarts: number[] = []
  const newEnds: number[] = []
  let last = 0
  const keepUntil = (end: number) => {
    parts.push(text.slice(last, end))
    newStarts.push(...starts.slice(last, end))
    newEnds.push(...ends.slice(last, end))
  }
  for (const { 0: escaped, index } of text.matchAll(pattern)) {
    const meant = unescape(escaped)
    if (meant === undefined) continue
    keepUntil(index)
    last = index + escaped.length
    parts.push(meant)
    // Nobody can tell which part of an escape stands for which character, so each stands for all of them.
    newStarts.push(...new Array<number>(meant.length).fill(starts[index] ?? 0))
    newEnds.push(...new Array<number>(meant.length).fill(ends[last - 1] ?? 0))
  }
  keepUntil(text.length)
  return { text: parts.join(''), starts: newStarts, ends: newEnds }
}

/** A secret, with those of its parts of one size that are read: the size of a part, or of a shorter secret, its own. */
type Parts = { readonly secret: string; readonly size: number; readonly parts: ReadonlySet<string> }

/** A secret may be a document of a mebibyte, so that only what is read of it is kept. */
function partsOf(secret: string, read: ReadonlySet<string>): Parts {
  const size = Math.min(secret.length, minPartLength)
  if (size < minPartLength) return { secret, size, parts: new Set([secret]) }
  const parts = new Set<string>()
  for (let at = 0; at <= secret.length - size; at++) {
    const part = secret.slice(at, at + size)
    if (read.has(part)) parts.add(part)
  }
  return { secret, size, parts }
}

function slices(text: string, size: number): string[] {
  return Array.from({ length: Math.max(0, text.length - size + 1) }, (_, at) => text.slice(at, at + size))
}

/** Where the text holds the secret, a longer part of it, or at its end or before an ellipsis the beginning of it. */
function find(text: string, { secret, size, parts }: Parts): (readonly [number, number])[] {
  const found: [number, number][] = []
  for (let at = 0; at <= text.length - size; at++) if (parts.has(text.slice(at, at + size))) found.push([at, at + size])
  for (const { index: end } of text.matchAll(/$|…|\.{3}/gu)) {
    const lengths = Array.from({ length: size - minSecretLength + 1 }, (_, i) => size - i)
    const length = lengths.find((one) => one <= end && text.endsWith(secret.slice(0, one), end))
    if (length !== undefined) found.push([end - length, end])
  }
  return found
}
