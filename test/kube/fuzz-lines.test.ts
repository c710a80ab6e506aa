import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ApiError } from '../../src/kube/cluster.ts'
import { sample } from '../support/sample-resource.ts'
import { followWatch } from '../support/followed-watch.ts'
import { listOf } from '../support/scripted-resource.ts'

const versions = fc.oneof(fc.constantFrom('2', '', '0', '../x', '9'.repeat(40), '-1'), fc.jsonValue())
const object = fc.oneof(
  fc.jsonValue(),
  versions.map((resourceVersion) => ({ metadata: { name: 'x', namespace: 'test', uid: 'u', resourceVersion } })),
  fc.record({ code: fc.oneof(fc.constantFrom(410, 500, 0), fc.jsonValue()), message: fc.jsonValue() }),
)
const type = fc.oneof(fc.constantFrom('ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR', 'ODD'), fc.jsonValue())
const line = fc.oneof(
  fc.record({ type, object }).map((event) => `${JSON.stringify(event)}\n`),
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.constantFrom('\n', '\r\n', '{', '}\n', 'null\n', '[]\n', `${'['.repeat(50_000)}\n`, '\u0000\n', '<html>\n'),
)

it('whatever a watch sends, it goes on by itself: the next list or event is delivered', () =>
  fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 8 }), async (sent) => {
      const { events, server, clock, stop } = await followWatch()
      for (const text of sent) {
        if (server.stream().isOpen) server.stream().send(text)
        await clock.advance(60_000)
      }
      // Either the history is gone, and all is listed anew, or the stream goes on.
      server.lists.push(listOf(100, [sample('last', { version: 100 })]))
      server.stream().fail(new ApiError(410, 'too old'))
      await clock.advance(60_000)
      expect(events.at(-1)).toBe('listed 100 last@100')
      expect(server.streams.length).toBeLessThan(40)
      stop.abort()
      await clock.advance(0)
    }),
    { numRuns: 300, seed: 20261123, endOnFailure: true },
  ))
