import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'

const MAIN = new URL('zstack-sim.ts', import.meta.url).pathname
const UUID = '6c1a5f6167944aa1886294842075279f'

const started: ChildProcess[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

/** The program as a person starts it; everything it printed, and how it ended. */
function run(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (text.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (text.err += chunk.toString()))
  const exit = once(child, 'close').then(([code]) => code as number | null)
  started.push(child)
  return { child, text, exit }
}

it(
  'prints what the operator needs, tells of each request and ends cleanly on Ctrl-C',
  { timeout: 30_000 },
  async () => {
    const program = run('--port', '0', '--services', '2', '--body', 'flat')
    const printed = (pattern: RegExp) => expect.poll(() => program.text.out, { timeout: 10_000 }).toMatch(pattern)
    await printed(/curl -X POST .*\n/)
    const url = /^ZSTACK_ENDPOINT=(.*)$/m.exec(program.text.out)?.[1] ?? ''
    expect(program.text.out).toContain('ZSTACK_ACCOUNT_NAME=admin\nZSTACK_ACCOUNT_PASSWORD=password\n')
    expect(program.text.out).toContain(`${UUID}  example\n`)

    // The example that the program prints has to work as it stands.
    const [, drift = '', body = ''] = /^curl -X POST (\S+) -d '(.*)'$/m.exec(program.text.out) ?? []
    expect((await fetch(drift, { method: 'POST', body })).status).toBe(200)
    await fetch(`${url}/v1/ai/model-services/${UUID}`, { method: 'PUT', body: '{"name":"new","requestCpu":2}' })
    await printed(new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} update ${UUID} name,requestCpu 400$`, 'm'))

    program.child.kill('SIGINT')
    expect(await program.exit).toBe(0)
  },
)

it.each([
  [['--host', '127.0.0.1'], /^It listens on 127\.0\.0\.1:\d+\.$/m],
  [[], /^It listens on 127\.0\.0\.1:\d+\.$/m],
  [
    ['--host', '0.0.0.0'],
    /^It listens on 0\.0\.0\.0:\d+: from elsewhere, put an address of this machine in place of 127\.0\.0\.1\.$/m,
  ],
] as const)('says on which address it listens (%j)', async (args, line) => {
  const program = run('--port', '0', ...args)
  await expect.poll(() => program.text.out, { timeout: 10_000 }).toMatch(line)
})

it.each([
  ['--port', 'x'],
  ['--body', 'xml'],
  ['--answer', 'never'],
  ['--latency', '-1'],
  ['--api-timeout', 'soon'],
  ['--images', 'many'],
  ['--overlong', 'SYS.1'],
  ['--nonsense'],
  ['word'],
])('a bad flag (%s %s) ends in one sentence and exit code 2', async (...args) => {
  const { exit, text } = run(...args)
  expect(await exit).toBe(2)
  expect(text).toEqual({ out: '', err: expect.stringMatching(/^\S.*\.\n$/) as unknown })
})

it('the flags of newer and older servers set their moods', { timeout: 30_000 }, async () => {
  const switches = ['--rename-frameworks', '--fold-yaml', '--unique-sessions']
  const { text } = run('--port', '0', '--api-timeout', 'none', '--overlong', 'cut', ...switches)
  await expect.poll(() => text.out, { timeout: 10_000 }).toMatch(/curl -X POST .*\n/)
  const url = /^ZSTACK_ENDPOINT=(.*)$/m.exec(text.out)?.[1] ?? ''
  const reply = await fetch(new URL('/sim/moods', url), { method: 'POST', body: '{"images":"one-per-architecture"}' })
  expect(await reply.json()).toMatchObject({
    ...{ apiTimeoutMillis: null, overlongText: 'cut', renamesFrameworks: true, uniqueSessions: true },
    foldsIntoYaml: expect.arrayContaining(['serviceName', 'environmentParameters']) as unknown,
  })
})

it('--help explains the flags and the control', async () => {
  const { exit, text } = run('--help')
  expect(await exit).toBe(0)
  expect(text.out).toMatch(/--ineffective[^]*\/sim\/faults/)
  for (const flag of ['api-timeout', 'images', 'overlong', 'rename-frameworks', 'fold-yaml', 'unique-sessions'])
    expect(text.out).toContain(`--${flag}`)
})
