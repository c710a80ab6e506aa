import { scaleOf } from '../../api/quantity.ts'

/** A Kubernetes quantity as an exact fraction: `units` of 10^-9, the smallest step the API allows. */
export type Quantity = { readonly nanos: bigint }

const grammar = /^([+-]?)(\d+)?(?:\.(\d*))?(?:([eE])([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/

/** Undefined where the text is no quantity. Finer than a billionth is rounded away from zero, as Kubernetes does. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = grammar.exec(text)
  if (!match) return undefined
  const [, sign, whole = '', fraction = '', exponentMark, exponentText, suffix = ''] = match
  if (whole === '' && fraction === '') return undefined
  const [base, exponent] = exponentMark ? [10n, Number(exponentText)] : scaleOf(suffix)
  if (Math.abs(exponent) > 64) return undefined
  const scaled = BigInt(whole + fraction) * 10n ** 9n
  const numerator = exponent > 0 ? scaled * base ** BigInt(exponent) : scaled
  const denominator = 10n ** BigInt(fraction.length) * (exponent < 0 ? base ** BigInt(-exponent) : 1n)
  const nanos = (numerator + denominator - 1n) / denominator
  return { nanos: sign === '-' ? -nanos : nanos }
}

export function compareQuantities(a: Quantity, b: Quantity): -1 | 0 | 1 {
  return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0
}

export function isWhole(quantity: Quantity): boolean {
  return quantity.nanos % 10n ** 9n === 0n
}
