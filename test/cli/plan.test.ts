import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { suspendUntil } from '../../src/api/names.ts'
import { planDocument } from '../../src/cli/plan/document.ts'
import { environmentOf, runCommand, type RunOptions } from '../support/cli.ts'
import { newUuid } from '../support/zstack/model.ts'
import { DEFAULT_CREDENTIALS, startZStackSimulator, type ZStackSimulator } from '../support/zstack/simulator.ts'

const uuid = newUuid()
const secret = 'hunter2-and-more'

let zstack: ZStackSimulator
let directory: string
beforeAll(async () => {
  zstack = await startZStackSimulator({ services: [{ uuid, name: 'chat', requestCpu: 4, yaml: 'a: 1\nb: 2\n' }] })
  directory = await mkdtemp(join(tmpdir(), 'plan-'))
})
afterAll(async () => {
  await zstack.close()
  await rm(directory, { recursive: true })
})

function manifest(spec: object, metadata: object = {}): string {
  return stringify({
    apiVersion: 'ai.zstack.io/v1alpha1',
    kind: 'ModelService',
    metadata: { name: 'chat', ...metadata },
    spec: { uuid, ...spec },
  })
}

const same = manifest({ requestCpu: 4 })
const different = manifest({ requestCpu: 8 })
const invalid = manifest({ requestCpu: -1 })
const missing = manifest({ uuid: 'f'.repeat(32) })

/** Plans what comes on standard input. */
const plan = (stdin: string, args: readonly string[] = [], options: RunOptions = {}) =>
  runCommand(['plan', '-f', '-', ...args], { env: environmentOf(zstack), stdin, ...options })

describe('the exit code of plan', () => {
  it.each([
    ['nothing differs', [same], [], 0],
    ['something differs', [different], [], 2],
    ['something differs, and another code is wished for', [different], ['--diff-exit-code', '0'], 0],
    ['something differs that the policy leaves', [manifest({ requestCpu: 8, policy: 'Observe' })], [], 2],
    ['something differs while suspended', [manifest({ requestCpu: 8, suspend: true })], [], 2],
    ['one is invalid', [different, invalid], [], 3],
    ['two speak for one service', [same, same], [], 3],
    ['a text is no YAML', [different, 'a: ['], [], 3],
    ['a service is not there', [different, invalid, missing], [], 1],
    ['a file is not there', [different, invalid], ['-f', 'no/such/file.yaml'], 1],
    ['an option is unknown', [same], ['--nonsense'], 1],
    ['a code is none', [same], ['--diff-exit-code', 'x'], 1],
  ] as const)('where %s', async (_, documents, args, code) => {
    expect((await plan(documents.join('---\n'), args)).code).toBe(code)
  })

  it('is 1 where ZStack does not answer, with one sentence', async () => {
    const env = { ...environmentOf(zstack), ZSTACK_ENDPOINT: 'http://127.0.0.1:1/zstack' }
    const { code, out } = await plan(different, [], { env })
    expect(code).toBe(1)
    expect(out).toContain('connection refused')
  })

  it('is 1 where the credentials are refused', async () => {
    const env = { ...environmentOf(zstack), ZSTACK_ACCOUNT_PASSWORD: secret }
    const { code, out, err } = await plan(different, [], { env })
    expect(code).toBe(1)
    expect(out).toContain('refuses the credentials')
    expect(out + err).not.toContain(secret)
  })
})

