import { describe, expect, it, onTestFinished } from 'vitest'
import { ApiError } from '../../src/kube/cluster.ts'
import { createInformer } from '../../src/kube/informer.ts'
import { createStore } from '../../src/kube/store.ts'
import { createCapturedLog } from '../support/captured-log.ts'
import { createManualClock } from '../support/clock.ts'
import { sample, type Sample } from '../support/sample-resource.ts'
import { bookmark, createScriptedResource, listOf, type ScriptedResource } from '../support/scripted-resource.ts'

async function follow(scopes: Readonly<Record<string, (server: ScriptedResource) => void>>) {
  const servers = Object.fromEntries(Object.keys(scopes).map((scope) => [scope, createScriptedResource()]))
  for (const [scope, script] of Object.entries(scopes)) script(servers[scope]!)
  const clock = createManualClock()
  const store = createStore<Sample>()
  const { log, entries } = createCapturedLog()
  let breaks = 0
  const informer = createInformer({
    resources: new Map(Object.entries(servers)),
    store,
    clock,
    random: () => 1,
    log,
    onBroken: () => (breaks += 1),
  })
  const stop = new AbortController()
  const running = informer.run(stop.signal)
  running.catch(() => undefined)
  onTestFinished(() => stop.abort())
  await clock.advance(0)
  return {
    servers,
    server: Object.values(servers)[0]!,
    clock,
    store,
    entries,
    informer,
    stop,
    running,
    breaks: () => breaks,
  }
}

const nothing = () => undefined
const refuseAll = (status: number) => (server: ScriptedResource) => {
  for (let n = 0; n < 100; n += 1) server.lists.push(new ApiError(status, 'no'))
}

