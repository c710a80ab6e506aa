import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mask } from '../../src/zstack/mask.ts'

const html = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
const json = (text: string) => JSON.stringify(text).slice(1, -1)
const spellings: Readonly<Record<string, (text: string) => string>> = {
  'as it stands': (text) => text,
  'as JSON': json,
  'as JSON in ASCII': (text) =>
    json(text).replaceAll(/[^ -~]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`),
  'as JSON with slashes escaped': (text) => json(text).replaceAll('/', '\\/'),
  'as JSON in JSON': (text) => json(json(text)),
  'as HTML': html,
  'as HTML in numbers': (text) => Array.from(text, (one) => `&#x${one.codePointAt(0)!.toString(16)};`).join(''),
  'as part of a URL': encodeURIComponent,
  'as part of a URL in lower case': (text) => encodeURIComponent(text).replaceAll(/%../g, (one) => one.toLowerCase()),
  'as a form': (text) => new URLSearchParams({ x: text }).toString().slice(2),
  'as JSON in HTML': (text) => html(json(text)),
  'as JSON in a URL': (text) => encodeURIComponent(json(text)),
}
const secret = fc
  .string({ minLength: 3, maxLength: 40, unit: 'grapheme' })
  .filter((text) => text.isWellFormed())
  .map((text) => `§${text}§`)
const property = (check: (one: string, words: string) => void, spell: (text: string) => string) =>
  fc.assert(
    fc.property(
      secret,
      fc.constantFrom('', 'bad value: ', 'a&b '),
      fc.constantFrom('', ' is wrong', '; x'),
      (one, before, after) => check(one, `${before}${spell(one)}${after}`),
    ),
    { seed: 20261124 },
  )

describe('a secret that is repeated', () => {
  it.each(Object.entries(spellings))('%s is masked', (_, spell) => {
    property((one, words) => {
      const masked = mask(words, [one])
      expect(masked).toContain('***')
      for (const other of Object.values(spellings)) expect(masked).not.toContain(other(one))
      expect(masked.replace('***', '')).toBe(words.replace(spell(one), ''))
    }, spell)
  })

  it.each(Object.entries(spellings))('%s and cut is masked as far as it goes', (_, spell) => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom('', '…', '...'), (seed, ellipsis) => {
        const one = 'correct-horse"battery<staple>/&é'
        const length = 3 + (seed % (one.length - 3))
        const masked = mask(`bad: ${spell(one.slice(0, length))}${ellipsis}`, [one])
        expect(masked).toBe(`bad: ***${ellipsis}`)
      }),
      { seed: 20261124 },
    )
  })

  it.each(Object.entries(spellings))('%s without its beginning is masked', (_, spell) => {
    const one = 'correct-horse"battery<staple>/&é'
    expect(mask(`bad: …${spell(one.slice(5))} there`, [one])).toBe('bad: …*** there')
  })
})

it('a secret beside others of its kind is masked however they are spelled', () => {
  for (const spell of Object.values(spellings)) {
    const masked = mask(spell('{"a":"<é>","b":"\\"/\\""}'), ['<é>', '"/"'])
    for (const one of ['<é>', '"/"'])
      for (const other of Object.values(spellings)) expect(masked).not.toContain(other(one))
  }
})

describe('words without a secret', () => {
  it('stay as they are', () =>
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: 'grapheme' }), (words) => {
        expect(mask(words, ['§no such secret§', 'ab'])).toBe(words)
      }),
      { seed: 20261124 },
    ))

  it('beside one stay readable', () => {
    expect(mask('field[requestCpu] of "hunter2" must be an integer', ['hunter2'])).toBe(
      'field[requestCpu] of "***" must be an integer',
    )
  })
})

describe('masking', () => {
  it('of a quarter of a megabyte in long words comes to an end', () => {
    const long = 'secret '.repeat(40_000)
    expect(mask(`${'\\"&amp;%41'.repeat(30_000)}${long}`, [long, 'other'])).not.toContain('secret')
  })
})
