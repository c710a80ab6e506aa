import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { sameDocument } from '../../src/api/document.ts'

const fill = (unit: (i: number) => string, characters: number) => {
  const parts: string[] = []
  for (let i = 0, size = 0; size < characters; i++) size += parts[parts.push(unit(i)) - 1]!.length
  return parts.join('')
}

describe('texts that say the same', () => {
  it.each([
    ['a comment', 'a: 1\n', '# why\na: 1 # because\n'],
    ['quotes', 'a: b\n', '"a": \'b\'\n'],
    ['the order of keys', 'a: 1\nb: {c: 2, d: 3}\n', 'b:\n  d: 3\n  c: 2\na: 1\n'],
    ['layout', '{"a":[1,{"b":null}]}', 'a:\n- 1\n- b: ~\n'],
    ['line ends', 'a: |\r\n  x\r\n  y\r\n', 'a: |\n  x\n  y\n'],
    ['an alias written out', 'a: &x [1]\nb: *x\n', 'a: [1]\nb: [1]\n'],
    ['a document marker', 'a: 1', '---\na: 1\n'],
    ['a list that holds itself, reformatted', '&a [*a]', '&a  [ *a ]'],
    ['the spelling of numbers', 'a: 16\nc: 0o17\n', 'a: 0x10\nc: 15\n'],
    ['the spelling of true and null', 'a: true\nb: null\nc: NULL\n', 'a: True\nb:\nc: ~\n'],
    ['the spelling of a key', '0x10: a\n', '16: a\n'],
    ['a folded text', 'a: >-\n  one\n  two\nb: x\n', 'b: x\na: one two\n'],
    ['an escape', 'a: "\\x41b"\n', 'a: Ab\n'],
  ])('are equal in spite of %s', (_, one, other) => {
    expect(sameDocument(one, other)).toBe(true)
    expect(sameDocument(other, one)).toBe(true)
  })

  it('are equal however they are laid out', () => {
    const layouts = [{ defaultStringType: 'QUOTE_DOUBLE', sortMapEntries: true }, { collectionStyle: 'flow' }] as const
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('tree')), fc.dictionary(fc.string(), tie('tree'))),
    }))
    fc.assert(
      fc.property(tree, (value) => {
        expect(sameDocument(stringify(value, layouts[0]), stringify(value, layouts[1]))).toBe(true)
      }),
      { seed: 20261123 },
    )
  })
})

describe('texts that say something else', () => {
  it.each([
    ['a value', 'a: 1', 'a: 2'],
    ['a type', 'a: 1', 'a: "1"'],
    ['the order of a list', '[1, 2]', '[2, 1]'],
    ['a key more', 'a: 1', 'a: 1\nb: 2'],
    ['a word deep within', 'a: [{b: {c: here}}]', 'a: [{b: {c: there}}]'],
    ['the case of a word', 'a: Here', 'a: here'],
    ['the kind of a value', 'a: [1]', 'a: {b: 1}'],
    ['the last digits of a number beyond 2^53', 'id: 12345678901234567890', 'id: 12345678901234567891'],
    ['the line ends a block keeps', 'a: |+\n  x\n', 'a: |+\n  x\n\n'],
    ['a tag of the reader’s own', 'a: !Ref x', 'a: !Sub x'],
    ['a document', 'a: 1\n---\nb: 1', 'a: 1'],
    ['a key that JavaScript knows', '__proto__: {a: 1}', '{}'],
    ['a list as key', '? [a]\n: 1', '? [b]\n: 1'],
  ])('differ by %s', (_, one, other) => {
    expect(sameDocument(one, other)).toBe(false)
    expect(sameDocument(other, one)).toBe(false)
  })
})

