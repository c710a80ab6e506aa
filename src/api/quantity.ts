/**
 * Kubernetes quantities as whole bytes, exactly or not at all.
 * The grammar is the one of `k8s.io/apimachinery/pkg/api/resource`: a decimal number with a binary suffix (Ki…Ei),
 * a decimal suffix (n…E) or an exponent.
 */

const suffixes: Readonly<Record<string, readonly [base: bigint, exponent: number]>> = {
  '': [10n, 0],
  n: [10n, -9],
  u: [10n, -6],
  m: [10n, -3],
  k: [10n, 3],
  M: [10n, 6],
  G: [10n, 9],
  T: [10n, 12],
  P: [10n, 15],
  E: [10n, 18],
  Ki: [2n, 10],
  Mi: [2n, 20],
  Gi: [2n, 30],
  Ti: [2n, 40],
  Pi: [2n, 50],
  Ei: [2n, 60],
}

const grammar = /^\+?(?<whole>\d{0,30})(?:\.(?<fraction>\d{0,30}))?(?<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,2})?$/

/**
 * The bytes a quantity stands for: `16Gi`, `1.5G`, `2e9`, `17179869184`, or that number itself.
 * `undefined` when it is no quantity, is negative, is not a whole number of bytes, or exceeds 2^53 - 1 (the largest whole
 * number that JSON carries safely).
 */
export function bytes(quantity: string | number): number | undefined {
  const text = String(quantity)
  const match = grammar.exec(text)
  const whole = match?.groups?.whole ?? ''
  const fraction = match?.groups?.fraction ?? ''
  if (!match || whole + fraction === '') return undefined
  const [base, exponent] = scaleOf(match.groups?.suffix ?? '')
  let numerator = BigInt(whole + fraction)
  let denominator = 10n ** BigInt(fraction.length)
  if (exponent >= 0) numerator *= base ** BigInt(exponent)
  else denominator *= base ** BigInt(-exponent)
  if (numerator % denominator !== 0n) return undefined
  const value = numerator / denominator
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined
}

/** What a suffix multiplies by, an exponent such as `e3` included, as base and exponent. */
export function scaleOf(suffix: string): readonly [bigint, number] {
  return suffixes[suffix] ?? [10n, Number(suffix.slice(1))]
}

/** The shortest spelling with a binary suffix that is exact: 17179869184 is `16Gi`, 1000 is `1000`. */
export function spellBytes(value: number): string {
  if (!Number.isSafeInteger(value) || value <= 0) return String(value)
  const units = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi']
  let rest = value
  let unit = 0
  while (rest % 1024 === 0 && unit < units.length - 1) {
    rest /= 1024
    unit++
  }
  return `${rest}${units[unit] ?? ''}`
}
