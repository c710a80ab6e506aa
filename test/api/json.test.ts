import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonical, isEmpty, type Json } from '../../src/api/json.ts'

it('counts as empty where ZStack would show nothing, but zero and false are values', () => {
  expect([undefined, null, '', [], {}].map(isEmpty)).toEqual([true, true, true, true, true])
  expect([0, false, ' ', [0], { a: '' }].map(isEmpty)).toEqual([false, false, false, false, false])
})

describe('canonical JSON', () => {
  it('has the keys of every object in order, and lists as they are', () => {
    expect(canonical({ b: [{ d: 1, c: 2 }, 'x'], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1},"x"]}')
  })

  it('is the same for the same value, and reads back as it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonical(value as Json)
        expect(canonical(JSON.parse(text) as Json)).toBe(text)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
      { seed: 20261123 },
    )
  })
})
