import { describe, expect, it, onTestFinished } from 'vitest'
import { apiServerMissing } from '../../support/envtest/shared.ts'
import { expectUndisturbed, startTenants } from '../../support/tenants.ts'
import type { Fault } from '../../support/zstack/simulator.ts'

const words = 'what ZStack says about somebody else'
const promisedMs = 2_000
const pollMs = 2_000
const twoPollsMs = 2 * 1.1 * pollMs + promisedMs

async function started(ill: number, moods: { readonly latencyMillis?: number } = {}) {
  const tenants = await startTenants({ sizes: { well: 5, ill }, moods, env: { POLL_INTERVAL: `${pollMs / 1000}s` } })
  onTestFinished(() => tenants.close())
  tenants.start()
  await tenants.inSync()
  const { zstack, of } = tenants
  return {
    ...tenants,
    breakUpdates: (fault: Fault) => zstack.fault({ operation: 'update', uuids: of.ill.map(({ uuid }) => uuid), fault }),
    driftIsPutBack: async () => {
      const { uuid } = of.well.at(-1)!
      zstack.drift(uuid, { requestCpu: 99 })
      await expect.poll(() => zstack.read(uuid)?.requestCpu, { timeout: twoPollsMs, interval: 20 }).toBe(4)
    },
  }
}

const crowds: readonly (readonly [string, number, Fault, latencyMillis: number])[] = [
  ['PUTs hang', 60, { kind: 'hang' }, 0],
  ['PUTs hang', 120, { kind: 'hang' }, 0],
  ['PUTs take 1.8 s', 60, { kind: 'slow', millis: 1_800 }, 0],
  ['PUTs take 10 s', 60, { kind: 'slow', millis: 10_000 }, 0],
  [
    'PUTs are answered with SYS.1000 by a ZStack that takes 0.7 s for each answer',
    60,
    { kind: 'error', code: 'SYS.1000', details: words },
    700,
  ],
]

describe.skipIf(apiServerMissing())('a crowd of edits in one namespace', () => {
  it.for(crowds)(
    'whose %s (%i of them): edits of another leave within 2 s from the first moment, its drift is put back within two polls',
    { timeout: 90_000 },
    async ([, count, fault, latencyMillis]) => {
      const tenants = await started(count, { latencyMillis })
      // What the machine takes by itself, should it be busy.
      const calmMs = await tenants.editReachesZStack(tenants.of.well[0]!, { requestCpu: 9 })
      const mark = await tenants.mark()
      tenants.breakUpdates(fault)
      const crowd = Promise.all(tenants.of.ill.map((one) => one.edit({ requestCpu: 8 })))
      for (let round = 0; round < 8; round++)
        expect(await tenants.editReachesZStack(tenants.of.well[round % 4]!, { requestCpu: 10 + round })).toBeLessThan(
          promisedMs + latencyMillis + 500 + 5 * calmMs,
        )
      await crowd
      await tenants.driftIsPutBack()
      expectUndisturbed(await tenants.versionsSince(mark, 'well'), words)
    },
  )
})

describe.skipIf(apiServerMissing())('a crowd of services in one namespace that drift at once', () => {
  it('and whose PUTs hang (60 of them): drift in another is put back within two polls, and polls go on', async () => {
    const { zstack, of, breakUpdates, driftIsPutBack } = await started(60)
    breakUpdates({ kind: 'hang' })
    for (const { uuid } of of.ill) zstack.drift(uuid, { requestCpu: 77 })
    await expect.poll(() => zstack.counters.update).toBeGreaterThan(2)
    await driftIsPutBack()
    await driftIsPutBack()
  }, 60_000)
})

describe.skipIf(apiServerMissing())('a query of one service that is answered with words about the account', () => {
  it.for(['ID.1000', 'ID.1001', 'ID.1006', 'ID.1007'])(
    '%s stops nobody else: a read about no service is asked first',
    async (code) => {
      const tenants = await started(1)
      const { zstack, of } = tenants
      const mark = await tenants.mark()
      zstack.fault({ operation: 'query', uuid: of.ill[0]!.uuid, fault: { kind: 'error', code, details: words } })
      const before = zstack.counters.query
      await expect.poll(() => zstack.counters.query - before).toBeGreaterThan(6)
      expect(await tenants.editReachesZStack(of.well[0]!, { requestCpu: 8 })).toBeLessThan(promisedMs)
      await tenants.driftIsPutBack()
      expectUndisturbed(await tenants.versionsSince(mark, 'well'), words)
    },
  )
})
