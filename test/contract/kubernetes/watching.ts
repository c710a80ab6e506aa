import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { createInformer } from '../../../src/kube/informer.ts'
import { createResource, type Resource } from '../../../src/kube/resource.ts'
import { createStore } from '../../../src/kube/store.ts'
import { watch, type WatchEvent } from '../../../src/kube/watch.ts'
import { kind, patience, soon, type Sample, type ContractFixture } from './fixture.ts'

const log = pino({ level: 'silent' })
const listAll = (resource: Resource<Sample>) => resource.list({ limit: 500, more: undefined }, soon())

/** The events of a watch about objects, in words, while the test runs. Bookmarks come when the server likes. */
function follow(resource: Resource<Sample>) {
  const events: string[] = []
  const stop = new AbortController()
  const ended = (async () => {
    for await (const event of watch(resource, { clock: systemClock, random: Math.random }, stop.signal))
      if (event.kind !== 'alive') events.push(inWords(event))
  })()
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  return { events, stop, ended }
}

function inWords(event: Exclude<WatchEvent<Sample>, { kind: 'alive' }>): string {
  switch (event.kind) {
    case 'listed':
      return `listed ${event.objects.map(({ metadata }) => metadata.name).join(' ')}`
    case 'applied':
      return `applied ${event.object.metadata.name} ${event.object.spec?.size}`
    case 'deleted':
      return `deleted ${event.object.metadata.name}`
    case 'broken':
      return `broken ${event.error.message}`
  }
}

/** Watches, and the store that they keep. */
export function describeWatching(fixture: () => ContractFixture): void {
  describe('watch', () => {
    it('tells what was there, then each change in order', async () => {
      const { samples, create, resize, remove } = fixture()
      await create('a')
      const { events } = follow(samples)
      await expect.poll(() => events, patience).toEqual(['listed a'])
      await create('b')
      await resize('a', 2)
      await samples.writeStatus(await create('c'), { seen: 1 }, soon())
      await remove('a')
      await expect
        .poll(() => events, patience)
        .toEqual(['listed a', 'applied b 1', 'applied a 2', 'applied c 1', 'applied c 1', 'deleted a'])
    })

    it('loses nothing that happens between the list and the watch', async () => {
      const { samples, create, remove } = fixture()
      const gate = Promise.withResolvers<undefined>()
      const { events } = follow({
        ...samples,
        watch: async (...wanted) => {
          await gate.promise
          return samples.watch(...wanted)
        },
      })
      await expect.poll(() => events, patience).toEqual(['listed '])
      await create('a')
      await remove('a')
      gate.resolve(undefined)
      await expect.poll(() => events, patience).toEqual(['listed ', 'applied a 1', 'deleted a'])
    })

    it('lists again when the version is too old to go on from', async () => {
      const { samples, server, create } = fixture()
      await create('a')
      server.expireHistory()
      let lists = 0
      const { events } = follow({
        ...samples,
        list: async (...wanted) => {
          const list = await samples.list(...wanted)
          return (lists += 1) === 1 ? { ...list, resourceVersion: '1' } : list
        },
      })
      await expect.poll(() => events, patience).toEqual(['listed a', 'listed a'])
      await create('b')
      await expect.poll(() => events.at(-1), patience).toBe('applied b 1')
    })

    it('is ended by the server when its time is up', async () => {
      const { samples } = fixture()
      const { resourceVersion } = await listAll(samples)
      const chunks = await samples.watch(resourceVersion, 1, AbortSignal.timeout(20_000))
      for await (const chunk of chunks) expect(chunk.toString()).toContain('"BOOKMARK"')
    })

    it('ends at once when aborted, though the server has nothing to say', async () => {
      const { samples, create } = fixture()
      const { events, stop, ended } = follow(samples)
      await expect.poll(() => events, patience).toEqual(['listed '])
      await create('a')
      await expect.poll(() => events, patience).toHaveLength(2)
      stop.abort()
      await ended
    })

    it('leaves room for requests, however many namespaces are watched', async () => {
      const { samples, create } = fixture()
      const watches = Array.from({ length: 12 }, () => follow(samples))
      for (const { events } of watches) await expect.poll(() => events, patience).toEqual(['listed '])
      await create('a')
      for (const { events } of watches) await expect.poll(() => events, patience).toEqual(['listed ', 'applied a 1'])
      expect((await listAll(samples)).items).toHaveLength(1)
    })
  })

  it('keeps a store equal to what the server holds, in several namespaces', async () => {
    const { cluster, namespace, server, create, remove, path } = fixture()
    const other = await server.namespace()
    const store = createStore<Sample>()
    const resources = new Map(
      [namespace, other].map((scope) => [scope, createResource<Sample>(cluster, { ...kind, namespace: scope })]),
    )
    const informer = createInformer({
      resources,
      store,
      clock: systemClock,
      random: Math.random,
      log,
      onBroken: () => undefined,
    })
    const stop = new AbortController()
    await create('a')
    const running = informer.run(stop.signal)
    await informer.synced
    expect([...store.keys()]).toEqual([`${namespace}/a`])
    await create('b')
    await remove('a')
    await server.request('POST', path().replace(namespace, other), {
      apiVersion: 'contract.example.com/v1',
      kind: 'Sample',
      metadata: { name: 'far' },
    })
    await expect.poll(() => [...store.keys()].sort(), patience).toEqual([`${namespace}/b`, `${other}/far`].sort())
    stop.abort()
    await running
  })
}
