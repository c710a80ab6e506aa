import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { crdFile } from '../../deploy/paths.ts'
import { reconcileRequestedAt, suspendReason, suspendUntil } from '../../src/api/names.ts'
import { operatorRights } from '../../src/cli/doctor/rights.ts'
import { planDocument } from '../../src/cli/plan/document.ts'
import { environmentOf, runCommand } from '../support/cli.ts'
import { apiServerMissing, sharedApiServer, testNamespace } from '../support/envtest/shared.ts'
import { startStandInApi, type StandInApi } from '../support/kube-api/server.ts'
import { startFixture } from '../support/process-fixture.ts'
import { startZStackSimulator, type ZStackSimulator } from '../support/zstack/simulator.ts'

const uuids = ['a1'.repeat(16), 'a2'.repeat(16), 'a3'.repeat(16), 'a4'.repeat(16)] as const
const collection = (namespace: string) => `/apis/ai.zstack.io/v1alpha1/namespaces/${namespace}/modelservices`

let api: StandInApi
let directory: string
let env: Readonly<Record<string, string>>
beforeEach(async () => {
  api = await startStandInApi({ crds: [parse(readFileSync(crdFile, 'utf8')) as object] })
  directory = await mkdtemp(join(tmpdir(), 'cluster-'))
  await writeFile(join(directory, 'kubeconfig'), api.kubeconfig)
  env = { KUBECONFIG: join(directory, 'kubeconfig') }
  await send('POST', '/api/v1/namespaces', { metadata: { name: 'ml' } })
})
afterEach(async () => {
  await Promise.all([api.close(), rm(directory, { recursive: true })])
})

