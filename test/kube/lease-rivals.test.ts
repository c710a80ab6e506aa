import { once } from 'node:events'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { acquireLease, type Leadership } from '../../src/kube/lease.ts'
import { createCapturedLog } from '../support/captured-log.ts'
import { createManualClock, type ManualClock } from '../support/clock.ts'
import { createLeaseApi, type Fate, type LeaseApi } from '../support/lease-api.ts'
import { createStoppable } from '../support/stoppable.ts'

/** A process that is started again whenever it loses the lease, as the same pod or with another identity each time. */
function lasting(name: string, isPod: boolean, api: LeaseApi, time: ManualClock, fate: () => Fate) {
  const { log } = createCapturedLog()
  const { clock, cluster, stop } = createStoppable(time, api.clusterFor(fate))
  const end = new AbortController()
  let leadership: Leadership | undefined
  const live = async () => {
    for (let life = 0; !end.signal.aborted; life += 1) {
      const identity = isPod ? name : `${name} ${life}`
      leadership = await acquireLease(
        { cluster, namespace: 'test', name: 'leader', identity, clock, random: () => 1, log },
        end.signal,
      )
      if (!leadership) continue
      const over = AbortSignal.any([leadership.lost, end.signal])
      // A process that was stopped may learn of its lease after its end has come: nobody aborts it a second time.
      if (!over.aborted) await once(over, 'abort')
    }
    await leadership?.release()
  }
  const ended = live()
  return {
    isHeld: () => leadership?.isHeld() === true,
    stopFor: (ms: number) => void time.after(ms, stop()),
    async end() {
      end.abort()
      await time.advance(60_000)
      await ended
    },
  }
}

const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ there: fc.nat(300), back: fc.nat(300) }) },
  { weight: 2, arbitrary: fc.record({ there: fc.nat(8_000), back: fc.nat(8_000) }) },
  { weight: 1, arbitrary: fc.constant({ arrives: false }) },
  { weight: 1, arbitrary: fc.record({ there: fc.nat(8_000), answered: fc.constant(false) }) },
)
const trouble = fc.array(
  fc.record({
    at: fc.nat(239),
    who: fc.nat(1),
    what: fc.constantFrom('stop', 'outage'),
    ms: fc.integer({ min: 1_000, max: 40_000 }),
  }),
  { maxLength: 6 },
)

it('two candidates never both hold the lease, however slow, lossy or stopped they are', async () => {
  let changes = 0
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fate), trouble, fc.boolean(), async (fates, troubles, arePods) => {
      const time = createManualClock()
      const api = createLeaseApi(time)
      const awayUntil = [0, 0]
      const fateOf = (who: number) => (): Fate =>
        time.monotonic() < awayUntil[who]! ? { arrives: false } : (fates.next() as IteratorYieldResult<Fate>).value
      const both = [0, 1].map((who) => lasting(`${who}`, arePods, api, time, fateOf(who)))
      const holders = () => both.flatMap((one, who) => (one.isHeld() ? [who] : []))
      let leader: number | undefined
      for (let half = 0; half < 240; half += 1) {
        for (const { who, what, ms } of troubles.filter(({ at }) => at === half)) {
          if (what === 'stop') both[who]!.stopFor(ms)
          else awayUntil[who] = time.monotonic() + ms
        }
        await time.advance(500)
        expect(holders().length).toBeLessThanOrEqual(1)
        const [now] = holders()
        if (now !== undefined && leader !== undefined && now !== leader) changes += 1
        leader = now ?? leader
      }
      await Promise.all(both.map((one) => one.end()))
      expect(leader).toBeDefined()
    }),
    // A failing world is found again by its seed; making it smaller takes minutes.
    { numRuns: 60, endOnFailure: true, seed: 20261123 },
  )
  expect(changes).toBeGreaterThan(20)
})
