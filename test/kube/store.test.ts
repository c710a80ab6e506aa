import { describe, expect, it } from 'vitest'
import { createStore, type Store } from '../../src/kube/store.ts'
import { sample, type Sample } from '../support/sample-resource.ts'

function setUp() {
  const changes: string[] = []
  const at = (object: Sample | undefined) => object?.metadata.resourceVersion ?? 'none'
  const store = createStore<Sample>()
  store.subscribe((key, before, after) => changes.push(`${key} ${at(before)} → ${at(after)}`))
  return { store, changes }
}

const versions = (store: Store<Sample>) =>
  Object.fromEntries([...store.keys()].map((key) => [key, store.get(key)?.metadata.resourceVersion]))

describe('a store', () => {
  it('tells of what was added, changed and deleted, and nothing of what was said twice', () => {
    const { store, changes } = setUp()
    store.apply('all', sample('a', { version: 1 }))
    store.apply('all', sample('a', { version: 1 }))
    store.apply('all', sample('a', { version: 2 }))
    store.delete(sample('a', { version: 3 }))
    store.delete(sample('a', { version: 3 }))
    expect(changes).toEqual(['test/a none → 1', 'test/a 1 → 2', 'test/a 2 → none'])
    expect(store.size).toBe(0)
  })

  it('tells its own writes from those of others', () => {
    const ownFlags: boolean[] = []
    const store = createStore<Sample>()
    store.subscribe((_key, _before, _after, isOwn) => ownFlags.push(isOwn))
    store.apply('all', sample('a', { version: 1 }))
    store.wrote(sample('a', { version: 2 }))
    store.apply('all', sample('a', { version: 2 }))
    store.apply('all', sample('a', { version: 3 }))
    expect(ownFlags).toEqual([false, true, false])
  })

  it('knows its own write when the watch is first to show it, and only while it is under way', () => {
    const ownFlags: boolean[] = []
    const store = createStore<Sample>()
    store.subscribe((_key, _before, _after, isOwn) => ownFlags.push(isOwn))
    store.apply('all', sample('a', { version: 1 }))
    const written = store.writing('test/a', { ready: true })
    store.apply('all', sample('a', { version: 2, status: { ready: false } }))
    store.apply('all', sample('a', { version: 3, status: { ready: true } }))
    written()
    store.apply('all', sample('a', { version: 4, status: { ready: true } }))
    expect(ownFlags).toEqual([false, false, true, false])
  })

  it('takes a new list in place of the old, and tells what is different', () => {
    const { store, changes } = setUp()
    store.replace('all', [sample('same'), sample('changed'), sample('gone')])
    changes.length = 0
    store.replace('all', [sample('same'), sample('changed', { version: 2 }), sample('new', { version: 2 })])
    expect(versions(store)).toEqual({ 'test/same': '1', 'test/changed': '2', 'test/new': '2' })
    expect(changes.sort()).toEqual(['test/changed 1 → 2', 'test/gone 1 → none', 'test/new none → 2'])
  })

  it('shows the whole of a new list to whoever is notified of a part of it', () => {
    const seen: string[][] = []
    const store = createStore<Sample>()
    store.subscribe(() => seen.push([...store.keys()].sort()))
    store.replace('all', [sample('a'), sample('b')])
    store.replace('all', [sample('b', { version: 2 }), sample('c')])
    expect(seen).toEqual([
      ['test/a', 'test/b'],
      ['test/a', 'test/b'],
      ['test/b', 'test/c'],
      ['test/b', 'test/c'],
      ['test/b', 'test/c'],
    ])
  })

  it('keeps what another scope holds when one is listed again', () => {
    const { store } = setUp()
    store.replace('one', [sample('a', { namespace: 'one' })])
    store.replace('two', [sample('a', { namespace: 'two' })])
    store.replace('one', [])
    expect([...store.keys()]).toEqual(['two/a'])
  })

  it('tells of an object that was deleted and made anew under its name, though the version is the same', () => {
    const { store, changes } = setUp()
    store.apply('all', sample('a', { uid: 'first', version: 'x' }))
    store.apply('all', sample('a', { uid: 'second', version: 'x' }))
    expect(changes).toHaveLength(2)
    expect(store.get('test/a')?.metadata.uid).toBe('second')
  })
})