async function send(method: string, path: string, body?: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(api.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`)
  return answer.json()
}

type Stored = { metadata: { annotations?: Record<string, string> }; spec: object; status?: unknown }

async function create(name: string, spec: object, { status, namespace = 'default', labels = {} }: Birth = {}) {
  const head = { apiVersion: 'ai.zstack.io/v1alpha1', kind: 'ModelService' }
  const born = await send('POST', collection(namespace), { ...head, metadata: { name, labels }, spec })
  if (status) await send('PUT', `${collection(namespace)}/${name}/status`, { ...(born as object), status })
}
type Birth = { readonly status?: object; readonly namespace?: string; readonly labels?: object }

const get = async (name: string) => (await send('GET', `${collection('default')}/${name}`)) as Stored

const condition = (type: string, status: string, reason: string, message = 'why') => ({
  ...{ type, status, reason, message },
  ...{ observedGeneration: 1, lastTransitionTime: new Date().toISOString().replace(/\.\d+/, '') },
})

describe('status', () => {
  it('lists what is wrong first, with why and what differs, and ends in 2', async () => {
    const ready = condition('Ready', 'True', 'InSync')
    const drift = [1, 2].map((i) => ({ field: `field${i}`, desired: '8', live: '4' }))
    const stalled = [
      condition('Ready', 'False', 'RemoteRejected', 'ZStack says no'),
      condition('Stalled', 'True', 'RemoteRejected'),
    ]
    await create('a-good', { uuid: uuids[0] }, { status: { observedGeneration: 1, conditions: [ready] } })
    await create('b-new', { uuid: uuids[1] })
    await create('c-bad', { uuid: uuids[2] }, { status: { observedGeneration: 1, conditions: stalled, drift } })
    const { code, out } = await runCommand(['status'], { env })
    expect(code).toBe(2)
    expect([...out.matchAll(/^default\/(\S+)/gm)].map(([, name]) => name)).toEqual(['c-bad', 'b-new', 'a-good'])
    expect(out).toContain('  ZStack says no\n  field2: want 8, is 4\n')
    expect(out).toContain('  no operator has looked at it')
    expect(out).toContain('3 objects: 2 not well')
  })

  it('cuts uuids for a terminal, unless an object is asked for by name', async () => {
    await create('new', { uuid: uuids[0] })
    expect((await runCommand(['status'], { env })).out).toContain(uuids[0])
    expect((await runCommand(['status', 'new'], { env, isTerminal: true })).out).toContain(uuids[0])
    const { out } = await runCommand(['status'], { env, isTerminal: true })
    expect(out).toContain('a1a1a1a1…')
    expect(out).not.toContain(uuids[0])
  })

  it('ends in 0 where all are well, and keeps to namespace and labels', async () => {
    const status = { observedGeneration: 1, conditions: [condition('Ready', 'True', 'InSync')] }
    await create('good', { uuid: uuids[0] }, { status, labels: { team: 'ml' } })
    await create('new', { uuid: uuids[1] }, { namespace: 'ml' })
    expect((await runCommand(['status'], { env })).code).toBe(0)
    expect((await runCommand(['status', '-n', 'ml'], { env })).code).toBe(2)
    expect((await runCommand(['status', '-A'], { env })).out).toContain('2 objects')
    expect((await runCommand(['status', '-A', '-l', 'team=ml'], { env })).out).toContain('1 object: nothing is wrong')
  })

  it.each([
    [['status', 'nobody'], 'modelservices.ai.zstack.io "nobody" not found'],
    [['status', '--context', 'other'], 'the kubeconfig has no context "other"'],
    [['status', '--kubeconfig', '/nonexistent'], 'KUBECONFIG names /nonexistent'],
  ])('%j ends in 1 with one sentence', async (args, words) => {
    const { code, out, err } = await runCommand(args, { env })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^error: .+\n$/)
    expect(err).toContain(words)
  })
})

describe('completion of names', () => {
  it('offers those of the namespace that is typed before', async () => {
    await create('chat', { uuid: uuids[0] })
    await create('embeddings', { uuid: uuids[1] }, { namespace: 'ml' })
    const offered = async (...words: readonly string[]) =>
      (await runCommand(['__complete', 'status', ...words, ''], { env })).out
    expect(await offered()).toBe('chat\n:4\n')
    expect(await offered('-n', 'ml')).toBe('embeddings\n:4\n')
    expect(await offered('-A')).toBe('chat\nml/embeddings\n:4\n')
  })
})

describe('suspend and resume', () => {
  it('set what a manifest would, for a time or until told otherwise, and say how Git sees it', async () => {
    await create('chat', { uuid: uuids[0], requestCpu: 4 })
    const before = Date.now()
    const timed = await runCommand(['suspend', 'chat', '--for', '2h', '--reason', 'disk swap'], { env })
    expect(timed).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^default\/chat suspended until .*Z\n.*Argo CD/) as string,
    })
    const { annotations = {} } = (await get('chat')).metadata
    expect(annotations[suspendReason]).toBe('disk swap')
    const until = Date.parse(annotations[suspendUntil] ?? '')
    expect(until - before).toBeGreaterThan(7_198_000)
    expect(until - before).toBeLessThan(7_320_000)
    await runCommand(['suspend', 'default/chat'], { env })
    expect((await get('chat')).spec).toEqual({ uuid: uuids[0], requestCpu: 4, suspend: true })
    expect((await get('chat')).metadata.annotations).not.toHaveProperty([suspendReason])
    // The one that has no end outlasts it.
    expect((await runCommand(['suspend', 'chat', '--for', '1h'], { env })).out).toContain('resume ends both')
    expect((await runCommand(['resume', 'chat'], { env })).code).toBe(0)
    const { metadata, spec } = await get('chat')
    expect(spec).toEqual({ uuid: uuids[0], requestCpu: 4 })
    expect(metadata.annotations ?? {}).toEqual({})
  })

  it('go on where one is not there, and end in 1', async () => {
    await create('chat', { uuid: uuids[0] })
    const none = await runCommand(['suspend', 'nobody'], { env })
    expect(none).toMatchObject({ code: 1, out: '' })
    const { code, err } = await runCommand(['suspend', 'nobody', 'chat'], { env })
    expect({ code, err }).toEqual({ code: 1, err: 'error: modelservices.ai.zstack.io "nobody" not found\n' })
    expect((await get('chat')).spec).toMatchObject({ suspend: true })
  })

  it.each(['soon', '0h', '-2h', '2'])('take no %s for a duration', async (text) => {
    const { code, err } = await runCommand(['suspend', 'chat', '--for', text], { env })
    expect(code).toBe(1)
    expect(err).toContain('duration such as 30m, 2h')
  })
})

describe('reconcile', () => {
  it('asks for all that are selected', async () => {
    await create('a', { uuid: uuids[0] }, { labels: { team: 'ml' } })
    await create('b', { uuid: uuids[1] })
    const { code, out } = await runCommand(['reconcile', '--all', '-l', 'team=ml'], { env })
    expect({ code, out }).toEqual({ code: 0, out: 'default/a requested\n' })
    expect((await get('a')).metadata.annotations).toHaveProperty([reconcileRequestedAt])
    expect((await get('b')).metadata.annotations).toBeUndefined()
  })

  it('waits in vain where no operator runs, and says so', async () => {
    await create('a', { uuid: uuids[0] })
    const { code, err } = await runCommand(['reconcile', 'a', '--wait', '--timeout', '1s'], { env })
    expect(code).toBe(1)
    expect(err).toContain('nobody has dealt with the request for default/a; does an operator run that watches it?')
  })
})

const manifest = (spec: object) =>
  JSON.stringify({ apiVersion: 'ai.zstack.io/v1alpha1', kind: 'ModelService', metadata: { name: 'chat' }, spec })

describe('with an operator at work', () => {
  it(
    'reconcile waits for it, plan --all knows what it sent, and a suspension holds it back',
    { timeout: 60_000 },
    async () => {
      const secret = 'hunter2-and-more'
      const fixture = await startFixture({
        services: [{ uuid: uuids[0], name: 'chat', requestCpu: 4 }],
        secrets: [secret],
      })
      fixture.start()
      const run = (...args: string[]) => runCommand(args, { env: fixture.env })
      await fixture.create('chat', { uuid: uuids[0], requestCpu: 8, environmentParameters: { TOKEN: secret } })
      await fixture.converged()
      expect(await run('plan', '--all')).toMatchObject({ code: 0 })
      expect(await run('status')).toMatchObject({ code: 0 })
      const spec = { uuid: uuids[0], requestCpu: 8, environmentParameters: { TOKEN: secret } }
      const planned = (change: object, ...args: readonly string[]) =>
        runCommand(['plan', '-f', '-', ...args], { env: fixture.env, stdin: manifest({ ...spec, ...change }) })
      // The file alone does not tell that the token was sent.
      expect(await planned({})).toMatchObject({ code: 2 })
      expect(await planned({}, '--against-cluster')).toMatchObject({ code: 0 })
      expect(await planned({ environmentParameters: { TOKEN: 'x' } }, '--against-cluster')).toMatchObject({ code: 2 })
      const second = manifest(spec).replace('"chat"', '"second"')
      expect(
        await runCommand(['plan', '-f', '-', '--against-cluster'], { env: fixture.env, stdin: second }),
      ).toMatchObject({ code: 3, out: expect.stringContaining('default/chat speaks for') as string })
      expect(await planned({ uuid: uuids[1] }, '--against-cluster')).toMatchObject({
        code: 3,
        out: expect.stringContaining('cannot be changed') as string,
      })
      expect(await run('reconcile', 'chat', '--wait')).toMatchObject({ code: 0, out: 'default/chat Ready (InSync)\n' })
      await run('suspend', 'chat', '--for', '1h')
      await fixture.edit('chat', { requestCpu: 16, environmentParameters: { TOKEN: `${secret}-2` } })
      await expect.poll(() => fixture.ready()).toEqual(['Unknown Suspended'])
      const plan = await run('plan', '--all', '-o', 'json')
      expect(plan.code).toBe(2)
      expect(plan.out).not.toContain(secret)
      const [object] = planDocument.parse(JSON.parse(plan.out)).objects
      expect(object).toMatchObject({
        result: 'suspended',
        message: expect.stringContaining('suspended until') as string,
      })
      expect(object?.changes.map(({ field }) => field)).toEqual(['requestCpu', 'environmentParameters'])
      await run('resume', 'chat')
      await fixture.converged()
      expect(fixture.zstack.read(uuids[0])?.requestCpu).toBe(16)
    },
  )
})

describe('values from a Secret', () => {
  it('are resolved for a plan where they can be read, and stand in none', { timeout: 60_000 }, async () => {
    const secret = 'a: hunter2-and-more'
    const fixture = await startFixture({
      services: [{ uuid: uuids[0], name: 'chat', requestCpu: 4 }],
      secrets: [secret],
    })
    const data = (text: string) => ({ data: { yaml: Buffer.from(text).toString('base64') } })
    await fetch(`${fixture.api.url}/api/v1/namespaces/default/secrets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'chat' }, ...data(secret) }),
    })
    const yamlFrom = { secretKeyRef: { name: 'chat', key: 'yaml' } }
    await fixture.create('chat', { uuid: uuids[0], requestCpu: 4, yamlFrom })
    const run = (...args: string[]) =>
      runCommand(args, { env: fixture.env, stdin: manifest({ uuid: uuids[0], yamlFrom }) })
    for (const format of ['text', 'json', 'markdown']) {
      const { code, out, err } = await run('plan', '--all', '-o', format)
      expect(code).toBe(2)
      expect(out).toContain('yaml')
      expect(out + err).not.toContain('hunter2')
    }
    expect((await run('plan', '-f', '-', '-v')).out).toContain(
      'not compared, for the values come from Secrets or ConfigMaps: yaml',
    )
    fixture.start()
    await fixture.converged()
    expect(await run('plan', '--all')).toMatchObject({ code: 0 })
    expect(fixture.zstack.read(uuids[0])?.yaml).toBe(secret)
  })
})

