import { describe, expect, it } from 'vitest'
import { createClaims, type ClaimedConnection } from '../../src/reconcile/claims.ts'
import type { StoredModelService } from '../../src/api/modelservice.ts'

const x = '1'.repeat(32)
const y = '2'.repeat(32)
const here = { name: 'here', endpoint: 'http://zstack.example:8080/zstack' }
const there = { name: 'there', endpoint: 'http://other.example:8080/zstack' }

function object(uuid: unknown, day: number, more: Partial<StoredModelService['metadata']> = {}): StoredModelService {
  const creationTimestamp = `2026-01-0${day}T00:00:00Z`
  const metadata = { name: 'any', namespace: 'any', uid: 'any', resourceVersion: '1', generation: 1 }
  return { metadata: { ...metadata, creationTimestamp, ...more }, spec: { uuid } }
}

function noted(...entries: readonly [string, StoredModelService, ClaimedConnection?][]) {
  const claims = createClaims()
  for (const [key, one, connection = here] of entries) claims.note(key, one, connection)
  return claims
}

describe('claims', () => {
  it('of several objects with one uuid the oldest speaks for it, in whatever order they are seen', () => {
    expect(noted(['n/young', object(x, 2)], ['n/old', object(x, 1)]).winner(here.endpoint, x)).toBe('n/old')
    expect(noted(['n/old', object(x, 1)], ['n/young', object(x, 2)]).winner(here.endpoint, x)).toBe('n/old')
  })

  it('of two equally old ones the first by namespace and name speaks, in whatever order they are seen', () => {
    expect(noted(['b/a', object(x, 1)], ['a/b', object(x, 1)]).winner(here.endpoint, x)).toBe('a/b')
    expect(noted(['a/b', object(x, 1)], ['b/a', object(x, 1)]).winner(here.endpoint, x)).toBe('a/b')
  })

  it('a younger newcomer wakes nobody: whoever spoke for the uuid goes on', () => {
    const claims = noted(['n/a', object(x, 2)], ['n/b', object(y, 1)])
    expect(claims.note('n/c', object(x, 3), here)).toEqual([])
  })

  it('an older newcomer wakes the one that spoke for the same uuid, and nobody else', () => {
    const claims = noted(['n/a', object(x, 2)], ['n/b', object(y, 1)], ['n/d', object(x, 3)])
    expect(claims.note('n/c', object(x, 1), here)).toEqual(['n/a'])
  })

  it('when one that did not speak goes, nobody is woken', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/b', object(x, 2)], ['n/c', object(x, 3)])
    expect(claims.note('n/b', undefined)).toEqual([])
  })

  it('when the winner goes, the next oldest is woken and takes over, and so on', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/c', object(x, 3)], ['n/b', object(x, 2)])
    expect(claims.note('n/a', undefined)).toEqual(['n/b'])
    expect(claims.winner(here.endpoint, x)).toBe('n/b')
    expect(claims.note('n/b', undefined)).toEqual(['n/c'])
    expect(claims.note('n/d', object(x, 1), here)).toEqual(['n/c'])
    expect(claims.note('n/d', undefined)).toEqual(['n/c'])
  })

  it('an object that is being deleted speaks for nothing any more', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/b', object(x, 2)])
    expect(claims.note('n/a', object(x, 1, { deletionTimestamp: '2026-02-01T00:00:00Z' }), here)).toEqual(['n/b'])
    expect(claims.winner(here.endpoint, x)).toBe('n/b')
  })

  it('an object that turns to another uuid wakes those at the old one and those at the new one, each once', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/b', object(x, 2)], ['n/c', object(y, 2)])
    expect(claims.note('n/a', object(y, 1), here)).toEqual(['n/b', 'n/c'])
    expect([claims.winner(here.endpoint, x), claims.winner(here.endpoint, y)]).toEqual(['n/b', 'n/a'])
  })

  it('a change that touches no claim wakes nobody', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/b', object(x, 2)])
    expect(claims.note('n/a', object(x, 1, { generation: 2 }), here)).toEqual([])
  })

  it('an object made anew under its old name is young, and those it won against are woken', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/b', object(x, 2)])
    expect(claims.note('n/a', object(x, 3, { uid: 'another' }), here)).toEqual(['n/b'])
    expect(claims.winner(here.endpoint, x)).toBe('n/b')
  })

  it.each([['A'.repeat(32)], ['short'], [7], [undefined]])('%j is no uuid and claims nothing', (uuid) => {
    const claims = noted(['n/a', object(uuid, 1)])
    expect(claims.uuids(here.name)).toEqual([])
  })

  it('keeps nothing of a uuid that nobody speaks for any more', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/b', object(y, 1)])
    claims.note('n/a', undefined)
    expect(claims.uuids(here.name)).toEqual([y])
    expect(claims.claimants(here.name, x)).toEqual([])
    expect(claims.winner(here.endpoint, x)).toBeUndefined()
  })

  it('one uuid at two ZStacks is two services: each has its winner, and neither wakes the other', () => {
    const claims = noted(['n/a', object(x, 1), here])
    expect(claims.note('n/b', object(x, 2), there)).toEqual([])
    expect([claims.winner(here.endpoint, x), claims.winner(there.endpoint, x)]).toEqual(['n/a', 'n/b'])
  })

  it.each([
    ['another account', { name: 'second', endpoint: here.endpoint }],
    ['a host name in capitals', { name: 'second', endpoint: 'http://ZStack.Example:8080/zstack' }],
    ['another context path', { name: 'second', endpoint: 'http://zstack.example:8080/' }],
  ])('two connections to one endpoint are one ZStack: the oldest speaks, whatever %s', (_, second) => {
    const claims = noted(['n/a', object(x, 1), here], ['n/b', object(x, 2), second])
    expect(claims.winner(second.endpoint, x)).toBe('n/a')
    expect([claims.claimants(here.name, x), claims.claimants(second.name, x)]).toEqual([['n/a'], ['n/b']])
  })

  it('an object without a connection claims nothing', () => {
    const claims = createClaims()
    claims.note('n/a', object(x, 1))
    expect(claims.uuids(here.name)).toEqual([])
  })

  it('an object that turns to another connection leaves the old one', () => {
    const claims = noted(['n/a', object(x, 1), here], ['n/b', object(x, 2), here])
    expect(claims.note('n/a', object(x, 1), there)).toEqual(['n/b'])
    expect(claims.winner(here.endpoint, x)).toBe('n/b')
    expect(claims.uuids(there.name)).toEqual([x])
  })
})

describe('four thousand objects on one uuid', () => {
  const count = 4_000
  /** Sums the keys that are woken, for those are the work. */
  function woken(ages: readonly number[]) {
    const claims = createClaims()
    let sum = 0
    const born = (age: number) => new Date(Date.UTC(2026, 0, 1) + age * 1_000).toISOString()
    for (const [i, age] of ages.entries())
      sum += claims.note(`n/${i}`, object(x, 1, { creationTimestamp: born(age) }), here).length
    for (const i of ages.keys()) sum += claims.note(`n/${i}`, undefined).length
    return sum
  }

  it.each([
    ['oldest first', (i: number) => i],
    ['youngest first', (i: number) => count - i],
  ])('wake no more than one another in turn as they come and go, %s', (_, age) => {
    expect(woken(Array.from({ length: count }, (_, i) => age(i)))).toBeLessThanOrEqual(2 * count)
  })
})
