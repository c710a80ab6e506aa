import { execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startFixture, widget, WIDGETS, type Client } from './fixture.ts'
import type { StandInApi } from './server.ts'

const present = spawnSync('kubectl', ['version', '--client']).status === 0
if (!present) console.log('kubectl.test.ts is skipped: there is no kubectl on the PATH')

type Outcome = { readonly code: number; readonly out: string; readonly err: string }

describe.skipIf(!present)('kubectl', () => {
  let api: StandInApi
  let client: Client
  const folder = mkdtempSync(join(tmpdir(), 'stand-in-'))
  const environment = {
    ...process.env,
    KUBECONFIG: join(folder, 'kubeconfig'),
    KUBECACHEDIR: join(folder, 'cache'),
    KUBE_EDITOR: "sed -i 's/cpu: 5/cpu: 6/'",
  }

  beforeAll(async () => {
    ;({ api, client } = await startFixture())
    writeFileSync(environment.KUBECONFIG, api.kubeconfig)
  })
  beforeEach(async () => {
    await client.delete(WIDGETS)
  })
  afterAll(async () => {
    await api.close()
    rmSync(folder, { recursive: true })
  })

  function kubectl(args: string, input?: object): Promise<Outcome> {
    return new Promise((resolve) => {
      const words = args.match(/'[^']*'|\S+/g) ?? []
      const child = execFile(
        'kubectl',
        words.map((word) => word.replaceAll("'", '')),
        { env: environment },
        (error, out, err) => resolve({ code: error ? 1 : 0, out, err }),
      )
      child.stdin?.end(input === undefined ? '' : JSON.stringify(input))
    })
  }

  const cells = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s{2,}/))

  test('apply creates, leaves alone, changes; and --server-side does, too', async () => {
    expect((await kubectl('apply -f -', widget('a', { cpu: 1 }))).out).toBe('widget.test.example.com/a created\n')
    expect((await kubectl('apply -f -', widget('a', { cpu: 1 }))).out).toBe('widget.test.example.com/a unchanged\n')
    expect((await kubectl('apply -f -', widget('a', { policy: 'Observe' }))).out).toBe(
      'widget.test.example.com/a configured\n',
    )
    expect((await client.get(`${WIDGETS}/a`)).body.spec).toEqual({ uuid: 'abcd', policy: 'Observe' })
    const moved = await kubectl('apply --server-side -f -', widget('a', { cpu: 3 }))
    expect(moved).toMatchObject({ code: 0, out: 'widget.test.example.com/a serverside-applied\n', err: '' })
    expect((await client.get(`${WIDGETS}/a`)).body.spec).toEqual({ uuid: 'abcd', cpu: 3 })
  })

  test('apply tells what is wrong', async () => {
    const unknown = await kubectl('apply -f -', widget('a', { foo: 1 }))
    expect(unknown.err).toContain('strict decoding error: unknown field "spec.foo"')
    expect((await kubectl('apply --validate=warn -f -', widget('a', { foo: 1 }))).err).toContain(
      'Warning: unknown field "spec.foo"',
    )
    const wrong = await kubectl('apply -f -', widget('a', { cpu: -1 }))
    expect(wrong.err).toContain(
      'The Widget "a" is invalid: spec.cpu: Invalid value: -1: spec.cpu in body should be greater than or equal to 0',
    )
    const other = await kubectl('apply -f -', widget('a', { uuid: 'ffff' }))
    expect(other.err).toContain('spec.uuid: Invalid value: "ffff": cannot be changed')
  })

  test('get prints the columns, wide ones on demand', async () => {
    await client.post(WIDGETS, widget('a', { cpu: 2 }))
    await client.patch(`${WIDGETS}/a/status`, {
      status: { conditions: [{ type: 'Ready', status: 'True' }], drift: [{ field: 'cpu' }] },
    })
    const [header, row] = cells((await kubectl('get wg')).out)
    expect(header).toEqual(['NAME', 'READY', 'CPU', 'AGE'])
    expect(row).toEqual(['a', 'True', '2', expect.stringMatching(/^\d+s$/)])
    expect(cells((await kubectl('get samples -A -o wide')).out)[0]).toEqual([
      'NAMESPACE',
      'NAME',
      'READY',
      'CPU',
      'AGE',
      'DRIFT',
      'LAST UPDATE',
    ])
    expect((await kubectl('get widget a -o jsonpath={.spec.cpu}')).out).toBe('2')
    expect((await kubectl('get widgets.test.example.com a --subresource=status -o yaml')).out).toContain('kind: Widget')
    expect((await kubectl('get wg nope')).err).toBe(
      'Error from server (NotFound): widgets.test.example.com "nope" not found\n',
    )
  })

  test('patch, label, annotate, edit and replace change it', async () => {
    await client.post(WIDGETS, widget('a', { cpu: 1 }))
    await kubectl(`patch wg a --type merge -p '{"spec":{"cpu":5}}'`)
    await kubectl(`patch wg a --type json -p '[{"op":"add","path":"/spec/name","value":"n"}]'`)
    await kubectl(`patch wg a --subresource=status --type merge -p '{"status":{"observedGeneration":7}}'`)
    await kubectl('label wg a x=y')
    await kubectl('annotate wg a note=1')
    expect((await client.get(`${WIDGETS}/a`)).body).toMatchObject({
      metadata: { labels: { x: 'y' }, annotations: { note: '1' }, generation: 3 },
      spec: { cpu: 5, name: 'n' },
      status: { observedGeneration: 7 },
    })
    expect((await kubectl('edit wg a')).out).toBe('widget.test.example.com/a edited\n')
    expect((await client.get(`${WIDGETS}/a`)).body.spec.cpu).toBe(6)
    expect((await kubectl('replace -f -', widget('a', { cpu: 8 }))).out).toBe('widget.test.example.com/a replaced\n')
  })

  test('get -w shows a change as it comes', async () => {
    await client.post(WIDGETS, widget('a', { cpu: 1 }))
    const child = spawn('kubectl', ['get', 'wg', '-w'], { env: environment })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    await expect.poll(() => cells(out).length, { timeout: 5000 }).toBe(2)
    await client.patch(`${WIDGETS}/a`, { spec: { cpu: 9 } })
    await expect.poll(() => cells(out)[2], { timeout: 5000 }).toEqual(['a', '9', expect.stringMatching(/s$/)])
    child.kill()
  })

  test('wait comes back with the condition', async () => {
    await client.post(WIDGETS, widget('a'))
    const waiting = kubectl('wait --for=condition=Ready wg/a --timeout=10s')
    await expect.poll(() => api.counters.watches, { timeout: 5000 }).toBeGreaterThan(0)
    await client.patch(`${WIDGETS}/a/status`, { status: { conditions: [{ type: 'Ready', status: 'True' }] } })
    expect((await waiting).out).toBe('widget.test.example.com/a condition met\n')
  })

  test('describe shows the events of the object', async () => {
    const { body } = await client.post(WIDGETS, widget('a'))
    const { uid } = body.metadata
    await client.post('/api/v1/namespaces/default/events', {
      metadata: { name: 'a.1' },
      involvedObject: { apiVersion: 'test.example.com/v1', kind: 'Widget', namespace: 'default', name: 'a', uid },
      reason: 'Updated',
      message: 'cpu: 1 -> 2',
      type: 'Normal',
      count: 1,
      firstTimestamp: new Date().toISOString(),
      lastTimestamp: new Date().toISOString(),
      source: { component: 'operator' },
    })
    expect((await kubectl('describe wg a')).out).toMatch(/Events:[^]*Updated.*operator.*cpu: 1 -> 2/)
    expect(cells((await kubectl('get events')).out)[0]).toEqual(['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'])
  })

  test('create makes namespaces, secrets and config maps; delete takes a namespace away', async () => {
    expect((await kubectl('create namespace team')).out).toBe('namespace/team created\n')
    expect((await kubectl('create secret generic s --from-literal=a=b -n team')).code).toBe(0)
    expect((await kubectl('get secret s -n team -o jsonpath={.data.a}')).out).toBe('Yg==')
    expect((await kubectl('create configmap c --from-literal=a=b -n team')).code).toBe(0)
    expect((await kubectl('apply -n team -f -', widget('a'))).code).toBe(0)
    expect((await kubectl('delete namespace team')).out).toBe('namespace "team" deleted\n')
    expect((await kubectl('get wg -A')).err).toBe('No resources found\n')
  })

  test('delete waits until it is gone', async () => {
    await client.post(WIDGETS, { ...widget('a'), metadata: { name: 'a', finalizers: ['x.io/y'] } })
    const deleting = kubectl('delete wg a')
    await expect.poll(async () => (await client.get(`${WIDGETS}/a`)).body.metadata.deletionTimestamp).toBeDefined()
    await client.patch(`${WIDGETS}/a`, { metadata: { finalizers: null } })
    // Newer releases of kubectl say from where.
    const deleted = expect.stringMatching(
      /^widget\.test\.example\.com "a" deleted( from default namespace)?\n$/,
    ) as unknown
    expect(await deleting).toMatchObject({ code: 0, out: deleted })
  })

  test('api-resources, explain and crds are there', async () => {
    const [, row] = cells((await kubectl('api-resources --categories=samples')).out)
    expect(row).toEqual(['widgets', 'wg', 'test.example.com/v1', 'true', 'Widget'])
    expect((await kubectl('explain widget.spec.policy')).out).toContain('FIELD: policy <string>')
    expect((await kubectl('get crd -o name')).out).toContain(
      'customresourcedefinition.apiextensions.k8s.io/widgets.test.example.com',
    )
    expect(JSON.parse((await kubectl('version -o json')).out)).toMatchObject({ serverVersion: { major: '1' } })
  })
})
