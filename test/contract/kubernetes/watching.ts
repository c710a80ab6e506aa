import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { createInformer } from '../../../src/kube/informer.ts'
import { createResource, type Resource } from '../../../src/kube/resource.ts'
import { createStore } from '../../../src/kube/store.ts'
import { watch, type WatchEvent } from '../../../src/kube/watch.ts'
import { kind, patience, soon, type Gadget, type Plot } from './bed.ts'

const log = pino({ level: 'silent' })
const listAll = (resource: Resource<Gadget>) => resource.list({ limit: 500, more: undefined }, soon())

/** What a watch tells of objects, in words, while the test runs. Bookmarks come when the server likes. */
function follow(resource: Resource<Gadget>) {
  const told: string[] = []
  const stop = new AbortController()
  const ended = (async () => {
    for await (const event of watch(resource, { clock: systemClock, random: Math.random }, stop.signal))
      if (event.kind !== 'alive') told.push(inWords(event))
  })()
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  return { told, stop, ended }
}

function inWords(event: Exclude<WatchEvent<Gadget>, { kind: 'alive' }>): string {
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
export function describeWatching(plot: () => Plot): void {
  describe('watch', () => {
    it('tells what was there, then each change in order', async () => {
      const { gadgets, create, resize, remove } = plot()
      await create('a')
      const { told } = follow(gadgets)
      await expect.poll(() => told, patience).toEqual(['listed a'])
      await create('b')
      await resize('a', 2)
      await gadgets.writeStatus(await create('c'), { seen: 1 }, soon())
      await remove('a')
      await expect
        .poll(() => told, patience)
        .toEqual(['listed a', 'applied b 1', 'applied a 2', 'applied c 1', 'applied c 1', 'deleted a'])
    })

    it('loses nothing that happens between the list and the watch', async () => {
      const { gadgets, create, remove } = plot()
      const gate = Promise.withResolvers<undefined>()
      const { told } = follow({
        ...gadgets,
        watch: async (...wanted) => {
          await gate.promise
          return gadgets.watch(...wanted)
        },
      })
      await expect.poll(() => told, patience).toEqual(['listed '])
      await create('a')
      await remove('a')
      gate.resolve(undefined)
      await expect.poll(() => told, patience).toEqual(['listed ', 'applied a 1', 'deleted a'])
    })

    it('lists again when the version is too old to go on from', async () => {
      const { gadgets, bed, create } = plot()
      await create('a')
      bed.expireHistory()
      let lists = 0
      const { told } = follow({
        ...gadgets,
        list: async (...wanted) => {
          const list = await gadgets.list(...wanted)
          return (lists += 1) === 1 ? { ...list, resourceVersion: '1' } : list
        },
      })
      await expect.poll(() => told, patience).toEqual(['listed a', 'listed a'])
      await create('b')
      await expect.poll(() => told.at(-1), patience).toBe('applied b 1')
    })

    it('is ended by the server when its time is up', async () => {
      const { gadgets } = plot()
      const { resourceVersion } = await listAll(gadgets)
      const chunks = await gadgets.watch(resourceVersion, 1, AbortSignal.timeout(20_000))
      for await (const chunk of chunks) expect(chunk.toString()).toContain('"BOOKMARK"')
    })

    it('ends at once when aborted, though the server has nothing to say', async () => {
      const { gadgets, create } = plot()
      const { told, stop, ended } = follow(gadgets)
      await expect.poll(() => told, patience).toEqual(['listed '])
      await create('a')
      await expect.poll(() => told, patience).toHaveLength(2)
      stop.abort()
      await ended
    })

    it('leaves room for requests, however many namespaces are watched', async () => {
      const { gadgets, create } = plot()
      const watches = Array.from({ length: 12 }, () => follow(gadgets))
      for (const { told } of watches) await expect.poll(() => told, patience).toEqual(['listed '])
      await create('a')
      for (const { told } of watches) await expect.poll(() => told, patience).toEqual(['listed ', 'applied a 1'])
      expect((await listAll(gadgets)).items).toHaveLength(1)
    })
  })

  it('keeps a store equal to what the server holds, in several namespaces', async () => {
    const { cluster, namespace, bed, create, remove, path } = plot()
    const other = await bed.namespace()
    const store = createStore<Gadget>(() => undefined)
    const resources = new Map(
      [namespace, other].map((scope) => [scope, createResource<Gadget>(cluster, { ...kind, namespace: scope })]),
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
    await bed.request('POST', path().replace(namespace, other), {
      apiVersion: 'contract.example.com/v1',
      kind: 'Gadget',
      metadata: { name: 'far' },
    })
    await expect.poll(() => [...store.keys()].sort(), patience).toEqual([`${namespace}/b`, `${other}/far`].sort())
    stop.abort()
    await running
  })
}
