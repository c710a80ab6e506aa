import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { environmentOf } from '../support/cli.ts'
import { operatorBundle } from '../support/operator-process.ts'
import { seedServices } from '../support/zstack/model.ts'
import { startZStackSimulator, type ZStackSimulator } from '../support/zstack/simulator.ts'

/** The built program, as people start it. */
async function run(file: string, args: readonly string[], { env = {}, stdin = '' }: RunOptions = {}) {
  const path = [new URL('../../node_modules/.bin', import.meta.url).pathname, process.env.PATH].join(':')
  const child = spawn(file, args, { env: { PATH: path, ...env } })
  const parts: Record<'out' | 'err', Buffer[]> = { out: [], err: [] }
  child.stdout.on('data', (part: Buffer) => parts.out.push(part))
  child.stderr.on('data', (part: Buffer) => parts.err.push(part))
  child.stdin.end(stdin)
  const [code] = (await once(child, 'close')) as [number]
  return { code, out: Buffer.concat(parts.out).toString(), err: Buffer.concat(parts.err).toString() }
}
type RunOptions = { readonly env?: Readonly<Record<string, string>>; readonly stdin?: string }

const plugin = new URL('../../deploy/kubectl/kubectl-zms', import.meta.url).pathname
const completion = new URL('../../deploy/kubectl/kubectl_complete-zms', import.meta.url).pathname

let zstack: ZStackSimulator
beforeAll(async () => {
  zstack = await startZStackSimulator({ services: seedServices(300) })
})
afterAll(() => zstack.close())

describe('the built program', () => {
  it('reads manifests from standard input, and exits with the code of the command', async () => {
    const stdin = readFileSync('deploy/samples/example.yaml', 'utf8')
    const plan = await run(process.execPath, [operatorBundle, 'plan', '-f', '-'], { env: environmentOf(zstack), stdin })
    expect(plan).toMatchObject({ code: 2, err: '' })
    expect(plan.out).toContain('~ example (')
  })

  it('names the Node that it needs where it is started with an older one', async () => {
    const older = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })"
    const preload = ['--import', `data:text/javascript,${encodeURIComponent(older)}`]
    expect(await run(process.execPath, [...preload, operatorBundle, 'plan'])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^modelservice-operator needs Node \d+ or newer; this is \S+ \(.+\)\n$/) as string,
    })
  })

  it('takes a password from standard input', async () => {
    const { ZSTACK_ENDPOINT: endpoint = '' } = environmentOf(zstack)
    const access = ['--endpoint', endpoint, '--account', 'admin', '--password-file', '-']
    const args = [operatorBundle, 'plan', '-f', 'deploy/samples/example.yaml', ...access]
    expect((await run(process.execPath, args, { stdin: 'password\n' })).code).toBe(2)
  })

  it('ends without a word where nobody reads on', async () => {
    const command = `"${process.execPath}" "${operatorBundle}" import --all | head -1`
    const { out, err } = await run('sh', ['-c', command], { env: environmentOf(zstack) })
    expect(out).toBe('apiVersion: ai.zstack.io/v1alpha1\n')
    expect(err).not.toMatch(/EPIPE|at .*\.cjs/)
  })
})

describe('the kubectl plugin', () => {
  it('explains itself as kubectl zms where nothing is asked for', async () => {
    const { code, out } = await run(plugin, [])
    expect(code).toBe(0)
    expect(out).toContain('Usage: kubectl zms [options] [command]')
  })

  it('runs the commands, and passes their code on', async () => {
    expect(await run(plugin, ['--version'])).toMatchObject({ code: 0, out: `${packageJson.version}\n` })
    expect((await run(plugin, ['validate', '-f', 'no/such/file'])).code).toBe(1)
  })

  it('completes commands and options in the way of kubectl', async () => {
    expect((await run(completion, ['val'])).out).toBe(
      'validate\tcheck manifests as the API server would, without one\n:4\n',
    )
    expect((await run(completion, ['plan', '-o', 'm'])).out).toBe('markdown\n:4\n')
    expect((await run(completion, ['plan', '-f', ''])).out).toBe(':0\n')
  })
})

describe('the completion of bash', () => {
  it('offers what the program says', async () => {
    const { stdout } = await promisify(execFile)('bash', [
      '-c',
      `modelservice-operator() { "${process.execPath}" "${operatorBundle}" "$@"; }
       source <(modelservice-operator completion bash)
       COMP_WORDS=(modelservice-operator re); COMP_CWORD=1; _modelservice_operator; echo "\${COMPREPLY[@]}"`,
    ])
    expect(stdout).toBe('reconcile resume\n')
  })
})
