import { afterEach, beforeEach, expect, test } from 'vitest'
import { ALL_WIDGETS, next, startFixture, TABLE, widget, WIDGETS, type Client } from './fixture.ts'
import type { StandInApi } from './server.ts'

let api: StandInApi
let client: Client
beforeEach(async () => {
  ;({ api, client } = await startFixture())
})
afterEach(() => api.close())

test('a watch from a list misses nothing and repeats nothing', async () => {
  await client.post(WIDGETS, widget('a'))
  const { body: list } = await client.get(WIDGETS)
  const events = client.watch(`${WIDGETS}?resourceVersion=${list.metadata.resourceVersion}`)
  await client.post(WIDGETS, widget('b'))
  await client.patch(`${WIDGETS}/b`, { spec: { cpu: 2 } })
  await client.patch(`${WIDGETS}/b`, { spec: { cpu: 2 } })
  const { body: gone } = await client.get(`${WIDGETS}/a`)
  await client.delete(`${WIDGETS}/a`)
  expect(await next(events)).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } })
  expect(await next(events)).toMatchObject({ type: 'MODIFIED', object: { spec: { cpu: 2 } } })
  const deleted = (await next(events))!
  expect(deleted).toMatchObject({ type: 'DELETED', object: { metadata: { name: 'a', uid: gone.metadata.uid } } })
  expect(Number(deleted.object.metadata.resourceVersion)).toBeGreaterThan(Number(gone.metadata.resourceVersion))
  await events.return()
})

test('a watch without a version begins with the objects there are', async () => {
  await client.post(WIDGETS, widget('a'))
  for (const version of ['', '&resourceVersion=0']) {
    const events = client.watch(`${ALL_WIDGETS}?timeoutSeconds=60${version}`)
    expect(await next(events)).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } })
    await events.return()
  }
})

test('initial events end with a bookmark that says so', async () => {
  await client.post(WIDGETS, widget('a'))
  const query = 'allowWatchBookmarks=true&sendInitialEvents=true'
  const events = client.watch(`${WIDGETS}?${query}&resourceVersionMatch=NotOlderThan`)
  await next(events)
  const mark = await next(events)
  expect(mark).toMatchObject({
    type: 'BOOKMARK',
    object: { kind: 'Widget', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
  })
  await events.return()
  expect((await client.get(`${WIDGETS}?watch=true&${query}`)).status).toBe(422)
})

test('the server ends a watch after timeoutSeconds, with a bookmark of the newest version just before', async () => {
  const { body: list } = await client.get(WIDGETS)
  const events = client.watch(
    `${WIDGETS}?allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=${list.metadata.resourceVersion}`,
  )
  const begun = next(events)
  // A change elsewhere moves the version on, without an event here.
  const { body: other } = await client.post('/api/v1/namespaces/default/configmaps', { metadata: { name: 'c' } })
  expect(await begun).toMatchObject({
    type: 'BOOKMARK',
    object: { metadata: { resourceVersion: other.metadata.resourceVersion } },
  })
  expect(await next(events)).toBeUndefined()
})

test('an object that moves out of the selection is deleted for its watcher, and added when it comes back', async () => {
  const events = client.watch(`${WIDGETS}?labelSelector=team%3Dred`)
  const first = next(events)
  await client.post(WIDGETS, { ...widget('a'), metadata: { name: 'a', labels: { team: 'red' } } })
  expect(await first).toMatchObject({ type: 'ADDED' })
  await client.patch(`${WIDGETS}/a`, { metadata: { labels: { team: 'blue' } } })
  expect(await next(events)).toMatchObject({ type: 'DELETED', object: { metadata: { labels: { team: 'red' } } } })
  await client.patch(`${WIDGETS}/a`, { metadata: { labels: { team: 'red' } } })
  expect(await next(events)).toMatchObject({ type: 'ADDED' })
  await events.return()
})

test('a watch as a table carries the columns once', async () => {
  await client.post(WIDGETS, widget('a'))
  await client.post(WIDGETS, widget('b'))
  const events = client.watch(WIDGETS, TABLE)
  const first = (await next(events))!
  expect(first.object.columnDefinitions).toHaveLength(6)
  expect(first.object.rows[0]!.cells.slice(0, 3)).toEqual(['a', null, null])
  expect(await next(events)).toMatchObject({
    object: { columnDefinitions: null, rows: [{ object: { kind: 'PartialObjectMetadata' } }] },
  })
  await events.return()
})

test('dropped watches end in the middle; a new one goes on from the last version', async () => {
  const { body } = await client.post(WIDGETS, widget('a'))
  const events = client.watch(WIDGETS)
  await next(events)
  const cut = next(events)
  api.faults.dropWatches()
  await expect(cut).rejects.toThrow()
  await client.post(WIDGETS, widget('b'))
  const again = client.watch(`${WIDGETS}?resourceVersion=${body.metadata.resourceVersion}`)
  expect(await next(again)).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } })
  await again.return()
})

test('frozen watches stay open and silent, and then say what they held back', async () => {
  const events = client.watch(`${WIDGETS}?timeoutSeconds=1`)
  const pending = next(events)
  await expect.poll(() => api.counters.watches).toBe(1)
  api.faults.freezeWatches(true)
  await client.post(WIDGETS, widget('a'))
  const outcome = await Promise.race([pending, new Promise((resolve) => setTimeout(resolve, 1300, 'silence'))])
  expect(outcome).toBe('silence')
  api.faults.freezeWatches(false)
  expect(await pending).toMatchObject({ type: 'ADDED' })
  expect(await next(events)).toBeUndefined()
})

test('after compaction an older version is gone for a watch and for a page of a list', async () => {
  const { body: old } = await client.post(WIDGETS, widget('a'))
  await client.post(WIDGETS, widget('b'))
  const { body: page } = await client.get(`${WIDGETS}?limit=1`)
  await client.post(WIDGETS, widget('c'))
  api.faults.compact()
  const late = client.watch(`${WIDGETS}?resourceVersion=${old.metadata.resourceVersion}`)
  expect(await next(late)).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })
  expect(await next(late)).toBeUndefined()
  const rest = await client.get(`${WIDGETS}?limit=1&continue=${page.metadata.continue}`)
  expect(rest.body).toMatchObject({ code: 410, reason: 'Expired' })
  const inconsistent = await client.get(`${WIDGETS}?limit=5&continue=${rest.body.metadata.continue}`)
  expect(inconsistent.body.items.map((item) => item.metadata.name)).toEqual(['b', 'c'])
  const { body: list } = await client.get(WIDGETS)
  const fresh = client.watch(`${WIDGETS}?resourceVersion=${list.metadata.resourceVersion}`)
  const first = next(fresh)
  await client.delete(`${WIDGETS}/a`)
  expect(await first).toMatchObject({ type: 'DELETED' })
  await fresh.return()
})

test('a version that is none is refused', async () => {
  expect((await client.get(`${WIDGETS}?watch=true&resourceVersion=abc`)).status).toBe(500)
  expect((await client.get(`${WIDGETS}?resourceVersion=abc`)).status).toBe(400)
  expect((await client.get(`${WIDGETS}?resourceVersion=999999`)).body).toMatchObject({
    code: 504,
    details: { retryAfterSeconds: 1 },
  })
})