describe('a plan', () => {
  it('shows values, and a longer text line by line', async () => {
    const { out } = await plan(manifest({ requestCpu: 8, requestMemory: '16Gi', yaml: 'a: 1\nb: 3\n' }))
    expect(out).toMatch(/^~ chat \(\w+\) {2}would be updated {2}standard input$/m)
    expect(out).toMatch(/^ {4}requestCpu +4 → 8$/m)
    expect(out).toMatch(/^ {4}requestMemory +\(none\) → 16Gi$/m)
    expect(out).toContain('      a: 1\n      - b: 2\n      + b: 3\n')
    expect(out).toContain('1 object: 1 would be updated (3 fields)')
  })

  it.each(['text', 'json', 'markdown'])('as %s holds no value of a write-only field, and says why', async (format) => {
    const hidden = { environmentParameters: { TOKEN: secret }, userTags: [secret], serviceName: secret }
    const { out, err } = await plan(manifest(hidden), ['-o', format])
    expect(out).toContain('environmentParameters')
    expect(out).toMatch(/cannot be verified|"writeOnly": true/)
    expect(out + err).not.toContain(secret)
  })

  it('names both of two that speak for one service, with their files', async () => {
    const { out } = await plan([same, manifest({}, { name: 'other' })].join('---\n'))
    expect(out).toMatch(/^× other .* conflict {2}standard input:9\n {4}chat \(standard input:1\) speaks for /m)
  })

  it('says until when an object is suspended', async () => {
    const annotations = { [suspendUntil]: '2999-01-01T00:00:00Z' }
    const { out } = await plan(manifest({ requestCpu: 8 }, { annotations }))
    expect(out).toContain('suspended until 2999-01-01T00:00:00Z')
  })

  it('as JSON fits its schema, with values as on the wire', async () => {
    const { out, code } = await plan([manifest({ requestMemory: '16Gi' }), missing].join('---\n'), ['-o', 'json'])
    const document = planDocument.parse(JSON.parse(out))
    expect(document).toMatchObject({ endpoint: zstack.url, exitCode: code, summary: { update: 1, missing: 1 } })
    expect(document.objects[0]?.changes).toEqual([
      { field: 'requestMemory', writeOnly: false, live: null, desired: 16 * 1024 ** 3 },
    ])
  })

  it('as Markdown cannot be broken out of by a value', async () => {
    const { out } = await plan(manifest({ yaml: 'a: |\n  ```\n  </details>\n', description: '```x' }), [
      '-o',
      'markdown',
    ])
    const fence = /^(`+)diff$/m.exec(out)?.[1] ?? ''
    expect(fence.length).toBeGreaterThan(3)
    expect(out.split('\n').filter((line) => line === fence)).toHaveLength(1)
    expect(out).not.toMatch(/^```(?!`)/m)
  })

  it('is coloured on a terminal, and never in a pipe or against NO_COLOR', async () => {
    const escape = '\u001b['
    const onTerminal = await plan(different, [], { isTerminal: true })
    expect(onTerminal.out).toContain(escape)
    const env = { ...environmentOf(zstack), NO_COLOR: '1' }
    expect((await plan(different, [], { isTerminal: true, env })).out).not.toContain(escape)
    expect((await plan(different)).out).not.toContain(escape)
  })

  it('lets no value of ZStack move the cursor', async () => {
    zstack.drift(uuid, { description: 'a\u001b[2Jb\u202e' })
    const { out } = await plan(manifest({ description: 'c' }))
    zstack.drift(uuid, { description: null })
    expect(out).toContain('a\\u001b[2Jb\\u202e → c')
  })

  it('passes over objects of other kinds, and says so', async () => {
    const { code, err } = await plan(`${same}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n`)
    expect({ code, err }).toEqual({ code: 0, err: 'passed over what is no ModelService: ConfigMap other\n' })
  })

  it('of a directory reads its manifests, and not what kustomize reads', async () => {
    await writeFile(join(directory, 'chat.yaml'), same)
    await writeFile(join(directory, 'kustomization.yaml'), 'resources: [chat.yaml]\n')
    await writeFile(join(directory, 'README.md'), 'no manifest')
    const { code, out } = await runCommand(['plan', '-f', directory, '-v'], { env: environmentOf(zstack) })
    expect(code).toBe(0)
    expect(out).toContain('1 object: 1 same')
  })

  it('needs no right to write: it sends nothing but log-in, queries and log-out', async () => {
    zstack.resetCounters()
    await plan(different)
    expect(zstack.counters).toMatchObject({ update: 0, login: 1, logout: 1, openSessions: 0 })
  })
})

describe('the credentials of plan', () => {
  it('come from files, which outrank the variables', async () => {
    const password = join(directory, 'password')
    await writeFile(password, `${DEFAULT_CREDENTIALS.password}\n`)
    const env = {
      ZSTACK_ENDPOINT: 'http://127.0.0.1:1/zstack',
      ZSTACK_ACCESS_KEY_ID: 'x',
      ZSTACK_ACCESS_KEY_SECRET: 'y',
    }
    const access = ['--endpoint', zstack.url, '--account', DEFAULT_CREDENTIALS.accountName, '--password-file', password]
    expect((await plan(same, access, { env })).code).toBe(0)
  })

  it('and manifests cannot both come on standard input', async () => {
    const { code, err } = await plan(same, ['--account', 'admin', '--password-file', '-'])
    expect({ code, err }).toEqual({
      code: 1,
      err: 'error: standard input can be one of these alone: manifests, or a secret\n',
    })
  })

  it('that are missing are named', async () => {
    const { code, err } = await plan(same, [], { env: { ZSTACK_ENDPOINT: zstack.url } })
    expect(code).toBe(1)
    expect(err).toContain('ZSTACK_ACCESS_KEY_ID')
  })

  it('can be no argument', async () => {
    const { out } = await runCommand(['plan', '--help'])
    expect(out).toContain('--password-file <file>')
    expect(out).not.toMatch(/--(?:password|secret|access-key-secret)[ =<]/)
  })
})
