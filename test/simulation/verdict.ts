import { expect, it } from 'vitest'
import { explain, runSeeds } from './runner.ts'

const portion = 250

/** Tests for these seeds, in portions. Several files share the seeds, so that the cores do. */
export function testSeeds(first: number, count: number): void {
  it.each(Array.from({ length: count / portion }, (_, index) => first + index * portion))(
    'whatever befalls it, it writes nothing that it may not, tells no secret, converges and is still: seed %i and on',
    async (from) => {
      const { failures, sum } = await runSeeds(from, portion)
      const [failure] = failures
      expect(failure && (await explain(failure))).toBeUndefined()
      // A world in which nothing happens proves nothing.
      expect(sum.updates).toBeGreaterThan(2 * portion)
      expect(sum.statusWrites).toBeGreaterThan(5 * portion)
    },
    300_000,
  )
}
