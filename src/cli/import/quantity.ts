/** Bytes as people write them. */
import { spellBytes } from '../../api/quantity.ts'

const decimal = ['', 'k', 'M', 'G', 'T', 'P'] as const

/** The shorter of the two exact spellings: 17179869184 is `16Gi`, 5000000000 is `5G`, and 1001 is that number. */
export function quantityOf(bytes: number): string | number {
  const binary = spellBytes(bytes)
  let [rest, unit] = [bytes, 0]
  while (rest > 0 && rest % 1000 === 0 && unit < decimal.length - 1) {
    rest /= 1000
    unit++
  }
  const spelt = `${rest}${decimal[unit] ?? ''}`
  const shortest = spelt.length < binary.length ? spelt : binary
  return /^\d+$/.test(shortest) ? bytes : shortest
}
