import { describe, expect, it, onTestFinished } from 'vitest'
import { limits } from '../../../src/limits.ts'
import { apiServerMissing } from '../../support/envtest/shared.ts'
import { isLong } from '../../support/long.ts'
import { conditionIn } from '../../support/scenario.ts'
import { startTenants } from '../../support/tenants.ts'

describe.skipIf(apiServerMissing() ?? !isLong)('a service whose queries fail for good', () => {
  it(
    'says so itself once what is known of it is too old, in its own words, and no other does',
    { timeout: 500_000 },
    async () => {
      const tenants = await startTenants({ sizes: { well: 20, ill: 2 }, env: { POLL_INTERVAL: '2s' } })
      onTestFinished(() => tenants.close())
      tenants.start()
      await tenants.inSync()
      const { zstack, of } = tenants
      const mark = await tenants.mark()
      zstack.fault({
        operation: 'query',
        uuids: of.ill.map(({ uuid }) => uuid),
        fault: { kind: 'status', status: 504, body: '<html>' },
      })
      for (const one of of.ill) {
        await expect
          .poll(async () => conditionIn(await one.get(), 'Synced')?.reason, {
            timeout: limits.minStaleMs + 30_000,
            interval: 1_000,
          })
          .toBe('ObservationStale')
      }
      expect(await tenants.versionsSince(mark, 'well')).toEqual([])
    },
  )
})