describe('a suspension that has an end', () => {
  it('ends by itself, and the operator then sends what was edited meanwhile', { timeout: 60_000 }, async () => {
    const fixture = await startFixture({ services: [{ uuid: uuids[0], name: 'chat', requestCpu: 4 }] })
    fixture.start()
    await fixture.create('chat', { uuid: uuids[0], requestCpu: 4 })
    await fixture.converged()
    await runCommand(['suspend', 'chat', '--for', '3s'], { env: fixture.env })
    await fixture.edit('chat', { requestCpu: 8 })
    await expect.poll(() => fixture.ready()).toEqual(['Unknown Suspended'])
    expect(fixture.zstack.read(uuids[0])?.requestCpu).toBe(4)
    await fixture.converged()
    expect(fixture.zstack.read(uuids[0])?.requestCpu).toBe(8)
  })
})

describe('doctor', () => {
  let zstack: ZStackSimulator
  beforeEach(async () => {
    zstack = await startZStackSimulator()
  })
  afterEach(() => zstack.close())

  it('says what to do where nobody leads and nobody serves, and ends in 2', async () => {
    const { code, out } = await runCommand(['doctor'], { env: { ...env, ...environmentOf(zstack) } })
    expect(code).toBe(2)
    expect(out).toMatch(/^ok +the CRD of ModelService is that of this version$/m)
    expect(out).toMatch(/^problem no operator leads in modelservice-system\n {4}\S/m)
    expect(zstack.counters).toMatchObject({ openSessions: 0 })
  })

  it.each([
    ['all is well', {}, {}, 0, /^ok +several sessions of the account live side by side$/m],
    ['the password is wrong', {}, { ZSTACK_ACCOUNT_PASSWORD: 'hunter2' }, 2, /^problem .*refuses the credentials/m],
    [
      'a log-in ends other sessions',
      { uniqueSessions: true },
      {},
      2,
      /^problem each log-in .*\n {4}Use an access key/m,
    ],
    ['the body is the envelope', {}, {}, 0, /^ok +updates are taken in the envelope body/m],
    ['the body shows with an update alone', { bodyShape: 'flat' }, {}, 0, /^unknown which body of updates/m],
    ['nobody is there', {}, { ZSTACK_ENDPOINT: 'http://127.0.0.1:1/zstack' }, 2, /^problem .*connection refused/m],
    ['the path is wrong', {}, { ZSTACK_ENDPOINT: 'other' }, 2, /^problem .*ZSTACK_ENDPOINT must be/m],
  ] as const)('judges a ZStack of which %s', async (_, moods, change, code, words) => {
    zstack.set(moods)
    const doctor = await runCommand(['doctor', '--no-kubernetes'], { env: { ...environmentOf(zstack), ...change } })
    expect(doctor.out).toMatch(words)
    expect(doctor.code).toBe(code)
    expect(doctor.out + doctor.err).not.toContain('hunter2')
  })

  it.each([
    ['sessions live side by side', {}, 2],
    ['each log-in ends the others', { uniqueSessions: true }, 3],
  ] as const)('logs in once for its questions and once to see whether %s', async (_, moods, sessionsOpened) => {
    zstack.set(moods)
    await runCommand(['doctor', '--no-kubernetes'], { env: environmentOf(zstack) })
    expect(zstack.counters).toMatchObject({ sessionsOpened, openSessions: 0 })
  })

  it('knows the rights that the manifests grant', () => {
    const roles = parseAllDocuments(readFileSync('deploy/base/rbac.yaml', 'utf8')).map(
      (document) => document.toJS() as Role,
    )
    const granted = roles.flatMap(({ rules = [] }) => rules).map(spell)
    const needed = operatorRights('modelservice-operator').map(({ group, resource, subresource, verbs, name }) =>
      spell({
        apiGroups: [group],
        resources: [subresource === undefined ? resource : `${resource}/${subresource}`],
        verbs,
        ...(name !== undefined && { resourceNames: [name] }),
      }),
    )
    expect(new Set(needed)).toEqual(new Set(granted))
  })
  type Rule = {
    readonly apiGroups: readonly string[]
    readonly resources: readonly string[]
    readonly verbs: readonly string[]
    readonly resourceNames?: readonly string[]
  }
  type Role = { readonly rules?: readonly Rule[] }
  const spell = ({ apiGroups, resources, verbs, resourceNames = [] }: Rule) =>
    `${apiGroups.join()} ${resources.join()} ${resourceNames.join()} ${[...verbs].sort().join()}`
})

