import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { limits } from '../../../src/limits.ts'
import { apiServerMissing } from '../../support/envtest/shared.ts'
import { isLong } from '../../support/long.ts'
import { expectUndisturbed, startTenants, type Tenants } from '../../support/tenants.ts'
import { firewallPage, type Fault } from '../../support/zstack/simulator.ts'

const words = 'what ZStack says about somebody else'
const page = (status: number): Fault => ({ kind: 'status', status, body: `<html><h1>${words}</h1></html>` })
const error = (code: string): Fault => ({ kind: 'error', code, details: words })

/** The time in which an edit must have left, whatever else is broken. */
const promisedMs = 2_000
const pollMs = 1_000
/** Two polls with their jitter, and the way. */
const twoPollsMs = 2 * 1.1 * pollMs + promisedMs

const faults: readonly (readonly [fault: string, count: number, fault: Fault, readyOfTheirs: string])[] = [
  ['are answered with SYS.1000', 30, error('SYS.1000'), 'False Unreachable'],
  ['are answered with 502 and a page', 7, page(502), 'False Unreachable'],
  ['are answered with a page of a log-in, as 200', 5, { kind: 'garbage', body: `<html>${words}` }, 'False Unreachable'],
  ['are cut', 12, { kind: 'reset' }, 'False Unreachable'],
  ['meet a firewall that answers 403', 2, firewallPage, 'False RemoteRejected'],
  ['meet a proxy that answers 401', 2, page(401), 'False RemoteRejected'],
  ['are told that the credentials are wrong', 2, error('ID.1000'), 'False RemoteRejected'],
  ['are told that the session is gone', 2, error('ID.1001'), 'False RemoteRejected'],
  ['are told that the account is disabled', 1, error('ID.1007'), 'False RemoteRejected'],
  ['hang', 12, { kind: 'hang' }, 'False Updating'],
]

describe.skipIf(apiServerMissing())('while PUTs of some services', () => {
  let tenants: Tenants<'well' | 'ill'>
  beforeAll(async () => {
    const count = faults.reduce((sum, [, size]) => sum + size, 0)
    tenants = await startTenants({ sizes: { well: 6, ill: count }, env: { POLL_INTERVAL: `${pollMs / 1000}s` } })
    tenants.start()
    await tenants.inSync()
  })
  afterAll(() => tenants.close())

  let cpus = 10
  let taken = 0
  it.for(faults)(
    '%s (%i of them), edits of another namespace leave within 2 s, its drift is put back within two polls, and it says nothing of it',
    async ([, count, fault, theirs]) => {
      const { zstack, of } = tenants
      const ill = of.ill.slice(taken, (taken += count))
      onTestFinished(zstack.fault({ operation: 'update', uuids: ill.map(({ uuid }) => uuid), fault }))
      const mark = await tenants.mark()
      await Promise.all(ill.map((one) => one.edit({ requestCpu: 8 })))
      const [first, second, drifting, ...others] = of.well
      expect(await tenants.editReachesZStack(first!, { requestCpu: ++cpus })).toBeLessThan(promisedMs)
      const wanted = zstack.read(drifting!.uuid)?.requestCpu
      zstack.drift(drifting!.uuid, { requestCpu: 1 })
      await expect.poll(() => zstack.read(drifting!.uuid)?.requestCpu, { timeout: twoPollsMs }).toBe(wanted)
      await expect
        .poll(async () => new Set(await Promise.all(ill.map((one) => one.ready()))))
        .toEqual(new Set([theirs]))
      for (const one of [second!, ...others])
        expect(await tenants.editReachesZStack(one, { requestCpu: ++cpus })).toBeLessThan(promisedMs)
      const versions = await tenants.versionsSince(mark, 'well')
      expect(versions.length).toBeGreaterThan(0)
      expectUndisturbed(versions, words)
    },
  )
})

describe.skipIf(apiServerMissing())('an object whose PUT fails always', () => {
  it(
    'gets what its own backoff allows: no poll and no edit of others shortens a wait of it',
    { timeout: 700_000 },
    async ({ annotate }) => {
      const tenants = await startTenants({ sizes: { well: 2, ill: 3 } })
      onTestFinished(() => tenants.close())
      tenants.start()
      await tenants.inSync()
      const { zstack, of } = tenants
      zstack.fault({ operation: 'update', uuids: of.ill.map(({ uuid }) => uuid), fault: error('SYS.1000') })
      const begun = Date.now()
      for (const one of of.ill) await one.edit({ requestCpu: 8 })
      const tries = isLong ? 9 : 4
      for (let cpu = 20; of.ill.some((one) => tenants.updates(one).length < tries); cpu++)
        await tenants.editReachesZStack(of.well[cpu % 2]!, { requestCpu: cpu })
      await annotate(`${tries} tries of each in ${Date.now() - begun} ms`)
      for (const one of of.ill) {
        const at = tenants.updates(one)
        for (const [i, time] of at.slice(1).entries()) {
          const waitMs = Math.min(limits.retry.initialMs * 2 ** i, limits.retry.maxMs)
          // A quarter of each wait is left to chance.
          expect(time - at[i]!, `wait ${i + 1} of ${one.name}`).toBeGreaterThan(0.7 * waitMs)
        }
      }
    },
  )
})
