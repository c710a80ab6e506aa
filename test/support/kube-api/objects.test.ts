import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startFixture, widget, WIDGETS, type Client } from './fixture.ts'
import type { StandInApi } from './server.ts'

let api: StandInApi
let client: Client
beforeAll(async () => {
  ;({ api, client } = await startFixture())
})
beforeEach(async () => {
  await client.delete(WIDGETS)
})
afterAll(() => api.close())

test('a created object gets an identity, generation 1 and no status', async () => {
  const { status, body } = await client.post(WIDGETS, widget('a', { cpu: 1 }, { status: { observedGeneration: 9 } }))
  expect(status).toBe(201)
  expect(body.metadata).toMatchObject({ name: 'a', namespace: 'default', generation: 1 })
  expect(body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
  expect(body.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  expect(body.status).toBeUndefined()
  expect((await client.get(`${WIDGETS}/a`)).body).toEqual(body)
})

test('a name that is taken is AlreadyExists; generateName makes one that is not', async () => {
  await client.post(WIDGETS, widget('a'))
  const again = await client.post(WIDGETS, widget('a'))
  expect(again.status).toBe(409)
  expect(again.body).toMatchObject({ reason: 'AlreadyExists', message: 'widgets.test.example.com "a" already exists' })
  const made = await client.post(WIDGETS, { ...widget(''), metadata: { generateName: 'gen-' } })
  expect(made.body.metadata.name).toMatch(/^gen-[a-z0-9]{5}$/)
})

test('a namespaced object in a missing namespace is 404, a list of it is empty', async () => {
  const path = WIDGETS.replace('default', 'nowhere')
  expect((await client.post(path, widget('a'))).body).toMatchObject({
    code: 404,
    message: 'namespaces "nowhere" not found',
  })
  expect((await client.get(path)).body.items).toEqual([])
})

test('the generation counts changes of the spec, not of metadata or status', async () => {
  const { body } = await client.post(WIDGETS, widget('a'))
  const labelled = await client.patch(`${WIDGETS}/a`, { metadata: { labels: { x: 'y' } } })
  expect(labelled.body.metadata.generation).toBe(1)
  const reported = await client.patch(`${WIDGETS}/a/status`, { status: { observedGeneration: 1 } })
  expect(reported.body.metadata.generation).toBe(1)
  const changed = await client.patch(`${WIDGETS}/a`, { spec: { cpu: 2 } })
  expect(changed.body.metadata.generation).toBe(2)
  expect(Number(changed.body.metadata.resourceVersion)).toBeGreaterThan(Number(body.metadata.resourceVersion))
})

test('a write that changes nothing leaves the resourceVersion', async () => {
  const { body } = await client.post(WIDGETS, widget('a', { cpu: 1 }))
  expect((await client.put(`${WIDGETS}/a`, body)).body).toEqual(body)
  expect((await client.patch(`${WIDGETS}/a`, { spec: { cpu: 1 } })).body).toEqual(body)
  expect((await client.patch(`${WIDGETS}/a/status`, { spec: { cpu: 7 } })).body).toEqual(body)
})

test('a write of the object ignores its status, a write of the status everything else', async () => {
  const { body } = await client.post(WIDGETS, widget('a'))
  const put = await client.put(`${WIDGETS}/a`, {
    ...body,
    spec: { uuid: 'abcd', cpu: 3 },
    status: { observedGeneration: 4 },
  })
  expect(put.body.status).toBeUndefined()
  const labels = { metadata: { ...put.body.metadata, labels: { x: 'y' } } }
  const status = await client.put(`${WIDGETS}/a/status`, {
    ...body,
    ...labels,
    spec: {},
    status: { observedGeneration: 5 },
  })
  expect(status.body).toMatchObject({ spec: { cpu: 3 }, status: { observedGeneration: 5 } })
  expect(status.body.metadata.labels).toBeUndefined()
})

test('a stale resourceVersion is a conflict on PUT and on PATCH; a PUT without one is refused', async () => {
  const { body } = await client.post(WIDGETS, widget('a'))
  await client.patch(`${WIDGETS}/a`, { spec: { cpu: 1 } })
  const { resourceVersion } = body.metadata
  for (const reply of [
    await client.put(`${WIDGETS}/a`, body),
    await client.patch(`${WIDGETS}/a`, { metadata: { resourceVersion }, spec: { cpu: 2 } }),
    await client.patch(`${WIDGETS}/a/status`, { metadata: { resourceVersion }, status: { observedGeneration: 2 } }),
  ]) {
    expect(reply.body).toMatchObject({ code: 409, reason: 'Conflict' })
    expect(reply.body.message).toContain('the object has been modified')
  }
  expect((await client.put(`${WIDGETS}/a`, widget('a'))).body.message).toContain('must be specified for an update')
})

test('another uid is a conflict on PUT, immutable in a patch, and ignored in a patch of the status', async () => {
  const { body } = await client.post(WIDGETS, widget('a'))
  const metadata = { uid: '11111111-1111-1111-1111-111111111111' }
  const put = await client.put(`${WIDGETS}/a`, { ...body, metadata: { ...body.metadata, ...metadata } })
  expect(put.body).toMatchObject({ code: 409, reason: 'Conflict' })
  expect((await client.patch(`${WIDGETS}/a`, { metadata })).body.message).toContain('field is immutable')
  expect((await client.patch(`${WIDGETS}/a/status`, { metadata, status: { observedGeneration: 1 } })).status).toBe(200)
  const test = [{ op: 'test', path: '/metadata/uid', value: metadata.uid }]
  expect((await client.patch(`${WIDGETS}/a/status`, test, 'application/json-patch+json')).status).toBe(422)
})

test('an object with a finalizer stays until the finalizer is gone', async () => {
  await client.post(WIDGETS, { ...widget('a'), metadata: { name: 'a', finalizers: ['x.io/y'] } })
  const marked = await client.delete(`${WIDGETS}/a`)
  expect(marked.body.metadata).toMatchObject({ generation: 2, deletionGracePeriodSeconds: 0 })
  expect(marked.body.metadata.deletionTimestamp).toBeDefined()
  const more = await client.patch(`${WIDGETS}/a`, { metadata: { finalizers: ['x.io/y', 'x.io/z'] } })
  expect(more.body.message).toContain('no new finalizers can be added')
  expect((await client.post(WIDGETS, widget('a'))).body.message).toContain('object is being deleted')
  expect((await client.patch(`${WIDGETS}/a`, { metadata: { finalizers: null } })).status).toBe(200)
  expect((await client.get(`${WIDGETS}/a`)).status).toBe(404)
})

test('a delete with a precondition that does not hold is a conflict; without a finalizer it answers Success', async () => {
  const { body } = await client.post(WIDGETS, widget('a'))
  const wrong = await client.delete(`${WIDGETS}/a`, {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    preconditions: { uid: 'no' },
  })
  expect(wrong.body).toMatchObject({ code: 409, reason: 'Conflict' })
  const gone = await client.delete(`${WIDGETS}/a`)
  expect(gone.body).toMatchObject({
    status: 'Success',
    details: { name: 'a', kind: 'widgets', uid: body.metadata.uid },
  })
  expect((await client.delete(`${WIDGETS}/a`)).body.message).toBe('widgets.test.example.com "a" not found')
})

test('a dry run answers as if, and keeps nothing', async () => {
  expect((await client.post(`${WIDGETS}?dryRun=All`, widget('a'))).status).toBe(201)
  expect((await client.get(`${WIDGETS}/a`)).status).toBe(404)
  const { body } = await client.post(WIDGETS, widget('a'))
  expect((await client.patch(`${WIDGETS}/a?dryRun=All`, { spec: { cpu: 4 } })).body.spec.cpu).toBe(4)
  await client.delete(`${WIDGETS}/a?dryRun=All`)
  expect((await client.get(`${WIDGETS}/a`)).body).toEqual(body)
})

test('a JSON patch is applied step by step, or not at all', async () => {
  await client.post(WIDGETS, widget('a', { cpu: 1, ports: [80] }))
  const type = 'application/json-patch+json'
  const steps = [
    { op: 'test', path: '/spec/cpu', value: 1 },
    { op: 'add', path: '/spec/ports/-', value: 443 },
    { op: 'add', path: '/metadata/annotations', value: { 'a/b': 'c' } },
    { op: 'replace', path: '/metadata/annotations/a~1b', value: 'd' },
    { op: 'move', from: '/spec/ports/0', path: '/spec/ports/1' },
    { op: 'remove', path: '/spec/cpu' },
  ]
  const { body } = await client.patch(`${WIDGETS}/a`, steps, type)
  expect(body).toMatchObject({ spec: { uuid: 'abcd', ports: [443, 80] }, metadata: { annotations: { 'a/b': 'd' } } })
  for (const step of [
    { op: 'test', path: '/spec/uuid', value: 'x' },
    { op: 'remove', path: '/spec/cpu' },
  ]) {
    const refused = await client.patch(
      `${WIDGETS}/a`,
      [{ op: 'add', path: '/spec/cpu', value: 9 }, { op: 'remove', path: '/spec/cpu' }, step],
      type,
    )
    expect(refused.body).toMatchObject({ code: 422, reason: 'Invalid' })
  }
  const strategic = await client.patch(`${WIDGETS}/a`, {}, 'application/strategic-merge-patch+json')
  expect(strategic.body).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' })
})

test('deleting a namespace takes its objects along, and a finalizer holds it back', async () => {
  await client.post('/api/v1/namespaces', { metadata: { name: 'team' } })
  const path = WIDGETS.replace('default', 'team')
  await client.post(path, widget('a'))
  await client.post(path, { ...widget('b'), metadata: { name: 'b', finalizers: ['x.io/y'] } })
  await client.delete('/api/v1/namespaces/team')
  expect((await client.get('/api/v1/namespaces/team')).body.status.phase).toBe('Terminating')
  expect((await client.get(`${path}/a`)).status).toBe(404)
  expect((await client.post(path, widget('c'))).status).toBe(403)
  await client.patch(`${path}/b`, { metadata: { finalizers: [] } })
  expect((await client.get('/api/v1/namespaces/team')).status).toBe(404)
})
