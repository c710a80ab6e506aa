import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { kubeconfigFor } from '../support/kube-api/kubeconfig.ts'
import { startOperator, type OperatorEnvironment } from '../support/operator-process.ts'
import { startFixture } from '../support/process-fixture.ts'

const enough = {
  ZSTACK_ENDPOINT: 'http://127.0.0.1:1/zstack',
  ZSTACK_ACCOUNT_NAME: 'admin',
  ZSTACK_ACCOUNT_PASSWORD: 'hunter2',
}

/** What the operator says and how it ends, of itself. */
async function run(env: OperatorEnvironment, ...args: string[]) {
  const operator = startOperator(env, args)
  const code = await operator.exited
  return { code, text: operator.log.map(({ msg }) => `${msg ?? ''}\n`).join('') }
}

function kubeconfigWith(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'modelservice-kubeconfig-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'config')
  writeFileSync(file, text)
  return file
}

describe('the arguments', () => {
  it('--help tells of the commands', async () => {
    const { code, text } = await run({}, '--help')
    expect(code).toBe(0)
    expect(text).toMatch(/Usage: modelservice-operator[^]*Commands:\n +run [^]*\n +plan /)
  })

  it('run --help tells how to run it, and needs no configuration', async () => {
    const { code, text } = await run({}, 'run', '--help')
    expect(code).toBe(0)
    expect(text).toMatch(/Usage: .*\n[^]*ZSTACK_ENDPOINT[^]*KUBECONFIG[^]*Exit codes: 0 /)
  })

  it('--version tells the version of the package', async () => {
    expect(await run({}, '--version')).toEqual({ code: 0, text: `${packageJson.version}\n` })
  })

  it('of run end in 2, with a word on where configuration comes from', async () => {
    const { code, text } = await run({ ...enough }, 'run', '--verbose', 'now')
    expect(code).toBe(2)
    expect(text).toContain('unknown argument --verbose now; configuration comes from the environment, see run --help')
  })

  it('that name no command end in 1, with the nearest that there is', async () => {
    const { code, text } = await run({ ...enough }, 'plam')
    expect(code).toBe(1)
    expect(text).toContain("unknown command 'plam'\n(Did you mean plan?)")
  })
})

describe('a bad configuration', () => {
  it('tells of a variable that nothing reads, for it may be the missing one', async () => {
    const { code, text } = await run({ ZSTACK_ENDPIONT: 'http://zstack/zstack' })
    expect(code).toBe(2)
    expect(text).toMatch(/ZSTACK_ENDPOINT is missing[^]*ZSTACK_ENDPIONT is set.*; ZSTACK_ENDPOINT may be meant/)
  })

  it('ends in 2 and names every bad variable at once, and the kubeconfig too', async () => {
    const { code, text } = await run({
      ZSTACK_ENDPOINT: 'zstack',
      ZSTACK_ACCOUNT_PASSWORD: 'hunter2',
      POLL_INTERVAL: 'soon',
      LEADER_ELECTION: 'perhaps',
      KUBECONFIG: '/nonexistent/kubeconfig',
    })
    expect(code).toBe(2)
    const lines = text.trimEnd().split('\n')
    expect(lines[0]).toBe('modelservice-operator: bad configuration')
    for (const name of ['ZSTACK_ENDPOINT', 'ZSTACK_ACCOUNT_NAME', 'POLL_INTERVAL', 'LEADER_ELECTION', 'KUBECONFIG'])
      expect(lines.filter((line) => line.startsWith('  - ') && line.includes(`${name} `))).toHaveLength(1)
    expect(lines).toHaveLength(6)
    expect(text).not.toContain('hunter2')
  })

  it('is a request timeout beyond the time limit of a pass, which would loop for ever', async () => {
    const { code, text } = await run({ ...enough, ZSTACK_REQUEST_TIMEOUT: '3m' })
    expect(code).toBe(2)
    expect(text).toMatch(/- ZSTACK_REQUEST_TIMEOUT .*90s?\b/)
  })

  it('is no configuration at all', async () => {
    const { code, text } = await run({})
    expect(code).toBe(2)
    expect(text).toMatch(/ZSTACK_ENDPOINT is missing[^]*ZSTACK_ACCESS_KEY_ID[^]*no Kubernetes configuration/)
  })

  it.each([
    ['missing', () => '/nonexistent/kubeconfig'],
    ['empty', () => kubeconfigWith('')],
    ['no YAML', () => kubeconfigWith(': {[\n\ttoken: hunter2')],
    ['a list', () => kubeconfigWith('- token: hunter2')],
    [
      'without the cluster of its context',
      () => kubeconfigWith(kubeconfigFor('http://x').replace(/current-context: .*/, 'current-context: other')),
    ],
  ])('is a kubeconfig that is %s: one sentence, no stack, no word of what is in it', async (_, file) => {
    const { code, text } = await run({ ...enough, KUBECONFIG: file() })
    expect(code).toBe(2)
    expect(text).toMatch(/^modelservice-operator: bad configuration\n {2}- .*kubeconfig.*\n$/i)
    expect(text).not.toContain('hunter2')
  })
})

describe('a start', () => {
  it.each(['METRICS_PORT', 'HEALTH_PORT'])('fails with 1 where the %s is taken, and says which', async (variable) => {
    const { env } = await startFixture()
    const other = createServer().listen(0)
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const port = String((other.address() as AddressInfo).port)
    const { code, text } = await run({ ...env, [variable]: port })
    expect(code).toBe(1)
    expect(text).toMatch(new RegExp(`^port ${port} cannot be had: .*EADDRINUSE`, 'm'))
  })

  it('says what it works for, and as which version', async () => {
    const { start, zstack, api } = await startFixture()
    const line = await start().logged(({ msg }) => msg === 'started')
    expect(line).toMatchObject({ version: packageJson.version, zstack: zstack.url, kubernetes: api.url })
    expect(line.settings).toMatchObject({ ZSTACK_ENDPOINT: zstack.url, POLL_INTERVAL: '1s', WATCH_NAMESPACES: 'all' })
  })

  it('names a variable that nothing reads, and works all the same', async () => {
    const { start } = await startFixture()
    const operator = start({ POLL_INTERVALL: '5s' })
    await operator.logged(({ msg }) => msg === 'started')
    expect(operator.log[0]).toMatchObject({
      level: 'warn',
      msg: 'POLL_INTERVALL is set, and nothing reads it; POLL_INTERVAL may be meant',
    })
  })

  it('with LOG_FORMAT=pretty logs in lines for people, to the last one', async () => {
    const { start } = await startFixture()
    const operator = start({ LOG_FORMAT: 'pretty' })
    await operator.logged(({ msg }) => msg?.includes('started') === true)
    await operator.stop()
    const lines = operator.log.map(({ msg }) => msg)
    for (const line of lines) expect(line).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] (INFO|WARN)/)
    expect(lines.at(-1)).toMatch(/INFO: stopped$/)
  })
})
