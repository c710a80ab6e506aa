import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { apiServerMissing } from '../../support/envtest/shared.ts'
import { startTenants } from '../../support/tenants.ts'

describe.skipIf(apiServerMissing())('somebody who rewrites the whole status of some objects again and again', () => {
  it('is answered at the pace of a backoff, is told of once an object, and delays no edit', async () => {
    const tenants = await startTenants({ sizes: { well: 3, ill: 4 } })
    onTestFinished(() => tenants.close())
    const operator = tenants.start()
    await tenants.inSync()
    const { of, zstack } = tenants
    const mark = await tenants.mark()
    let rounds = 0
    const isOver = new AbortController()
    const writing = (async () => {
      while (!isOver.signal.aborted) {
        rounds++
        await Promise.all(of.ill.map((one) => one.writeStatus({ observedGeneration: rounds })))
        await sleep(30)
      }
    })()
    onTestFinished(() => isOver.abort())
    const isTold = ({ msg }: { msg?: string }) => msg?.startsWith('somebody else goes on writing the status') === true
    for (let cpu = 5; rounds < 100; cpu++)
      expect(await tenants.editReachesZStack(of.well[cpu % 3]!, { requestCpu: cpu })).toBeLessThan(2_000)
    expect(await tenants.editReachesZStack(of.ill[0]!, { requestCpu: 8 })).toBeLessThan(2_000)
    isOver.abort()
    await writing
    const versions = await tenants.versionsSince(mark, 'ill')
    for (const { name } of of.ill) {
      const own = versions.filter(({ metadata, status }) => metadata.name === name && status?.conditions !== undefined)
      expect(own.length, name).toBeLessThan(12)
      expect(operator.log.filter((line) => isTold(line) && line.name === name)).toHaveLength(1)
    }
    // Nothing was sent to ZStack for it.
    for (const one of of.ill.slice(1)) expect(tenants.updates(one)).toEqual([])
    expect(zstack.counters.query).toBeLessThan(60)
  })
})
