import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createResource, type Resource } from '../../../src/kube/resource.ts'
import { createStatusWriter } from '../../../src/kube/status.ts'
import { createStore } from '../../../src/kube/store.ts'
import { kind, soon, type Sample, type ContractFixture } from './fixture.ts'

const listAll = (resource: Resource<Sample>) => resource.list({ limit: 500, more: undefined }, soon())

/** Lists, and writes of the status. */
export function describeReadingAndWriting(fixture: () => ContractFixture): void {
  describe('resource', () => {
    it('lists page by page, each object once, all of one version', async () => {
      const { samples, create } = fixture()
      for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name)
      const signal = soon()
      const first = await samples.list({ limit: 2, more: undefined }, signal)
      await create('late')
      const second = await samples.list({ limit: 2, more: first.more }, signal)
      const third = await samples.list({ limit: 2, more: second.more }, signal)
      expect([first, second, third].map(({ items }) => items.map(({ metadata }) => metadata.name))).toEqual([
        ['a', 'b'],
        ['c', 'd'],
        ['e'],
      ])
      expect(third.more).toBeUndefined()
      expect(new Set([first, second, third].map(({ resourceVersion }) => resourceVersion)).size).toBe(1)
    })

    it('lists what the label selector selects, in its namespace or in all', async () => {
      const { cluster, namespace, create } = fixture()
      const label = `x${randomUUID()}`
      await create('in', { label })
      await create('out')
      const here = createResource<Sample>(cluster, { ...kind, namespace, labelSelector: `label=${label}` })
      const everywhere = createResource<Sample>(cluster, { ...kind, labelSelector: `label in (${label}, other)` })
      for (const resource of [here, everywhere])
        expect((await listAll(resource)).items.map(({ metadata }) => metadata.name)).toEqual(['in'])
    })

    it('replaces the status, and nothing but the status', async () => {
      const { samples, cluster, create, path } = fixture()
      const object = await create('a')
      const signal = soon()
      await samples.writeStatus(object, { seen: 1, parts: { left: 'new', right: 'old' } }, signal)
      const written = await samples.writeStatus(object, { parts: { left: 'newer' } }, signal)
      expect(written).toMatchObject({ spec: { size: 1 } })
      expect(written?.status).toEqual({ parts: { left: 'newer' } })
      expect(await cluster.send({ method: 'GET', path: path('a') }, signal)).toEqual(written)
    })

    it('gives every write a version that is a greater number, and a write that changes nothing none', async () => {
      const { samples, create } = fixture()
      const object = await create('a')
      const signal = soon()
      const first = await samples.writeStatus(object, { seen: 1 }, signal)
      const same = await samples.writeStatus(object, { seen: 1 }, signal)
      const second = await samples.writeStatus(object, { seen: 2 }, signal)
      const [before, one, again, two] = [object, first, same, second].map((at) => BigInt(at!.metadata.resourceVersion))
      expect(one! > before! && two! > one!).toBe(true)
      expect(again).toBe(one)
    })

    it('says what is wrong with a request that the server refuses', async () => {
      const { samples, cluster, create } = fixture()
      const object = await create('a')
      const refused = samples.writeStatus(object, { seen: 'often' }, soon())
      await expect(refused).rejects.toMatchObject({
        status: 422,
        message: expect.stringMatching(/PUT .*samples\/a\/status.*status\.seen/) as string,
      })
      const unknown = createResource(cluster, { ...kind, plural: 'widgets' })
      await expect(unknown.list({ limit: 1, more: undefined }, soon())).rejects.toMatchObject({
        status: 404,
      })
    })
  })

  describe('status writer', () => {
    const writerFor = () => {
      const store = createStore<Sample>()
      return { store, write: createStatusWriter(fixture().samples, store) }
    }

    it('writes to the object it was given, and the store has it at once', async () => {
      const { namespace, create } = fixture()
      const { store, write } = writerFor()
      const object = await create('a')
      store.apply('all', object)
      expect(await write(object, { seen: 1 }, soon())).toBe(true)
      expect(store.get(`${namespace}/a`)?.status).toEqual({ seen: 1 })
    })

    it('writes though a person changed the object meanwhile', async () => {
      const { namespace, create, resize } = fixture()
      const { store, write } = writerFor()
      const object = await create('a')
      store.apply('all', object)
      await resize('a', 2)
      expect(await write(object, { seen: 1 }, soon())).toBe(true)
      expect(store.get(`${namespace}/a`)).toMatchObject({ spec: { size: 2 }, status: { seen: 1 } })
    })

    it('writes nothing to another object that took the name', async () => {
      const { server, create, remove, path } = fixture()
      const { store, write } = writerFor()
      const first = await create('a')
      store.apply('all', first)
      await remove('a')
      await create('a')
      expect(await write(first, { seen: 1 }, soon())).toBe(false)
      expect(((await server.request('GET', path('a'))) as Sample).status).toBeUndefined()
    })

    it('says that the object is gone', async () => {
      const { create, remove } = fixture()
      const { store, write } = writerFor()
      const object = await create('a')
      store.apply('all', object)
      await remove('a')
      expect(await write(object, { seen: 1 }, soon())).toBe(false)
    })
  })
}
