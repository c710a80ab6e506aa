import { expect, test } from 'vitest'
import { age, humanDuration } from './age.ts'
import { compileJsonPath } from './json-path.ts'
import { isWhole, parseQuantity } from '../../../src/cli/validation/quantity.ts'

const SECOND = 1000
const HOUR = 3600 * SECOND
const DAY = 24 * HOUR

test.each([
  [-5 * SECOND, '<invalid>'],
  [-1 * SECOND, '0s'],
  [0, '0s'],
  [119 * SECOND, '119s'],
  [120 * SECOND, '2m'],
  [125 * SECOND, '2m5s'],
  [10 * 60 * SECOND, '10m'],
  [3 * HOUR, '3h'],
  [3.5 * HOUR, '3h30m'],
  [47 * HOUR, '47h'],
  [50 * HOUR, '2d2h'],
  [8 * DAY, '8d'],
  [800 * DAY, '2y70d'],
  [365 * 8 * DAY, '8y'],
])('%d ms ago is %s', (millis, text) => {
  expect(humanDuration(millis)).toBe(text)
})

test('a time that is none has an unknown age', () => {
  expect(age('yesterday')).toBe('<unknown>')
  expect(age(undefined)).toBe('<unknown>')
})

test.each([
  ['.a.b', [1]],
  ['.list[*].x', ['p', 'q']],
  ['.list[1].x', ['q']],
  ['.list[-1].x', ['q']],
  ['.list[?(@.kind=="two")].x', ['q']],
  [".list[?(@.kind!='two')].x", ['p']],
  ['.list[?(@.n>1)].x', ['q']],
  ["['dotted.key']", ['yes']],
  ['.dotted\\.key', ['yes']],
  ['.nowhere.at.all', []],
])('the path %s finds %j', (path, found) => {
  const document = {
    a: { b: 1 },
    list: [
      { kind: 'one', x: 'p', n: 1 },
      { kind: 'two', x: 'q', n: 2 },
    ],
    'dotted.key': 'yes',
  }
  expect(compileJsonPath(path)(document)).toEqual(found)
})

test('a path that is none does not compile', () => {
  expect(() => compileJsonPath('.a[?(@.b =~ /x/)]')).toThrow('cannot read the JSON path')
})

test.each([
  ['16Gi', 17179869184n, true],
  ['1.5Gi', 1610612736n, true],
  ['500m', undefined, false],
  ['1e3', 1000n, true],
  ['0.5k', 500n, true],
  ['-2', -2n, true],
  ['.5', undefined, false],
])('the quantity %s is %s, whole: %s', (text, whole, isWholeNumber) => {
  const quantity = parseQuantity(text)!
  expect(isWhole(quantity)).toBe(isWholeNumber)
  if (whole !== undefined) expect(quantity.nanos / 10n ** 9n).toBe(whole)
})

test.each(['', 'abc', '1 Gi', '1GiB', '--1', 'Gi', '1.2.3'])('%j is no quantity', (text) => {
  expect(parseQuantity(text)).toBeUndefined()
})
