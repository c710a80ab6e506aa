import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/kube/cluster.ts'
import { watch } from '../../src/kube/watch.ts'
import { createManualClock } from '../support/clock.ts'
import { followWatch } from '../support/followed-watch.ts'
import { sample } from '../support/sample-resource.ts'
import { bookmark, createScriptedResource, listOf, type ScriptedResource } from '../support/scripted-resource.ts'

const gone = () => new ApiError(410, 'too old')

describe('listing', () => {
  it('tells all pages as one list, of the version of the last', async () => {
    const { events, server } = await followWatch(({ lists }) =>
      lists.push(listOf(7, [sample('a')], 'page 2'), listOf(7, [sample('b')], 'page 3'), listOf(7, [sample('c')])),
    )
    expect(events).toEqual(['listed 7 a@1 b@1 c@1'])
    expect(server.listed).toEqual([undefined, 'page 2', 'page 3'])
    expect(server.stream()).toMatchObject({ version: '7', timeoutSeconds: 120 })
  })

  it('begins with the first page again when a page is too old, and tells nothing of the half', async () => {
    const { events, server, clock } = await followWatch(({ lists }) =>
      lists.push(listOf(7, [sample('a')], 'page 2'), gone(), listOf(9, [sample('b')])),
    )
    await clock.advance(250)
    expect(server.listed).toEqual([undefined, 'page 2', undefined])
    expect(events).toEqual(['broken: too old', 'listed 9 b@1'])
  })

  it('is tried again after it failed', async () => {
    const { events, clock } = await followWatch(({ lists }) => lists.push(new ApiError(503, 'starting'), listOf(3)))
    expect(events).toEqual(['broken: starting'])
    await clock.advance(100)
    expect(events).toEqual(['broken: starting', 'listed 3'])
  })
})