describe.skipIf(apiServerMissing())('a plan of the cluster by somebody who may read ModelServices alone', () => {
  it('says that it is the caller who may not read the Secret, and plans all others', async () => {
    const server = await sharedApiServer()
    await server.applyCrd(crdFile.pathname)
    const namespace = await testNamespace(server)
    const zstack = await startZStackSimulator({
      services: uuids.map((uuid) => ({ uuid, name: 'service', requestCpu: 4 })),
    })
    onTestFinished(() => zstack.close())
    const store = async (name: string, spec: object) => {
      const head = { apiVersion: 'ai.zstack.io/v1alpha1', kind: 'ModelService', metadata: { name } }
      expect(await server.request('POST', collection(namespace), { ...head, spec })).toMatchObject({ status: 201 })
    }
    await store('gated', { uuid: uuids[0], yamlFrom: { secretKeyRef: { name: 'hub', key: 'yaml' } } })
    await store('open', { uuid: uuids[1], requestCpu: 8 })
    const kubeconfig = await server.serviceAccountKubeconfig(namespace, 'reader')
    const rights = '/apis/rbac.authorization.k8s.io/v1'
    const role = {
      metadata: { name: 'reader' },
      rules: [{ apiGroups: ['ai.zstack.io'], resources: ['modelservices'], verbs: ['list'] }],
    }
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' }
    const subjects = [{ kind: 'ServiceAccount', name: 'reader', namespace }]
    await server.request('POST', `${rights}/namespaces/${namespace}/roles`, role)
    await server.request('POST', `${rights}/namespaces/${namespace}/rolebindings`, {
      metadata: { name: 'reader' },
      roleRef,
      subjects,
    })
    const { code, out } = await runCommand(['plan', '--all', '-n', namespace, '--kubeconfig', kubeconfig], {
      env: environmentOf(zstack),
    })
    expect(code).toBe(1)
    expect(out).toContain(
      `not planned, for system:serviceaccount:${namespace}:reader may not get Secret hub in namespace ${namespace}`,
    )
    expect(out).not.toContain('the operator may not')
    expect(out).toContain('requestCpu  4 → 8')
  })
})

