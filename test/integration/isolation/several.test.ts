import { describe, expect, it, onTestFinished } from 'vitest'
import { apiServerMissing } from '../../support/envtest/shared.ts'
import { startTenants } from '../../support/tenants.ts'

const promisedMs = 2_000
const pollMs = 2_000
const twoPollsMs = 2 * 1.1 * pollMs + promisedMs

describe.skipIf(apiServerMissing())('while PUTs hang in two namespaces at once', () => {
  it.each([
    ['the default settings', {}, 60],
    ['one request and one object at once', { ZSTACK_MAX_IN_FLIGHT: '1', MAX_CONCURRENT_RECONCILES: '1' }, 30],
  ])(
    'with %s, edits of a third leave within 2 s, and its drift is put back within two polls',
    { timeout: 90_000 },
    async (_, settings, count) => {
      const tenants = await startTenants({
        sizes: { well: 4, edited: count, drifted: count },
        env: { POLL_INTERVAL: `${pollMs / 1000}s`, ZSTACK_REQUEST_TIMEOUT: '60s', ...settings },
      })
      onTestFinished(() => tenants.close())
      tenants.start()
      await tenants.inSync()
      const { zstack, of } = tenants
      const ill = [...of.edited, ...of.drifted]
      zstack.fault({ operation: 'update', uuids: ill.map(({ uuid }) => uuid), fault: { kind: 'hang' } })
      for (const { uuid } of of.drifted) zstack.drift(uuid, { requestCpu: 77 })
      await Promise.all([...of.edited, ...of.drifted.slice(count / 2)].map((one) => one.edit({ requestCpu: 8 })))
      const drifting = of.well.at(-1)!
      for (let round = 0; round < 4; round++) {
        for (const one of of.well.slice(0, 3))
          expect(await tenants.editReachesZStack(one, { requestCpu: 10 + round })).toBeLessThan(promisedMs)
        zstack.drift(drifting.uuid, { requestCpu: 99 })
        await expect.poll(() => zstack.read(drifting.uuid)?.requestCpu, { timeout: twoPollsMs }).toBe(4)
      }
    },
  )
})