describe('watching', () => {
  it('tells additions and changes as applied, and deletions', async () => {
    const { events, server, clock } = await followWatch()
    server.stream().event('ADDED', sample('a', { version: 2 }))
    server.stream().event('MODIFIED', sample('a', { version: 3 }))
    server.stream().event('DELETED', sample('a', { version: 4 }))
    await clock.advance(0)
    expect(events).toEqual(['listed 1', 'applied a@2', 'applied a@3', 'deleted a@4'])
  })

  it('passes over an event of a type that it does not know', async () => {
    const { events, server, clock } = await followWatch()
    server.stream().event('RENAMED', sample('a', { version: 2 }))
    server.stream().event('ADDED', sample('b', { version: 3 }))
    await clock.advance(0)
    expect(events).toEqual(['listed 1', 'applied b@3'])
  })

  it.each([
    ['an event', 'MODIFIED', sample('a', { version: 5 })],
    ['a bookmark', 'BOOKMARK', bookmark(5)],
  ])('goes on from the version of %s when the stream ends', async (_, type, object) => {
    const { server, clock } = await followWatch()
    server.stream().event(type, object)
    await clock.advance(120_000)
    server.stream().end()
    await clock.advance(0)
    expect(server.streams.map(({ version }) => version)).toEqual(['1', '5'])
    expect(server.listed).toHaveLength(1)
  })

  it('goes on at once when the server ends a stream that has lived', async () => {
    const { events, server, clock } = await followWatch()
    await clock.advance(120_000)
    server.stream().end()
    await clock.advance(0)
    expect(server.streams).toHaveLength(2)
    expect(events).toEqual(['listed 1', 'alive'])
  })

  it('shows by a bookmark that it works though nothing changes', async () => {
    const { events, server, clock } = await followWatch()
    server.stream().event('BOOKMARK', bookmark(5))
    await clock.advance(0)
    expect(events).toEqual(['listed 1', 'alive'])
  })

  it.each([
    ['when it is opened', (server: ScriptedResource) => server.refusals.push(gone())],
    ['in an event', () => undefined],
  ])('lists anew, and says nothing is broken, when its version is too old %s', async (how, script) => {
    const { events, server, clock } = await followWatch(script)
    if (how === 'in an event') server.stream().event('ERROR', { kind: 'Status', code: 410, message: 'too old' })
    server.lists.push(listOf(8, [sample('a', { version: 8 })]))
    await clock.advance(250)
    expect(events).toEqual(['listed 1', 'listed 8 a@8'])
    expect(server.stream().version).toBe('8')
  })

  it('goes on from its version after an error event of another kind', async () => {
    const { events, server, clock } = await followWatch()
    const first = server.stream()
    first.event('ADDED', sample('a', { version: 2 }))
    first.event('ERROR', { kind: 'Status', code: 500, message: 'etcd is away' })
    await clock.advance(100)
    expect(events).toEqual(['listed 1', 'applied a@2', 'broken: etcd is away'])
    expect(first.isOpen).toBe(false)
    expect(server.stream().version).toBe('2')
  })

  it.each([
    ['text', '<html>secret</html>\n'],
    ['half an event', '{"type":"ADDED","object":\n'],
    ['no event', '{"kind":"Status","secret":1}\n'],
    ['an object without a version', '{"type":"ADDED","object":{"metadata":{"name":"secret"}}}\n'],
    ['nothing for an object', '{"type":"ERROR","object":null}\n'],
    ['null', 'null\n'],
  ])('drops a stream that holds %s, without a word of it, and lists anew', async (_, line) => {
    const { events, server, clock } = await followWatch()
    server.lists.push(listOf(8, [sample('a', { version: 8 })]))
    const first = server.stream()
    first.event('ADDED', sample('a', { version: 2 }))
    first.send(line)
    first.event('ADDED', sample('b', { version: 3 }))
    await clock.advance(100)
    expect(events).toEqual([
      'listed 1',
      'applied a@2',
      expect.stringMatching(/^broken: a line of the watch is no (JSON|event)$/),
      'listed 8 a@8',
    ])
    expect(first.isOpen).toBe(false)
    // The stream of the same version would hold the same line.
    expect(server.stream().version).toBe('8')
  })

  it('drops a stream whose line never ends', async () => {
    const { events, server, clock } = await followWatch()
    const first = server.stream()
    for (let mebibyte = 0; mebibyte < 17; mebibyte += 1) first.send('x'.repeat(2 ** 20))
    await clock.advance(100)
    expect(events).toEqual(['listed 1', expect.stringMatching(/^broken: a line .* longer/), 'listed 1'])
    expect(first.isOpen).toBe(false)
    expect([server.listed.length, server.streams.length]).toEqual([2, 2])
  })

  it('gives a stream up that is silent beyond the end that it asked for', async () => {
    const { events, server, clock } = await followWatch()
    const first = server.stream()
    await clock.advance(129_999)
    expect(first.isOpen).toBe(true)
    await clock.advance(101)
    expect(first.isOpen).toBe(false)
    expect(events.at(-1)).toMatch(/^broken: the watch was silent/)
    expect(server.streams).toHaveLength(2)
  })

  it('gives up a watch that never opens, too', async () => {
    const { events, clock } = await followWatch((server) => {
      server.watch = (_, __, signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    })
    await clock.advance(130_000)
    expect(events.at(-1)).toMatch(/^broken: the watch was silent/)
  })
})

describe('the end', () => {
  it('comes at once while a stream is open, and leaves neither a stream nor a timer', async () => {
    const { server, clock, stop, ended } = await followWatch()
    stop.abort()
    await ended
    expect(server.stream().isOpen).toBe(false)
    expect(clock.pending).toBe(0)
  })

  it('comes at once in a pause, and leaves no timer', async () => {
    const { clock, stop, ended } = await followWatch(({ lists }) => lists.push(new ApiError(403, 'no')))
    expect(clock.pending).toBe(1)
    stop.abort()
    await ended
    expect(clock.pending).toBe(0)
  })

  it('comes before anything is asked when it was aborted before', async () => {
    const server = createScriptedResource()
    const events: unknown[] = []
    const options = { clock: createManualClock(), random: () => 1 }
    for await (const event of watch(server, options, AbortSignal.abort())) events.push(event)
    expect([events, server.listed]).toEqual([[], []])
  })

  it('tells nothing more that had arrived', async () => {
    const { server, clock, stop, events, ended } = await followWatch()
    server.stream().event('ADDED', sample('a', { version: 2 }))
    stop.abort()
    await clock.advance(0)
    await ended
    expect(events).toEqual(['listed 1'])
  })

  it('comes with the exception of whoever reads it, and leaves neither a stream nor a timer', async () => {
    const { server, clock, ended } = await followWatch(undefined, (event) => {
      if (event.kind === 'applied') throw new Error('a bug of the reader')
    })
    server.stream().event('ADDED', sample('a', { version: 2 }))
    await expect(ended).rejects.toThrow('a bug of the reader')
    expect(server.stream().isOpen).toBe(false)
    expect(clock.pending).toBe(0)
  })
})
