import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergePatch } from './mergepatch.ts'

type Tree = Readonly<Record<string, unknown>>

describe('a merge patch', () => {
  it.each<[string, Tree, Tree, Tree]>([
    ['of equal objects is empty', { a: 1, b: { c: [1] } }, { a: 1, b: { c: [1] } }, {}],
    ['holds what is new or changed', { a: 1, b: 2 }, { a: 1, b: 3, c: 4 }, { b: 3, c: 4 }],
    ['says null for what is gone', { a: 1, b: 2 }, { a: 1 }, { b: null }],
    ['goes down into objects', { a: { b: 1, c: 2, d: 3 } }, { a: { b: 1, c: 4 } }, { a: { c: 4, d: null } }],
    ['replaces a list as a whole', { a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }, { a: [1, { b: 3 }] }],
    ['replaces a list by an object', { a: [1] }, { a: { b: 1 } }, { a: { b: 1 } }],
    ['empties an object', { a: { b: 1 } }, { a: {} }, { a: { b: null } }],
    ['knows a key from what every object has', { toString: 'a' }, {}, { toString: null }],
    ['adds such a key', {}, { constructor: { a: 1 } }, { constructor: { a: 1 } }],
  ])('%s', (_, from, to, patch) => {
    expect(mergePatch(from, to)).toEqual(patch)
  })

  it('applied by the rules of RFC 7396, makes the one of the other', () => {
    const leaf = fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.array(fc.integer(), { maxLength: 2 }))
    const name = fc.constantFrom('a', 'b', 'c', 'valueOf')
    const { tree } = fc.letrec<{ tree: Tree; value: unknown }>((tie) => ({
      tree: fc.dictionary(name, tie('value'), { noNullPrototype: true }),
      value: fc.oneof({ maxDepth: 3 }, leaf, tie('tree')),
    }))
    fc.assert(
      fc.property(tree, tree, (from, to) => {
        expect(applyMergePatch(from, mergePatch(from, to))).toEqual(to)
      }),
      { seed: 20261123 },
    )
  })
})

/** As the RFC words it. */
function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return patch
  const result = new Map(isTree(target) ? Object.entries(target) : [])
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name)
    else result.set(name, applyMergePatch(result.get(name), value))
  }
  return Object.fromEntries(result)
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