describe('text that is no YAML', () => {
  it.each([
    ['a bracket is left open', 'a: ['],
    ['a key is there twice', 'a: 1\na: 1'],
    ['a tab indents', 'a:\n\t- b\n\tc'],
    ['an alias has no anchor', 'a: *b'],
    ['a list is a key', '? [a]\n: 1'],
  ])('because %s is equal to itself alone, line ends apart', (_, text) => {
    expect(sameDocument(text, text)).toBe(true)
    const windows = `${text}\n`.replaceAll('\n', '\r\n')
    expect([sameDocument(text, windows), sameDocument(windows, text)]).toEqual([true, true])
    expect(sameDocument(text, `${text} # why`)).toBe(false)
    expect(sameDocument(text, text.replace('a', ' a'))).toBe(false)
  })

  it('never makes the comparison fail', () => {
    const pieces = fc.constantFrom(
      'a',
      ': ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '&a ',
      '*a',
      '|',
      '!',
      '# ',
      '\t',
      '---\n',
      '%',
      '\u0000',
      '\ud800',
    )
    const text = fc.array(pieces, { maxLength: 40 }).map((list) => list.join(''))
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect(sameDocument(one, one)).toBe(true)
        expect(sameDocument(one, other)).toBe(sameDocument(other, one))
      }),
      { numRuns: 500, seed: 20261123 },
    )
  })
})

describe('text that is meant to hurt', () => {
  const mebibyte = 1024 * 1024
  /** Below the bound on length, so that it is another one that holds. */
  const characters = 120_000
  const links = Array.from({ length: 9 }, (_, i) => {
    const inside = i === 0 ? 'x' : `*a${i - 1}`
    return `a${i}: &a${i} [${Array.from({ length: 9 }, () => inside).join(',')}]`
  })
  const bomb = links.join('\n')

  // Each took the parser between seconds and minutes, or the whole stack, before there were bounds.
  it.each([
    ['a mebibyte of text', `a: |\n${fill(() => ' x\n', mebibyte)}`],
    ['a list without end', fill(() => '- 1\n', characters)],
    ['more keys than can be compared each with each', fill((i) => `k${i}: 1\n`, characters)],
    ['more anchors than can be looked up', fill((i) => `- &a${i} x\n- *a${i}\n`, 20_000)],
    ['commas without end', `[${','.repeat(characters)}]`],
    ['comments without end', `${fill(() => '#\n', characters)}a: 1`],
    ['documents without end', fill(() => '---\n', characters)],
    ['tags without end', fill(() => '- !a x\n', characters)],
    ['deep brackets', '['.repeat(200) + ']'.repeat(200)],
    ['brackets deep enough to exhaust the stack', '['.repeat(9_000) + ']'.repeat(9_000)],
    ['deep brackets behind quoted ones that close', '[[["]]]",'.repeat(1_000) + ']]]'.repeat(1_000)],
    ['deep lists on one line', `${'- '.repeat(5_000)}x`],
    ['deep indentation', Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
    ['an alias bomb', bomb],
  ])('such as %s is compared as it stands', (_, text) => {
    expect(sameDocument(text, text)).toBe(true)
    expect(sameDocument(text, `${text}\n`)).toBe(true)
    expect(sameDocument(text, `${text}\n# why`)).toBe(false)
  })

  it('such as a long chain of deep aliases does not exhaust the stack', () => {
    const deep = (inside: string) => '['.repeat(60) + inside + ']'.repeat(60)
    const links = Array.from({ length: 95 }, (_, i) => `a${i + 1}: &a${i + 1} ${deep(`*a${i}`)}\n`)
    const chain = `a0: &a0 ${deep('1')}\n${links.join('')}`
    expect(() => sameDocument(chain, `${chain}# why`)).not.toThrow()
  })

  it('does not keep a service of a thousand lines from being read as YAML', () => {
    const text = fill(
      (i) => `service${i}:\n  image: registry.example.com/a:${i}\n  command: ["serve", "--port", "${i}"]\n`,
      40_000,
    )
    expect(sameDocument(text, `# why\n${text}`)).toBe(true)
  })
})
