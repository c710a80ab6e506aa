import { describe, expect, it } from 'vitest'
import { startFixture } from '../support/process-fixture.ts'
import { modelService } from '../support/zstack/simulator.ts'

const secret = 'hunter2 <is> "a/key" & more'
const spellings: readonly (readonly [string, string])[] = [
  ['as it is', secret],
  ['in JSON', JSON.stringify(secret).slice(1, -1)],
  [
    'in HTML',
    secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  ],
  ['in a URL', encodeURIComponent(secret)],
  ['cut', secret.slice(0, 16)],
]

describe('a write-only value that ZStack repeats', () => {
  it('is in no log, status or event, however it is spelled', async () => {
    const services = spellings.map(() => modelService({ requestCpu: 4 }))
    const { start, create, zstack, ready, status, api } = await startFixture({ services, secrets: ['hunter2'] })
    for (const [i, [, spelled]] of spellings.entries()) {
      const { uuid } = services[i]!
      const details = `the value "${spelled}" is refused`
      zstack.fault({ operation: 'update', uuid, fault: { kind: 'error', code: 'SYS.1007', details } })
      await create(`s${i}`, { uuid, environmentParameters: { KEY: secret } })
    }
    start({ LOG_LEVEL: 'debug' })
    await expect.poll(ready, { timeout: 10_000 }).toEqual(spellings.map(() => 'False RemoteRejected'))
    const events = async () => (await fetch(`${api.url}/api/v1/namespaces/default/events`)).text()
    await expect.poll(events, { timeout: 10_000 }).toContain('RemoteRejected')
    const told = JSON.stringify(await Promise.all(spellings.map((_, i) => status(`s${i}`)))) + (await events())
    expect(told).toContain('is refused')
    expect(told).not.toContain('hunter2')
  })
})
