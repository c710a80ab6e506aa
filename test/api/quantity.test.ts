import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytes, spellBytes } from '../../src/api/quantity.ts'

const binary: Readonly<Record<string, bigint>> = {
  Ki: 2n ** 10n,
  Mi: 2n ** 20n,
  Gi: 2n ** 30n,
  Ti: 2n ** 40n,
  Pi: 2n ** 50n,
  Ei: 2n ** 60n,
}
const decimal: Readonly<Record<string, bigint>> = {
  '': 1n,
  k: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
  P: 10n ** 15n,
  E: 10n ** 18n,
}
const factors = { ...decimal, ...binary }
const most = BigInt(Number.MAX_SAFE_INTEGER)

describe('bytes', () => {
  it.each([
    ['0', 0],
    ['1', 1],
    ['+1', 1],
    ['17179869184', 17179869184],
    ['16Gi', 17179869184],
    ['1.5Gi', 1610612736],
    ['.5Ki', 512],
    ['1.Ki', 1024],
    ['1.0', 1],
    ['0016Ki', 16384],
    ['1k', 1000],
    ['2e9', 2_000_000_000],
    ['2E9', 2_000_000_000],
    ['2e+3', 2000],
    ['1500e-2', 15],
    ['1000m', 1],
    ['1000000u', 1],
    ['1000000000n', 1],
    ['0.008P', 8_000_000_000_000],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('%s is %d bytes', (text, value) => {
    expect(bytes(text)).toBe(value)
  })

  it.each(['100m', '1e-3', '.1', '1.5', '0.1Ki', '1n'])('%s is refused: no whole number of bytes', (text) => {
    expect(bytes(text)).toBeUndefined()
  })

  it.each(['9007199254740992', '9Ei', '8Pi', '1E', '1e99', '9'.repeat(30)])(
    '%s is refused: more than JSON carries',
    (text) => {
      expect(bytes(text)).toBeUndefined()
    },
  )

  it.each([
    '',
    '.',
    '+',
    '-1',
    '-0',
    '16Gx',
    '16gi',
    '16 Gi',
    ' 16Gi',
    '16Gi\n',
    '1K',
    '1_000',
    '0x10',
    '1e',
    'e3',
    '1e1.5',
    '1,5',
    '١',
    'Gi',
    'NaN',
    'Infinity',
    '1'.repeat(31),
  ])('%j is refused: no quantity', (text) => {
    expect(bytes(text)).toBeUndefined()
  })

  it('a number stands for itself, if it is one of bytes', () => {
    expect([0, 1, 17179869184, Number.MAX_SAFE_INTEGER].map(bytes)).toEqual([
      0,
      1,
      17179869184,
      Number.MAX_SAFE_INTEGER,
    ])
    expect([-1, 1.5, 2 ** 53, 1e21, 1e-7, NaN, Infinity].map(bytes)).toEqual(Array.from({ length: 7 }))
  })

  it('every spelling is exact, or refused', () => {
    const digits = fc.stringMatching(/^[0-9]{1,20}$/)
    const suffix = fc.constantFrom(...Object.keys(factors))
    fc.assert(
      fc.property(digits, fc.option(digits), suffix, (whole, fraction, unit) => {
        const scale = 10n ** BigInt(fraction?.length ?? 0)
        const scaled = BigInt(whole + (fraction ?? '')) * (factors[unit] ?? 0n)
        const exact = scaled % scale === 0n && scaled / scale <= most ? Number(scaled / scale) : undefined
        expect(bytes(`${whole}${fraction === null ? '' : `.${fraction}`}${unit}`)).toBe(exact)
      }),
      { seed: 20261123 },
    )
  })

  it('no text makes it fail or give anything but a whole number', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[+\d.eEKMGi-]{0,12}$/)), (text) => {
        const value = bytes(text)
        expect(value === undefined || (Number.isSafeInteger(value) && value >= 0)).toBe(true)
      }),
      { seed: 20261123 },
    )
  })
})

describe('spellBytes', () => {
  it.each([
    [0, '0'],
    [1000, '1000'],
    [1024, '1Ki'],
    [17179869184, '16Gi'],
    [1610612736, '1536Mi'],
    [2 ** 52, '4Pi'],
    [-1, '-1'],
    [1.5, '1.5'],
  ])('%d is spelled %s', (value, text) => {
    expect(spellBytes(value)).toBe(text)
  })

  it('is read back as the same number', () => {
    const shifted = fc.tuple(fc.nat(4095), fc.nat(41)).map(([head, shift]) => head * 2 ** shift)
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeNat(), shifted), (value) => {
        expect(bytes(spellBytes(value))).toBe(value)
      }),
      { seed: 20261123 },
    )
  })
})
