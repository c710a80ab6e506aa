import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoff, steadyBackoff } from '../src/backoff.ts'

const limits = { initialMs: 100, maxMs: 1_000 }
const attempts = [0, 1, 2, 3, 4, 5, 1_000]
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('backoff', () => {
  it('doubles the bound of a wait with each attempt, up to the maximum', () => {
    expect(attempts.map((attempt) => backoff(limits, attempt, () => 1))).toEqual([
      100, 200, 400, 800, 1_000, 1_000, 1_000,
    ])
  })

  it('spreads a wait between nothing and its bound', () => {
    expect([0, 0.5, 1].map((chance) => backoff(limits, 1, () => chance))).toEqual([0, 100, 200])
  })

  it('holds half of each wait certain where it is steady', () => {
    expect([0, 0.5, 1].map((chance) => steadyBackoff(limits, 1, () => chance))).toEqual([100, 150, 200])
  })

  it('never waits for longer than the maximum, nor for less than nothing', () => {
    fc.assert(
      fc.property(fc.nat(), random, (attempt, chance) => {
        for (const wait of [backoff, steadyBackoff].map((one) => one(limits, attempt, () => chance))) {
          expect(wait).toBeGreaterThanOrEqual(0)
          expect(wait).toBeLessThanOrEqual(limits.maxMs)
        }
      }),
      { seed: 20261123 },
    )
  })
})
