import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/kube/cluster.ts'
import { createStatusWriter } from '../../src/kube/status.ts'
import { createStore } from '../../src/kube/store.ts'
import { sample, type Sample } from '../support/sample-resource.ts'
import { createScriptedResource } from '../support/scripted-resource.ts'

function setUp(answer: (object: Sample) => Promise<Sample | undefined>) {
  const store = createStore<Sample>()
  const sent: unknown[] = []
  const resource = {
    ...createScriptedResource(),
    writeStatus: (object: Sample, status: unknown) => {
      sent.push(status)
      return answer(object)
    },
  }
  const write = createStatusWriter<Sample>(resource, store)
  return {
    store,
    sent,
    write: (object: Sample, status: object) => write(object, status, new AbortController().signal),
  }
}

const before = sample('a', { version: 1, status: { ready: false, drift: ['x'] } })
const after = sample('a', { version: 2, status: { ready: true } })

describe('a status writer', () => {
  it('sends the status as it shall be, and the store has the answer at once', async () => {
    const { store, sent, write } = setUp(() => Promise.resolve(after))
    store.apply('all', before)
    expect(await write(before, { ready: true })).toBe(true)
    expect(sent).toEqual([{ ready: true }])
    expect(store.get('test/a')).toEqual(after)
  })

  it('says of an object that is not there any more that it was not written to', async () => {
    const { store, write } = setUp(() => Promise.resolve(undefined))
    store.apply('all', before)
    expect(await write(before, { ready: true })).toBe(false)
    expect(store.get('test/a')).toBe(before)
  })

  it('fails when the API server does', async () => {
    const { store, write } = setUp(() => Promise.reject(new ApiError(500, 'etcd is away')))
    store.apply('all', before)
    await expect(write(before, { ready: true })).rejects.toThrow('etcd is away')
    expect(store.get('test/a')).toBe(before)
  })
})
