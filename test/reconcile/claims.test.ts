import { describe, expect, it } from 'vitest'
import { createClaims } from '../../src/reconcile/claims.ts'
import type { StoredModelService } from '../../src/api/modelservice.ts'

const x = '1'.repeat(32)
const y = '2'.repeat(32)

function object(uuid: unknown, day: number, more: Partial<StoredModelService['metadata']> = {}): StoredModelService {
  const creationTimestamp = `2026-01-0${day}T00:00:00Z`
  const metadata = { name: 'any', namespace: 'any', uid: 'any', resourceVersion: '1', generation: 1 }
  return { metadata: { ...metadata, creationTimestamp, ...more }, spec: { uuid } }
}

function noted(...entries: readonly [string, StoredModelService][]) {
  const claims = createClaims()
  for (const [key, one] of entries) claims.note(key, one)
  return claims
}

describe('claims', () => {
  it('of several objects with one uuid the oldest speaks for it, in whatever order they are seen', () => {
    expect(noted(['n/young', object(x, 2)], ['n/old', object(x, 1)]).winner(x)).toBe('n/old')
    expect(noted(['n/old', object(x, 1)], ['n/young', object(x, 2)]).winner(x)).toBe('n/old')
  })

  it('of two equally old ones the first by namespace and name speaks, in whatever order they are seen', () => {
    expect(noted(['b/a', object(x, 1)], ['a/b', object(x, 1)]).winner(x)).toBe('a/b')
    expect(noted(['a/b', object(x, 1)], ['b/a', object(x, 1)]).winner(x)).toBe('a/b')
  })

  it('a newcomer wakes those who speak for the same uuid, and nobody else', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/b', object(y, 1)])
    expect(claims.note('n/c', object(x, 2))).toEqual(['n/a'])
  })

  it('when the winner goes, the others are woken and the next oldest takes over', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/c', object(x, 3)], ['n/b', object(x, 2)])
    expect(claims.note('n/a', undefined)).toEqual(['n/c', 'n/b'])
    expect(claims.winner(x)).toBe('n/b')
  })

  it('an object that is being deleted speaks for nothing any more', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/b', object(x, 2)])
    expect(claims.note('n/a', object(x, 1, { deletionTimestamp: '2026-02-01T00:00:00Z' }))).toEqual(['n/b'])
    expect(claims.winner(x)).toBe('n/b')
  })

  it('an object that turns to another uuid wakes those at the old one and those at the new one, each once', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/b', object(x, 2)], ['n/c', object(y, 2)])
    expect(claims.note('n/a', object(y, 1))).toEqual(['n/b', 'n/c'])
    expect([claims.winner(x), claims.winner(y)]).toEqual(['n/b', 'n/a'])
  })

  it('a change that touches no claim wakes nobody', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/b', object(x, 2)])
    expect(claims.note('n/a', object(x, 1, { generation: 2 }))).toEqual([])
  })

  it('an object made anew under its old name is young, and those it won against are woken', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/b', object(x, 2)])
    expect(claims.note('n/a', object(x, 3, { uid: 'another' }))).toEqual(['n/b'])
    expect(claims.winner(x)).toBe('n/b')
  })

  it.each([['A'.repeat(32)], ['short'], [7], [undefined]])('%j is no uuid and claims nothing', (uuid) => {
    const claims = noted(['n/a', object(uuid, 1)])
    expect(claims.uuids()).toEqual([])
  })

  it('keeps nothing of a uuid that nobody speaks for any more', () => {
    const claims = noted(['n/a', object(x, 1)], ['n/b', object(y, 1)])
    claims.note('n/a', undefined)
    expect(claims.uuids()).toEqual([y])
    expect(claims.claimants(x)).toEqual([])
    expect(claims.winner(x)).toBeUndefined()
  })
})
