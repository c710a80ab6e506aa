import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { inPod, startOperator, type OperatorEnvironment } from '../support/operator-process.ts'
import { startFixture } from '../support/process-fixture.ts'
import { selfSignedCertificate } from '../support/zstack/certificate.ts'
import { startZStackSimulator } from '../support/zstack/simulator.ts'

type Fixture = Awaited<ReturnType<typeof startFixture>>
type Case = {
  readonly step: string
  readonly reason: string
  readonly says: RegExp
  readonly make: (fixture: Fixture) => OperatorEnvironment | Promise<OperatorEnvironment>
}

const secret = 'not-the-password'

/** Connections that do not work. */
const wrong: readonly (readonly [string, Case])[] = [
  [
    'a wrong password',
    {
      step: 'credentials',
      reason: 'CredentialsRejected',
      says: /refuses the credentials \(ID\.1000.*correct ZSTACK_ACCOUNT_NAME and ZSTACK_ACCOUNT_PASSWORD/,
      make: () => ({ ZSTACK_ACCOUNT_PASSWORD: secret }),
    },
  ],
  [
    'a port where nobody listens',
    {
      step: 'endpoint',
      reason: 'Unreachable',
      says: /does not answer: connection refused; check ZSTACK_ENDPOINT/,
      make: async () => ({ ZSTACK_ENDPOINT: `http://127.0.0.1:${await freePort()}/zstack` }),
    },
  ],
  [
    'a path without an API',
    {
      step: 'endpoint',
      reason: 'Unreachable',
      says: /there is no ZStack API at .*; ZSTACK_ENDPOINT is the base URL/,
      make: ({ zstack }) => ({ ZSTACK_ENDPOINT: zstack.url.replace('/zstack', '/elsewhere') }),
    },
  ],
  [
    'a self-signed certificate',
    {
      step: 'tls',
      reason: 'Unreachable',
      says: /the TLS certificate is self-signed; set ZSTACK_CA_FILE/,
      async make() {
        const zstack = await startZStackSimulator({ tls: selfSignedCertificate() })
        onTestFinished(() => zstack.close())
        return { ZSTACK_ENDPOINT: zstack.url }
      },
    },
  ],
  [
    'an account that may not query',
    {
      step: 'permission',
      reason: 'PermissionDenied',
      says: /may not query the model services .*; grant it the permission/,
      make({ zstack }) {
        zstack.fault({ operation: 'query', fault: { kind: 'error', code: 'ID.1002' } })
        return {}
      },
    },
  ],
  [
    'no Secret',
    {
      step: 'credentials',
      reason: 'SecretNotFound',
      says: /no ZStack credentials in .*: the Secret mounted there does not exist, or is empty; needed are the keys/,
      async make({ directory }) {
        const empty = join(directory, 'empty')
        await mkdir(empty)
        return { ZSTACK_CREDENTIALS_DIR: empty, ZSTACK_ACCOUNT_NAME: '', ZSTACK_ACCOUNT_PASSWORD: '' }
      },
    },
  ],
]

type Event = { involvedObject: { kind: string; uid: string }; type: string; reason: string; message: string }

async function podEvents({ api }: Fixture): Promise<readonly Event[]> {
  const answer = await fetch(`${api.url}/api/v1/namespaces/default/events`)
  return ((await answer.json()) as { items: readonly Event[] }).items
}

async function page(port: number, path: string) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: answer.status, text: await answer.text() }
}

