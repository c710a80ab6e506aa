/**
 * With outages of a minute in the middle of 1,000 updates, and answers that take 5 s:
 * `LONG_FAULTS=1 npx vitest run --config test/vitest.config.ts test/process`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { peakMemory } from '../programs/bench/usage.ts'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { freePort } from '../support/free-port.ts'
import { fillNamespace, taken } from '../support/full-namespace.ts'
import { isLong } from '../support/long.ts'
import type { Fault } from '../support/zstack/faults.ts'

const away = isLong ? { size: 1_000, millis: 60_000, requests: 120 } : { size: 200, millis: 6_000, requests: 90 }
const slow = isLong ? { size: 200, millis: 5_000 } : { size: 48, millis: 1_500 }
/** So soon after its return ZStack is changed again. */
const returnMs = 5_000
/** deploy/ gives a pod 268 MB. */
const maxMegabytes = 160

const outages: readonly (readonly [string, Fault])[] = [
  ['answers 503', { kind: 'status', status: 503 }],
  ['cuts every connection', { kind: 'reset' }],
]

describe.skipIf(apiServerMissing() !== undefined)(`ZStack that for ${away.millis / 1000} s`, () => {
  it.for(isLong ? outages : outages.slice(0, 1))(
    `%s in the middle of ${away.size} updates is asked little, and worked with again within ${returnMs / 1000} s`,
    { timeout: 200_000 },
    async ([, fault], { annotate }) => {
      const space = await fillNamespace({ size: away.size, moods: { latencyMillis: 30 } })
      const { zstack, start, converged } = space
      const operator = start()
      await expect.poll(() => taken(zstack).length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(away.size / 10)
      zstack.fault({ fault })
      const [before, done] = [zstack.counters.total, taken(zstack).filter(({ status }) => status === 200).length]
      await sleep(away.millis)
      const asked = zstack.counters.total - before
      const backAt = Date.now()
      zstack.clearFaults()
      const next = () => taken(zstack).find(({ at, status }) => at >= backAt && status === 200)
      await expect.poll(next, { timeout: 60_000 }).toBeDefined()
      const tookMs = next()!.at - backAt
      await annotate(`${done} done before, ${asked} requests meanwhile, changed again ${tookMs} ms after its return`)
      expect(asked).toBeGreaterThan(0)
      expect(asked).toBeLessThan(away.requests)
      expect(tookMs).toBeLessThan(returnMs)
      await converged()
      expect(operator.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
    },
  )
})

describe.skipIf(apiServerMissing() !== undefined)(`ZStack that takes ${slow.millis / 1000} s for each answer`, () => {
  it(`makes no probe of an operator with ${slow.size} updates to do fail, and its memory no larger`, async ({
    annotate,
  }) => {
    const space = await fillNamespace({ size: slow.size, moods: { latencyMillis: slow.millis } })
    const { zstack, start, converged } = space
    const port = await freePort()
    const operator = start({ HEALTH_PORT: String(port) })
    await operator.logged(({ msg }) => msg === 'started')
    const statuses: Record<'healthz' | 'readyz', number[]> = { healthz: [], readyz: [] }
    const isOver = new AbortController()
    const probing = (async () => {
      while (!isOver.signal.aborted) {
        for (const probe of ['healthz', 'readyz'] as const)
          statuses[probe].push((await fetch(`http://127.0.0.1:${port}/${probe}`)).status)
        await sleep(100)
      }
    })()
    await converged(150_000)
    isOver.abort()
    await probing
    const megabytes = await peakMemory(operator.pid)
    await annotate(`${statuses.healthz.length} probes, ${Math.round(megabytes)} MB at most`)
    expect(new Set(statuses.healthz)).toEqual(new Set([200]))
    // Not ready before the first poll is over; ready ever after.
    expect(new Set(statuses.readyz.slice(statuses.readyz.indexOf(200)))).toEqual(new Set([200]))
    expect(taken(zstack)).toHaveLength(slow.size)
    expect(megabytes).toBeLessThan(maxMegabytes)
  }, 200_000)
})
