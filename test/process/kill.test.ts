/**
 * More of these, with other seeds: `LONG_FAULTS=1 npx vitest run --config test/vitest.config.ts test/process`.
 * A seed says at which requests the operator is killed; what was under way at that moment is the machine's choice.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { fillNamespace, isReady, taken, type FullNamespace } from '../support/full-namespace.ts'
import { isLong } from '../support/long.ts'
import type { OperatorProcess } from '../support/operator-process.ts'

const size = 200
/** The default of MAX_CONCURRENT_RECONCILES: each worker has one update under way. */
const workers = 32
/** After so many requests of a life, and so many milliseconds more. */
const points = fc.record({ requests: fc.integer({ min: 0, max: 25 }), millis: fc.integer({ min: 0, max: 25 }) })
type Point = typeof points extends fc.Arbitrary<infer P> ? P : never

const openly = { requestCpu: 8 }
const hidden = { environmentParameters: { MODE: 'fast' } }
const isOpen = (index: number) => index % 2 === 0

async function killAt(space: FullNamespace, operator: OperatorProcess, { requests, millis }: Point) {
  const { zstack } = space
  const before = zstack.counters.total
  const arrived = new Promise<void>((resolve) => {
    const stop = zstack.onRequest(() => {
      if (zstack.counters.total < before + requests) return
      stop()
      resolve()
    })
  })
  await (requests === 0 ? operator.logged(({ msg }) => msg === 'started') : arrived)
  await sleep(millis)
  operator.signal('SIGKILL')
  expect(await operator.exited).toBeNull()
}

/** Until what the dead one sent has all arrived, and been answered: answers are recorded when they leave. */
async function untilQuiet({ zstack }: FullNamespace): Promise<void> {
  let arrived: number
  do {
    arrived = zstack.counters.total
    await sleep(20)
  } while (zstack.counters.total !== arrived || zstack.requests().length !== arrived)
}

/**
 * Updates that ZStack was asked for. One of write-only fields that leaves twice, in either body shape, is one: nothing
 * would show whether the first was understood.
 */
const asked = (zstack: FullNamespace['zstack']) =>
  taken(zstack).filter(({ body }) => typeof body === 'object' && body !== null && 'updateModelService' in body)

/** Services that were asked to change since, and whose objects are not Ready. */
async function underWay({ zstack, objects }: FullNamespace, since: number): Promise<readonly string[]> {
  const confirmed = new Set((await objects()).filter(isReady).map(({ spec }) => spec.uuid))
  const unconfirmed = taken(zstack).filter(({ at, uuid }) => at >= since && !confirmed.has(uuid))
  return [...new Set(unconfirmed.map(({ uuid = '' }) => uuid))]
}

describe.skipIf(apiServerMissing() !== undefined)('killed again and again', () => {
  it.for(isLong ? [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] : [1])(
    'in the middle of 200 updates, it converges and repeats none but those under way (seed %i)',
    { timeout: 120_000 },
    async (seed, { annotate }) => {
      const space = await fillNamespace({
        size,
        spec: (index) => ({ ...openly, ...(isOpen(index) ? {} : hidden) }),
        moods: { latencyMillis: 15 },
      })
      const { zstack, uuids, start, converged } = space
      /** Of each service, how many kills an update of it may not have survived. */
      const lost = new Map<string, number>()
      for (const point of fc.sample(points, { seed, numRuns: 6 })) {
        const begun = Date.now()
        await killAt(space, start(), point)
        await untilQuiet(space)
        const now = await underWay(space, begun)
        expect(now.length).toBeLessThanOrEqual(workers)
        for (const uuid of now) lost.set(uuid, (lost.get(uuid) ?? 0) + 1)
      }
      expect(taken(zstack).length).toBeGreaterThan(0)
      const operator = start()
      await converged()

      for (const [index, uuid] of uuids.entries()) {
        const updates = asked(zstack).filter((one) => one.uuid === uuid)
        expect(updates.length).toBeGreaterThanOrEqual(1)
        // What a read shows to be done already is never sent again; what no read shows is, if no status records it.
        expect(updates.length).toBeLessThanOrEqual(isOpen(index) ? 1 : 1 + (lost.get(uuid) ?? 0))
        expect(zstack.read(uuid)).toMatchObject(openly)
        if (!isOpen(index)) expect(zstack.hidden(uuid)).toMatchObject(hidden)
      }
      const [twice, underWayAtKills] = [
        asked(zstack).length - size,
        [...lost.values()].reduce((sum, times) => sum + times, 0),
      ]
      await annotate(`${underWayAtKills} updates were under way at the kills, ${twice} were sent again`)

      const versions = (await space.objects()).map(({ metadata }) => metadata.resourceVersion)
      const { update, query } = zstack.counters
      await expect.poll(() => zstack.counters.query, { timeout: 15_000 }).toBeGreaterThan(query + 4)
      expect(zstack.counters.update).toBe(update)
      expect((await space.objects()).map(({ metadata }) => metadata.resourceVersion)).toEqual(versions)
      expect(operator.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
    },
  )
})