describe('a store that was given a write of ours', () => {
  it('reads it back at once', () => {
    const { store, changes } = setUp()
    store.apply('all', sample('a', { version: 1 }))
    store.wrote(sample('a', { version: 5 }))
    expect(versions(store)).toEqual({ 'test/a': '5' })
    expect(changes.at(-1)).toBe('test/a 1 → 5')
  })

  it('does not go back to what the watch delivered before it', () => {
    const { store, changes } = setUp()
    store.apply('all', sample('a', { version: 9 }))
    store.wrote(sample('a', { version: 12 }))
    store.apply('all', sample('a', { version: 10 }))
    store.replace('all', [sample('a', { version: 11 })])
    expect(versions(store)).toEqual({ 'test/a': '12' })
    store.apply('all', sample('a', { version: 12 }))
    store.apply('all', sample('a', { version: 13 }))
    expect(changes).toEqual(['test/a none → 9', 'test/a 9 → 12', 'test/a 12 → 13'])
  })

  it('compares versions as numbers of any length', () => {
    const { store } = setUp()
    store.apply('all', sample('a', { version: '99999999999999999998' }))
    store.wrote(sample('a', { version: '100000000000000000000' }))
    store.apply('all', sample('a', { version: '99999999999999999999' }))
    expect(versions(store)).toEqual({ 'test/a': '100000000000000000000' })
  })

  it('keeps what the watch delivered after it, when its answer comes late', () => {
    const { store } = setUp()
    store.apply('all', sample('a', { version: 7 }))
    store.wrote(sample('a', { version: 6 }))
    expect(versions(store)).toEqual({ 'test/a': '7' })
    store.apply('all', sample('a', { version: 8 }))
    expect(versions(store)).toEqual({ 'test/a': '8' })
  })

  it.each([
    ['by a watch', (store: Store<Sample>) => store.delete(sample('a', { version: 5 }))],
    ['by a list', (store: Store<Sample>) => store.replace('all', [])],
  ])('does not bring back an object that was taken away %s', (_, takeAway) => {
    const { store } = setUp()
    store.apply('all', sample('a', { version: 1 }))
    takeAway(store)
    store.wrote(sample('a', { version: 4 }))
    expect(store.size).toBe(0)
  })

  it('does not put it on another object that took the name', () => {
    const { store } = setUp()
    store.apply('all', sample('a', { uid: 'first', version: 1 }))
    store.apply('all', sample('a', { uid: 'second', version: 5 }))
    store.wrote(sample('a', { uid: 'first', version: 9 }))
    expect(store.get('test/a')?.metadata).toMatchObject({ uid: 'second', resourceVersion: '5' })
  })

  it('takes another object of that name at once, whatever was written to the one before', () => {
    const { store } = setUp()
    store.apply('all', sample('a', { uid: 'first', version: 1 }))
    store.wrote(sample('a', { uid: 'first', version: 9 }))
    store.apply('all', sample('a', { uid: 'second', version: 5 }))
    expect(store.get('test/a')?.metadata).toMatchObject({ uid: 'second', resourceVersion: '5' })
    store.apply('all', sample('a', { uid: 'second', version: 6 }))
    expect(versions(store)).toEqual({ 'test/a': '6' })
  })

  it('keeps it in the scope in which the object is', () => {
    const { store } = setUp()
    store.apply('one', sample('a', { namespace: 'one' }))
    store.wrote(sample('a', { namespace: 'one', version: 2 }))
    store.replace('two', [])
    expect(store.size).toBe(1)
    store.replace('one', [])
    expect(store.size).toBe(0)
  })
})