describe('a start without any object', () => {
  it.each(wrong)('and with %s is told in log, event, metric and probe', async (_, { step, reason, says, make }) => {
    const fixture = await startFixture({ secrets: [secret] })
    const [health, metrics] = [await freePort(), await freePort()]
    const change = await make(fixture)
    const operator = fixture.start({
      ...inPod('operator-0'),
      HEALTH_PORT: String(health),
      METRICS_PORT: String(metrics),
      LEADER_ELECTION: 'false',
      ...change,
    })
    const line = await operator.logged((entry) => entry.step !== undefined)
    expect(line).toMatchObject({ step, reason, connection: 'default', msg: expect.stringMatching(says) as string })
    await expect.poll(() => page(health, '/readyz')).toEqual({ status: 503, text: `${line.msg}\n` })
    expect((await page(metrics, '/metrics')).text).toContain(
      `zstack_api_connection_verdict{connection="default",verdict="${step}"} 1`,
    )
    const event = {
      involvedObject: { kind: 'Pod', uid: 'uid-of-operator-0' },
      type: 'Warning',
      reason,
      message: line.msg,
    }
    await expect.poll(() => podEvents(fixture)).toMatchObject([event])
    expect(await operator.stop()).toBe(0)
    expect(operator.log.filter((entry) => entry.step !== undefined)).toHaveLength(1)
  })

  it('and with all in order costs one log-in, and says so in log, event, metric and probe', async () => {
    const fixture = await startFixture()
    const [health, metrics] = [await freePort(), await freePort()]
    const operator = fixture.start({
      ...inPod('operator-0'),
      HEALTH_PORT: String(health),
      METRICS_PORT: String(metrics),
      LEADER_ELECTION: 'false',
    })
    await operator.logged(({ msg }) => msg?.startsWith('ZStack answers, takes the credentials') === true)
    await expect.poll(() => page(health, '/readyz')).toEqual({ status: 200, text: 'ok\n' })
    expect((await page(metrics, '/metrics')).text).toContain('connection_verdict{connection="default",verdict="ok"} 1')
    await expect.poll(() => podEvents(fixture)).toMatchObject([{ type: 'Normal', reason: 'Connected' }])
    expect(fixture.zstack.counters).toMatchObject({ login: 1, total: 2, openSessions: 1 })
  })

  it('and with a wrong password that is corrected is ready then, and tells of both', async () => {
    const fixture = await startFixture({ secrets: [secret] })
    const directory = join(fixture.directory, 'credentials')
    await mkdir(directory)
    const write = (password: string) => writeFile(join(directory, 'ZSTACK_ACCOUNT_PASSWORD'), password)
    await writeFile(join(directory, 'ZSTACK_ACCOUNT_NAME'), 'admin')
    await write(secret)
    const health = await freePort()
    fixture.start({
      ...inPod('operator-0'),
      HEALTH_PORT: String(health),
      LEADER_ELECTION: 'false',
      ZSTACK_CREDENTIALS_DIR: directory,
      ZSTACK_ACCOUNT_NAME: '',
      ZSTACK_ACCOUNT_PASSWORD: '',
    })
    const told = () => podEvents(fixture).then((events) => events.map(({ reason }) => reason))
    await expect.poll(told).toEqual(['CredentialsRejected'])
    expect(fixture.zstack.counters.login).toBe(1)
    await write('password')
    await expect.poll(() => page(health, '/readyz'), { timeout: 10_000 }).toEqual({ status: 200, text: 'ok\n' })
    await expect.poll(told).toEqual(['CredentialsRejected', 'Connected'])
    expect(fixture.zstack.counters.login).toBe(2)
  }, 30_000)
})

describe('one that stands by', () => {
  it('is not ready with a wrong password, so that a roll-out stops while the leader goes on', async () => {
    const fixture = await startFixture({ secrets: [secret] })
    const election = { LEADER_ELECTION: 'true', LEADER_ELECTION_NAMESPACE: 'default' }
    const leader = fixture.start({ ...election, ...inPod('old') })
    await leader.logged(({ msg }) => msg === 'leading')
    const health = await freePort()
    const next = fixture.start({
      ...election,
      ...inPod('new'),
      HEALTH_PORT: String(health),
      ZSTACK_ACCOUNT_PASSWORD: secret,
    })
    await next.logged(({ step }) => step === 'credentials')
    expect(await page(health, '/readyz')).toMatchObject({ status: 503 })
  })

  it('is ready once it has seen the connection work', async () => {
    const fixture = await startFixture()
    const election = { LEADER_ELECTION: 'true', LEADER_ELECTION_NAMESPACE: 'default' }
    const leader = fixture.start({ ...election, ...inPod('old') })
    await leader.logged(({ msg }) => msg === 'leading')
    const health = await freePort()
    const next = fixture.start({ ...election, ...inPod('new'), HEALTH_PORT: String(health) })
    await next.logged(({ msg }) => msg?.startsWith('ZStack answers, takes') === true)
    await expect.poll(() => page(health, '/readyz')).toEqual({ status: 200, text: 'ok\n' })
  })
})

describe('the check as a command', () => {
  async function check(env: OperatorEnvironment) {
    const operator = startOperator({ ...env, KUBECONFIG: '/nonexistent/kubeconfig' }, ['check'])
    return { code: await operator.exited, lines: operator.log.map(({ msg }) => msg) }
  }

  it('ends in 0 with one line where the connection works, needs no Kubernetes, and leaves no session', async () => {
    const { env, zstack } = await startFixture()
    const { code, lines } = await check(env)
    expect(code).toBe(0)
    expect(lines).toEqual([
      `ok: ${zstack.url}: ZStack answers, takes the credentials, and lets them query model services`,
    ])
    expect(zstack.counters).toMatchObject({ login: 1, openSessions: 0 })
  })

  it.each(wrong)('ends in 1 with one line for %s', async (_, { step, says, make }) => {
    const fixture = await startFixture()
    const { code, lines } = await check({ ...fixture.env, ...(await make(fixture)) })
    expect(code).toBe(1)
    expect(lines).toEqual([expect.stringMatching(says)])
    expect(lines[0]).toMatch(new RegExp(`^failed \\(${step}\\): `))
    expect(lines[0]).not.toContain(secret)
  })

  it('ends in 2 for a bad configuration', async () => {
    expect(await check({ ZSTACK_ENDPOINT: 'zstack' })).toMatchObject({ code: 2 })
  })
})
