import { afterAll, beforeAll, expect, test } from 'vitest'
import { ALL_WIDGETS, startFixture, TABLE, widget, WIDGETS, type Answered, type Client } from './fixture.ts'
import type { StandInApi } from './server.ts'

let api: StandInApi
let client: Client
beforeAll(async () => {
  ;({ api, client } = await startFixture())
  await client.post('/api/v1/namespaces', { metadata: { name: 'other' } })
  const labels: Record<string, Record<string, string>> = {
    a: { tier: 'gold', zone: '1' },
    b: { tier: 'silver', zone: '7' },
    c: {},
  }
  for (const [name, own] of Object.entries(labels))
    await client.post(WIDGETS, { ...widget(name), metadata: { name, labels: own } })
  await client.post(WIDGETS.replace('default', 'other'), widget('d', { cpu: 4 }))
})
afterAll(() => api.close())

const names = (list: Answered): string[] => list.items.map((item) => item.metadata.name)

test.each([
  ['labelSelector=tier%3Dgold', ['a']],
  ['labelSelector=tier%3D%3Dgold', ['a']],
  ['labelSelector=tier!%3Dgold', ['b', 'c', 'd']],
  ['labelSelector=tier', ['a', 'b']],
  ['labelSelector=!tier', ['c', 'd']],
  ['labelSelector=tier in (gold, silver),zone notin (1)', ['b']],
  ['labelSelector=zone>3', ['b']],
  ['fieldSelector=metadata.name%3Da', ['a']],
  ['fieldSelector=metadata.namespace!%3Ddefault', ['d']],
])('a list with %s holds %j', async (query, expected) => {
  expect(names((await client.get(`${ALL_WIDGETS}?${query}`)).body)).toEqual(expected)
})

test('a selector that is none is refused', async () => {
  expect((await client.get(`${WIDGETS}?labelSelector=a b c`)).body.message).toContain(
    "unable to parse requirement: found 'b'",
  )
  expect((await client.get(`${WIDGETS}?fieldSelector=spec.cpu%3D1`)).body.message).toBe(
    'field label not supported: spec.cpu',
  )
})

test('the pages of a list show one moment, whatever happens meanwhile', async () => {
  const { body: first } = await client.get(`${ALL_WIDGETS}?limit=2`)
  expect(first.metadata.remainingItemCount).toBe(2)
  await client.post(WIDGETS, widget('bb'))
  await client.delete(`${WIDGETS}/c`)
  const { body: second } = await client.get(`${ALL_WIDGETS}?limit=2&continue=${first.metadata.continue}`)
  expect([...names(first), ...names(second)]).toEqual(['a', 'b', 'c', 'd'])
  expect(second.metadata).toEqual({ resourceVersion: first.metadata.resourceVersion })
  expect((await client.get(`${ALL_WIDGETS}?continue=nonsense`)).status).toBe(400)
  await client.delete(`${WIDGETS}/bb`)
  await client.post(WIDGETS, widget('c'))
})

test('a table has the columns of the CRD, rendered by the server', async () => {
  const path = WIDGETS.replace('default', 'other')
  const status = {
    conditions: [
      { type: 'Synced', status: 'False' },
      { type: 'Ready', status: 'True' },
    ],
    drift: [{ field: 'cpu' }, { field: 'name' }],
  }
  await client.patch(`${path}/d/status`, {
    status: { ...status, lastUpdate: new Date(Date.now() - 3_600_000 * 50).toISOString() },
  })
  const { body } = await client.get(path, TABLE)
  expect(body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' })
  const columns = body.columnDefinitions.map(({ name, type, priority }) => [name, type, priority])
  expect(columns.slice(3)).toEqual([
    ['Age', 'date', 0],
    ['Drift', 'string', 1],
    ['Last Update', 'date', 1],
  ])
  const [{ cells, object }] = body.rows as [Answered['rows'][number]]
  // The first of several values: so does the real server.
  expect(cells).toEqual(['d', 'True', 4, expect.stringMatching(/^\ds$/), 'cpu', '2d2h'])
  expect(object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'd' } })
  expect((await client.get(`${path}?includeObject=Object`, TABLE)).body.rows[0]!.object.spec.cpu).toBe(4)
})

test('events are selected by what they are about', async () => {
  const path = '/api/v1/namespaces/default/events'
  const event = (name: string, about: string) => ({
    metadata: { name },
    involvedObject: { kind: 'Widget', name: about, namespace: 'default' },
    reason: 'R',
    type: 'Normal',
  })
  await client.post(path, event('e1', 'a'))
  await client.post(path, event('e2', 'b'))
  expect(
    names((await client.get(`${path}?fieldSelector=involvedObject.name%3Da,involvedObject.kind%3DWidget`)).body),
  ).toEqual(['e1'])
  const astray = { ...event('e3', 'a'), involvedObject: { namespace: 'other' } }
  expect((await client.post(path, astray)).body.message).toContain('does not match event.namespace')
  const patched = await client.patch(`${path}/e1`, { count: 3 }, 'application/strategic-merge-patch+json')
  expect(patched.body.count).toBe(3)
})

test('leases follow optimistic concurrency and keep microseconds', async () => {
  const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
  const spec = { holderIdentity: 'me', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:00.123456Z' }
  const { body } = await client.post(path, { metadata: { name: 'l' }, spec })
  expect(body.spec).toEqual(spec)
  const taken = { ...body, spec: { ...spec, holderIdentity: 'you' } }
  expect((await client.put(`${path}/l`, taken)).status).toBe(200)
  expect((await client.put(`${path}/l`, taken)).body.reason).toBe('Conflict')
  expect((await client.patch(`${path}/l`, { spec: { leaseDurationSeconds: 0 } })).body.message).toContain(
    'must be greater than 0',
  )
})

test('secrets take plain text and give base64', async () => {
  const path = '/api/v1/namespaces/default/secrets'
  const { body } = await client.post(path, { metadata: { name: 's' }, stringData: { a: 'b' } })
  expect(body).toMatchObject({ type: 'Opaque', data: { a: 'Yg==' } })
  expect(body.stringData).toBeUndefined()
  expect((await client.post(path, { metadata: { name: 't' }, data: { a: '!' } })).status).toBe(400)
  expect((await client.get(path)).body.items[0]!.kind).toBeUndefined()
})

test('what is asked for in a form the server has not is 406', async () => {
  expect((await client.get(WIDGETS, 'application/vnd.kubernetes.protobuf')).status).toBe(406)
  expect((await client.get('/apis/test.example.com/v1/samples')).status).toBe(404)
})

test('a thousand objects are listed in one page', async () => {
  const { api, client } = await startFixture()
  for (let i = 0; i < 1000; i += 20)
    await Promise.all(Array.from({ length: 20 }, (_, j) => client.post(WIDGETS, widget(`w${i + j}`))))
  expect((await client.get(WIDGETS)).body.items).toHaveLength(1000)
  await api.close()
})
