import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startFixture, type ProcessFixture } from '../support/process-fixture.ts'
import { DEFAULT_CREDENTIALS, modelService } from '../support/zstack/simulator.ts'

const uuid = 'a'.repeat(32)

/** Credentials as the kubelet mounts them, and an operator that reads them there. */
async function mounted(fixture: ProcessFixture, files: Readonly<Record<string, string>>) {
  const directory = join(fixture.directory, 'credentials')
  await mkdir(directory)
  const write = async (changed: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(changed)) await writeFile(join(directory, name), text)
  }
  await write(files)
  const operator = fixture.start({
    ZSTACK_CREDENTIALS_DIR: directory,
    ZSTACK_ACCOUNT_NAME: '',
    ZSTACK_ACCOUNT_PASSWORD: '',
  })
  return { operator, write }
}

const account = (password: string) => ({ ZSTACK_ACCOUNT_NAME: 'admin', ZSTACK_ACCOUNT_PASSWORD: `${password}\n` })

describe('mounted credentials', () => {
  it('that are replaced are taken into use without a restart, after one refused log-in', async () => {
    const secrets = ['first-secret', 'second-secret']
    const fixture = await startFixture({ services: [modelService({ uuid, requestCpu: 4 })], secrets })
    fixture.zstack.setAccount('admin', 'first-secret')
    await fixture.create('a', { uuid, requestCpu: 8 })
    const { operator, write } = await mounted(fixture, account('first-secret'))
    await fixture.converged()

    fixture.zstack.setAccount('admin', 'second-secret')
    fixture.zstack.dropSessions()
    await expect.poll(fixture.ready, { timeout: 10_000 }).toEqual(['False CredentialsRejected'])
    await fixture.edit('a', { requestCpu: 16 })
    await write(account('second-secret'))
    await fixture.converged()
    expect(fixture.zstack.read(uuid)).toMatchObject({ requestCpu: 16 })
    const refused = fixture.zstack.requests('login').filter(({ status }) => status !== 200)
    expect(refused).toHaveLength(1)
    expect(await operator.stop()).toBe(0)
    expect(fixture.zstack.counters.openSessions).toBe(0)
  }, 60_000)

  it('that come after the start are noticed, and the object says what was missing', async () => {
    const { accessKeyId, accessKeySecret } = DEFAULT_CREDENTIALS
    const fixture = await startFixture({
      services: [modelService({ uuid, requestCpu: 4 })],
      secrets: [accessKeySecret],
    })
    await fixture.create('a', { uuid, requestCpu: 8 })
    const { write } = await mounted(fixture, {})
    await expect.poll(fixture.ready, { timeout: 10_000 }).toEqual(['False SecretNotFound'])
    await write({ ZSTACK_ACCESS_KEY_ID: accessKeyId, ZSTACK_ACCESS_KEY_SECRET: accessKeySecret })
    await fixture.converged()
    expect(fixture.zstack.requests('login')).toEqual([])
  }, 60_000)
})

describe('secrets', () => {
  it('are in no line of the log at its most talkative, and in no status, whatever ZStack repeats of them', async () => {
    const secrets = ['swordfish', 'tok-4711', 'tag-0815', '/v2/hidden']
    const fixture = await startFixture({ services: [modelService({ uuid, requestCpu: 4 })], secrets })
    fixture.zstack.setAccount('admin', 'swordfish')
    const details = 'cannot set TOKEN to tok-4711 with tag-0815 and /v2/hidden'
    fixture.zstack.fault({ operation: 'update', times: 2, fault: { kind: 'error', code: 'SYS.1007', details } })
    const declared = {
      environmentParameters: { TOKEN: 'tok-4711' },
      userTags: ['tag-0815'],
      serviceLivez: '/v2/hidden',
    }
    await fixture.create('a', { uuid, requestCpu: 8, ...declared })
    const operator = fixture.start({ LOG_LEVEL: 'trace', ZSTACK_ACCOUNT_PASSWORD: 'swordfish' })
    await expect.poll(fixture.ready, { timeout: 10_000 }).toEqual(['False RemoteRejected'])
    const refused = JSON.stringify(await fixture.status('a'))
    fixture.zstack.clearFaults()
    await fixture.edit('a', { requestCpu: 9 })
    await fixture.converged()
    expect(fixture.zstack.hidden(uuid)).toMatchObject({ environmentParameters: { TOKEN: 'tok-4711' } })
    const statuses = refused + JSON.stringify(await fixture.status('a'))
    for (const secret of secrets) expect(statuses).not.toContain(secret)
    expect(await operator.stop()).toBe(0)
    expect(operator.log.length).toBeGreaterThan(4)
  })
})