describe('an informer', () => {
  it('holds what was listed, then what the watch tells', async () => {
    const { store, server, clock } = await follow({
      all: ({ lists }) => lists.push(listOf(3, [sample('a'), sample('b')])),
    })
    server.stream().event('ADDED', sample('c', { version: 4 }))
    server.stream().event('MODIFIED', sample('a', { version: 5 }))
    server.stream().event('DELETED', sample('b', { version: 6 }))
    await clock.advance(0)
    expect([...store.keys()].sort()).toEqual(['test/a', 'test/c'])
    expect(store.get('test/a')?.metadata.resourceVersion).toBe('5')
  })

  it('has synced once every scope was listed', async () => {
    const { informer, clock } = await follow({
      one: nothing,
      two: ({ lists }) => lists.push(new ApiError(503, 'starting')),
    })
    let isSynced = false
    void informer.synced.then(() => (isSynced = true))
    await clock.advance(0)
    expect([informer.hasSynced(), isSynced]).toEqual([false, false])
    await clock.advance(100)
    expect([informer.hasSynced(), isSynced]).toEqual([true, true])
  })

  it.each([403, 404])('has synced though one of its scopes is refused with %i, and tells which', async (status) => {
    const { informer, store, entries, clock, servers } = await follow({
      one: ({ lists }) => lists.push(listOf(3, [sample('a')])),
      two: refuseAll(status),
    })
    await expect(informer.synced).resolves.toBeUndefined()
    expect(informer.hasSynced()).toBe(true)
    expect(informer.scopes()).toEqual([
      { scope: 'one', problem: undefined },
      { scope: 'two', problem: expect.stringMatching(/^the API server .*\(no\)$/) as string },
    ])
    await clock.advance(60_000)
    expect(entries).toEqual([expect.objectContaining({ level: 'warn', scope: 'two' })])
    servers.two!.lists.length = 0
    servers.two!.lists.push(listOf(9, [sample('b')]))
    await clock.advance(30_000)
    expect([...store.keys()].sort()).toEqual(['test/a', 'test/b'])
    expect(informer.scopes().map(({ problem }) => problem)).toEqual([undefined, undefined])
  })

  it('has synced though one of its scopes answers with errors for good', async () => {
    const { informer, clock } = await follow({ one: nothing, two: refuseAll(500) })
    expect(informer.hasSynced()).toBe(false)
    await clock.advance(15_000)
    expect(informer.hasSynced()).toBe(true)
    expect(informer.scopes().filter(({ problem }) => problem !== undefined)).toMatchObject([{ scope: 'two' }])
  })

  it('has not synced while every one of its scopes is refused', async () => {
    const { informer, clock, servers } = await follow({ one: refuseAll(403), two: refuseAll(404) })
    await clock.advance(10_000)
    expect(informer.hasSynced()).toBe(false)
    servers.one!.lists.length = 0
    await clock.advance(30_000)
    expect(informer.hasSynced()).toBe(true)
  })

  it.each([
    ['cannot be reached', () => new ApiError(0, 'ECONNREFUSED'), 200],
    ['answers a plain 503', () => new ApiError(503, 'Service Unavailable'), 30_000],
  ])('asks a server that %s as often for a hundred scopes as for a few', async (_, error, paceMs) => {
    const unreachable = (server: ScriptedResource) => {
      for (let n = 0; n < 1_000; n += 1) server.lists.push(error())
    }
    const scopes = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`namespace-${n}`, unreachable]))
    const { servers, clock, informer } = await follow(scopes)
    const asked = () => Object.values(servers).reduce((sum, { listed }) => sum + listed.length, 0)
    await clock.advance(1_000)
    const before = asked()
    await clock.advance(60_000)
    // One of them at its own pace, each other one every five seconds.
    expect((asked() - before) / 60).toBeLessThan(30)
    expect(informer.silentForMs()).toBeLessThan(5 * paceMs)
    for (const { lists } of Object.values(servers)) lists.length = 0
    await clock.advance(paceMs)
    expect(informer.hasSynced()).toBe(true)
  })

  it('resumes all watches as soon as one of them is opened again', async () => {
    const { servers, clock } = await follow({ one: nothing, two: nothing, three: nothing })
    await clock.advance(10_000)
    for (const server of Object.values(servers)) {
      for (let n = 0; n < 20; n += 1) server.refusals.push(new ApiError(0, 'ECONNREFUSED'))
      server.stream().fail(new ApiError(0, 'ECONNRESET'))
    }
    await clock.advance(1_000)
    for (const server of Object.values(servers)) server.refusals.length = 0
    await clock.advance(200)
    expect(Object.values(servers).map(({ streams }) => streams.length)).toEqual([2, 2, 2])
  })

  it.each([
    [404, /install the CRD/],
    [401, /token or kubeconfig/],
    [403, /RBAC/],
    [503, /resumed by itself/],
  ])('says what to do about %i, once, and when it works again', async (status, advice) => {
    const { entries, clock, server, breaks } = await follow({ all: refuseAll(status) })
    await clock.advance(2_000)
    expect(entries).toEqual([
      expect.objectContaining({
        level: 'warn',
        scope: 'all',
        reason: 'no',
        msg: expect.stringMatching(advice) as string,
      }),
    ])
    expect(breaks()).toBeGreaterThan(2)
    server.lists.length = 0
    await clock.advance(60_000)
    expect(entries.slice(1)).toEqual([expect.objectContaining({ level: 'info', msg: 'watching again' })])
  })

  it.each([
    ['a bookmark', (server: ScriptedResource) => server.stream().event('BOOKMARK', bookmark(9))],
    ['the ordinary end of its stream', (server: ScriptedResource) => server.stream().end()],
  ])('takes %s as a sign that a watch works again on which nothing changes', async (_, sign) => {
    const { server, clock, entries } = await follow({ all: nothing })
    await clock.advance(30_000)
    server.stream().fail(new Error('connection reset'))
    await clock.advance(60_000)
    expect(entries.at(-1)).toMatchObject({ level: 'warn', reason: 'connection reset' })
    sign(server)
    await clock.advance(0)
    expect(entries.at(-1)).toMatchObject({ msg: 'watching again' })
  })

  it('is silent for as long as no watch has delivered anything, a failure included', async () => {
    const { informer, servers, clock } = await follow({ one: nothing, two: nothing })
    await clock.advance(20_000)
    servers.one!.stream().event('BOOKMARK', bookmark(9))
    await clock.advance(10_000)
    expect(informer.silentForMs()).toBe(30_000)
    servers.two!.stream().fail(new Error('connection reset'))
    await clock.advance(0)
    expect(informer.silentForMs()).toBe(10_000)
  })

  it('is never silent for long on an idle server, nor on one that refuses', async () => {
    const { informer, clock } = await follow({ idle: nothing, refusing: refuseAll(403) })
    let maxMs = 0
    for (let i = 0; i < 60; i += 1) {
      await clock.advance(10_000)
      maxMs = Math.max(maxMs, informer.silentForMs())
    }
    expect(maxMs).toBeLessThanOrEqual(130_000)
  })

  it('ends when it is stopped, with no watch and no timer left', async () => {
    const { servers, clock, stop, running } = await follow({ one: nothing, two: nothing, three: refuseAll(403) })
    stop.abort()
    await running
    expect(Object.values(servers).flatMap(({ streams }) => streams.map(({ isOpen }) => isOpen))).toEqual([false, false])
    expect(clock.pending).toBe(0)
  })

  it('fails with the exception of whoever the store tells', async () => {
    const store = createStore<Sample>()
    store.subscribe(() => {
      throw new Error('a bug')
    })
    const server = createScriptedResource()
    server.lists.push(listOf(1, [sample('a')]))
    const { log } = createCapturedLog()
    const clock = createManualClock()
    const informer = createInformer({
      resources: new Map([['all', server]]),
      store,
      clock,
      random: () => 1,
      log,
      onBroken: nothing,
    })
    await expect(informer.run(new AbortController().signal)).rejects.toThrow('a bug')
  })
})
