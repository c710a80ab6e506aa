import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { limits } from '../../../src/limits.ts'
import { apiServerMissing } from '../../support/envtest/shared.ts'
import { isLong } from '../../support/long.ts'
import { conditionIn } from '../../support/scenario.ts'
import { expectUndisturbed, startTenants, type TenantObject, type Tenants } from '../../support/tenants.ts'
import { firewallPage, type Fault, type FaultRule, type RequestRecord } from '../../support/zstack/simulator.ts'

const words = 'what ZStack says about somebody else'
const page = (status: number): Fault => ({ kind: 'status', status, body: `<html><h1>${words}</h1></html>` })

const promisedMs = 2_000
const pollMs = 1_000
const polls = (count: number) => count * 1.1 * pollMs + promisedMs

/** Of each side so many that together they need three queries. */
const size = 125

const poisons: readonly (readonly [fault: string, services: number, fault: Fault])[] = [
  ['504 and a page', 1, page(504)],
  ['500', 3, { kind: 'status', status: 500, body: words }],
  ['SYS.1000', 2, { kind: 'error', code: 'SYS.1000', details: words }],
  ['a page of something else, as 200', 1, { kind: 'garbage', body: `<html>${words}` }],
  ['the page of a firewall', 2, firewallPage],
  ['a cut connection', 1, { kind: 'reset' }],
]

describe.skipIf(apiServerMissing())('among 250 services', () => {
  let tenants: Tenants<'well' | 'ill'>
  beforeAll(async () => {
    tenants = await startTenants({
      sizes: { well: size, ill: size },
      env: { POLL_INTERVAL: `${pollMs / 1000}s`, ZSTACK_REQUEST_TIMEOUT: '1s' },
    })
    tenants.start()
    await tenants.inSync()
  })
  afterAll(() => tenants.close())

  let cpus = 100
  /** Changes services behind the operator's back; all of them must be put back in time. */
  async function expectPutBack(objects: readonly TenantObject[], withinMs: number) {
    const { zstack } = tenants
    const cpusOf = () => objects.map(({ uuid }) => zstack.read(uuid)?.requestCpu)
    const wanted = cpusOf()
    for (const { uuid } of objects) zstack.drift(uuid, { requestCpu: ++cpus })
    await expect.poll(cpusOf, { timeout: withinMs, interval: 20 }).toEqual(wanted)
  }

  /** Some of every query, the broken ones left out. */
  const everyTwentieth = (broken: readonly TenantObject[]) =>
    [...tenants.of.well, ...tenants.of.ill].filter((one, i) => i % 20 === 7 && !broken.includes(one))

  async function whileBroken(rule: FaultRule, judge: () => Promise<void>) {
    const lift = tenants.zstack.fault(rule)
    onTestFinished(lift)
    const mark = await tenants.mark()
    await judge()
    const versions = await tenants.versionsSince(mark, 'well')
    expect(versions.length).toBeGreaterThan(0)
    expectUndisturbed(versions, words)
  }

  let taken = 0
  it.for(poisons)(
    'whatever asks for one is answered with %s (%i of them): drift of all others is put back within two polls, an edit leaves within 2 s',
    async ([, count, fault]) => {
      const broken = tenants.of.ill.slice(taken, (taken += count))
      await whileBroken({ operation: 'query', uuids: broken.map(({ uuid }) => uuid), fault }, async () => {
        await expectPutBack(everyTwentieth(broken), polls(2))
        const edited = tenants.of.well[taken]!
        expect(await tenants.editReachesZStack(edited, { requestCpu: ++cpus })).toBeLessThan(promisedMs)
        await expectPutBack(everyTwentieth(broken), polls(2))
      })
    },
  )

  it('whatever asks for one hangs: once it is known which, drift of all others is put back within two polls', async () => {
    const [broken] = tenants.of.ill
    const begun = Date.now()
    await whileBroken({ operation: 'query', uuid: broken!.uuid, fault: { kind: 'hang' } }, async () => {
      const edited = tenants.of.well[size - 1]!
      expect(await tenants.editReachesZStack(edited, { requestCpu: ++cpus })).toBeLessThan(promisedMs)
      const isAskedForAlone = ({ at, path }: RequestRecord) =>
        at >= begun && path.includes(broken!.uuid) && !/,|%2C/.test(path)
      await expect
        .poll(() => tenants.zstack.requests('query').filter(isAskedForAlone).length, { timeout: 20_000 })
        .toBeGreaterThan(1)
      await expectPutBack(everyTwentieth([broken!]), polls(2))
    })
  })

  it('a tenth of all queries fails at random: drift is put back within three polls, each time', async () => {
    await whileBroken({ operation: 'query', percent: 10, fault: { kind: 'status', status: 503 } }, async () => {
      for (let times = 0; times < 4; times++) await expectPutBack(everyTwentieth([]), polls(3))
    })
  })

  it.for([50, 7])(
    'every answer is cut after %i: nobody is NotFound, nothing is sent but what differs',
    async (services) => {
      await whileBroken({ operation: 'query', fault: { kind: 'cut', services } }, async () => {
        const before = tenants.zstack.counters.update
        const drifting = everyTwentieth([])
        await expectPutBack(drifting, polls(2))
        await expectPutBack(drifting, polls(2))
        expect(tenants.zstack.counters.update - before).toBe(2 * drifting.length)
      })
    },
  )

  it('an answer leaves 60 services out once: nobody is NotFound, nothing is sent', async () => {
    const { zstack, of } = tenants
    const uuids = of.well.slice(0, 60).map(({ uuid }) => uuid)
    const mark = await tenants.mark()
    const before = zstack.counters
    zstack.fault({ operation: 'query', uuids, times: 1, fault: { kind: 'leave-out', uuids } })
    await expect.poll(() => zstack.counters.query - before.query).toBeGreaterThan(8)
    expect(await tenants.versionsSince(mark, 'well')).toEqual([])
    expect(zstack.counters.update).toBe(before.update)
  })
})

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
      zstack.fault({ operation: 'query', uuids: of.ill.map(({ uuid }) => uuid), fault: page(504) })
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
