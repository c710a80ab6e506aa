import { KubeConfig, CustomObjectsApi } from '@kubernetes/client-node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startFixture, widget, WIDGETS, type Client } from './fixture.ts'
import type { StandInApi } from './server.ts'

let api: StandInApi
let client: Client
beforeEach(async () => {
  ;({ api, client } = await startFixture())
})
afterEach(() => api.close())

test('a rule refuses what it matches, as often as it says', async () => {
  await client.post(WIDGETS, widget('a'))
  api.faults.refuse({
    verb: 'patch',
    resource: 'widgets',
    subresource: 'status',
    status: 503,
    times: 2,
    retryAfterSeconds: 7,
  })
  const status = { status: { observedGeneration: 1 } }
  const refused = await client.patch(`${WIDGETS}/a/status`, status)
  expect(refused.body).toMatchObject({
    kind: 'Status',
    code: 503,
    reason: 'ServiceUnavailable',
    details: { retryAfterSeconds: 7 },
  })
  expect(refused.headers.get('retry-after')).toBe('7')
  expect((await client.patch(`${WIDGETS}/a`, { spec: { cpu: 1 } })).status).toBe(200)
  expect((await client.patch(`${WIDGETS}/a/status`, status)).status).toBe(503)
  expect((await client.patch(`${WIDGETS}/a/status`, status)).status).toBe(200)
})

test('a rule without an end lasts until it is undone', async () => {
  const undo = api.faults.refuse({ status: 401, message: 'Unauthorized' })
  expect((await client.get(WIDGETS)).body).toMatchObject({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' })
  expect((await client.get(`${WIDGETS}?watch=true`)).status).toBe(401)
  undo()
  expect((await client.get(WIDGETS)).status).toBe(200)
})

test('latency lets every request wait', async () => {
  api.faults.latency(80)
  const began = performance.now()
  await client.get(WIDGETS)
  expect(performance.now() - began).toBeGreaterThan(75)
})

test('requests are counted and remembered, refused ones too', async () => {
  await client.post(WIDGETS, widget('a'))
  await client.patch(`${WIDGETS}/a/status`, { status: {} })
  await client.get(`${WIDGETS}/nope`)
  await client.get('/version')
  expect(api.counters).toEqual({
    reads: 1,
    writes: 2,
    watches: 0,
    writesByResource: { widgets: 1, 'widgets/status': 1 },
  })
  expect(api.requests()).toMatchObject([
    { verb: 'create', resource: 'widgets', namespace: 'default', status: 201 },
    { verb: 'patch', resource: 'widgets', subresource: 'status', name: 'a', status: 200 },
    { verb: 'get', name: 'nope', status: 404 },
  ])
})

test('the kubeconfig works for @kubernetes/client-node', async () => {
  const config = new KubeConfig()
  config.loadFromString(api.kubeconfig)
  const objects = config.makeApiClient(CustomObjectsApi)
  await client.post(WIDGETS, widget('a'))
  const coordinates = { group: 'test.example.com', version: 'v1', namespace: 'default', plural: 'widgets' }
  expect(await objects.listNamespacedCustomObject(coordinates)).toMatchObject({ items: [{ metadata: { name: 'a' } }] })
})

test('a closed server frees its port, watches and all', async () => {
  const watch = client.watch(WIDGETS)
  const ended = watch.next()
  await expect.poll(() => api.counters.watches).toBe(1)
  await api.close()
  await expect(ended).rejects.toThrow()
  const again = await startFixture({ port: Number(new URL(api.url).port) })
  expect(again.api.url).toBe(api.url)
  await again.api.close()
})