describe.skipIf(apiServerMissing())('doctor on a real API server', () => {
  it('as the operator itself, which may ask of itself alone, judges its rights in the namespaces it watches', async () => {
    const server = await sharedApiServer()
    await server.applyCrd(crdFile.pathname)
    const namespace = await testNamespace(server)
    const kubeconfig = await server.serviceAccountKubeconfig(namespace, 'modelservice-operator')
    const { out } = await runCommand(
      ['doctor', '--no-zstack', '--operator-namespace', namespace, '--kubeconfig', kubeconfig],
      { env: { WATCH_NAMESPACES: namespace } },
    )
    expect(out).toContain(
      `problem system:serviceaccount:${namespace}:modelservice-operator may not list modelservices in ${namespace}, watch`,
    )
    expect(out).toMatch(/1 thing to be done, as far as could be told: \d checks left unknown\n$/)
  })

  it('compares the CRD, and asks what the service account of the operator may do', async () => {
    const server = await sharedApiServer()
    await server.applyCrd(crdFile.pathname)
    const { code, out } = await runCommand(
      ['doctor', '--no-zstack', '--operator-namespace', 'nobody', '--kubeconfig', server.adminKubeconfig],
      { env: {} },
    )
    expect(code).toBe(2)
    expect(out).toMatch(/^ok +Kubernetes v1\./m)
    expect(out).toMatch(/^ok +the CRD of ModelService is that of this version$/m)
    expect(out).toMatch(/^problem system:serviceaccount:nobody:modelservice-operator may not list modelservices, /m)
    expect(out).toMatch(/^problem no operator leads in nobody$/m)
  })
})
