import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ApiError } from '../../src/kube/cluster.ts'
import { createReferencedObjects } from '../../src/kube/referenced-objects.ts'
import { limits } from '../../src/limits.ts'
import type { ObjectRef } from '../../src/referenced-object.ts'
import { createManualClock } from '../support/clock.ts'

const secret = (name: string): ObjectRef => ({ kind: 'Secret', namespace: 'team', name })
const hub = secret('hub')
const base64 = (text: string) => Buffer.from(text).toString('base64')
const object = (version: number, data: object = { token: base64('one') }) => ({
  metadata: { uid: 'u', resourceVersion: String(version) },
  data,
})
const refused = new ApiError(403, 'forbidden: User "system:serviceaccount:ops:operator" cannot get resource "secrets"')

type Answer = object | ApiError

/** A reader at work, between an API server that answers as it is told and a clock that stands still. */
function start() {
  const clock = createManualClock()
  const answers = new Map<string, Answer>()
  const gets: string[] = []
  const changes: string[] = []
  const streams: { path: string; send: (line: string) => void; end: () => void; isOpen: () => boolean }[] = []
  let mayWatch = false
  let fallback: Answer = object(1)
  let inFlight = 0
  let mostInFlight = 0
  const references = createReferencedObjects({
    clock,
    random: () => 0,
    cluster: {
      async send({ path }) {
        gets.push(path)
        mostInFlight = Math.max(mostInFlight, ++inFlight)
        await Promise.resolve()
        inFlight -= 1
        const answer = answers.get(path.split('/').at(-1) ?? '') ?? fallback
        if (answer instanceof ApiError) throw answer
        return answer
      },
      stream(path, signal) {
        if (!mayWatch) return Promise.reject(refused)
        const lines: (string | undefined)[] = []
        let wake: () => void = () => undefined
        let isOpen = true
        const push = (line: string | undefined) => {
          lines.push(line)
          wake()
        }
        signal.addEventListener('abort', () => push(undefined))
        streams.push({ path, send: (line) => push(`${line}\n`), end: () => push(undefined), isOpen: () => isOpen })
        return Promise.resolve(
          (async function* () {
            for (;;) {
              while (lines.length === 0) await new Promise<void>((resolve) => (wake = resolve))
              const line = lines.shift()
              if (line === undefined) break
              yield Buffer.from(line)
            }
            isOpen = false
          })(),
        )
      },
    },
  })
  references.subscribe((referrers, isFirst) => changes.push(`${referrers.join(' ')}${isFirst ? ' first' : ''}`))
  const stop = new AbortController()
  const running = references.run(stop.signal)
  onTestFinished(() => stop.abort())
  return {
    clock,
    references,
    gets,
    changes,
    streams,
    stop,
    running,
    answer: (name: string, answer: Answer) => void answers.set(name, answer),
    answerAll: (answer: Answer) => void (fallback = answer),
    allowWatch: () => void (mayWatch = true),
    mostInFlight: () => mostInFlight,
    textOf: (ref: ObjectRef, key: string) => {
      const read = references.get(ref)
      return read?.kind === 'found' ? read.data.get(key) : read?.kind
    },
  }
}

describe('Secrets and ConfigMaps that somebody refers to', () => {
  it('are read by name: 50 of them once an interval each, for a thousand that refer to them', async () => {
    const { clock, references, gets, changes, mostInFlight } = start()
    for (let i = 0; i < 1000; i++) references.refer(`team/object-${i}`, [secret(`s-${i % 50}`)])
    await clock.advance(0)
    expect(gets).toHaveLength(50)
    expect(new Set(gets).size).toBe(50)
    expect(gets[0]).toBe('/api/v1/namespaces/team/secrets/s-0')
    const told = changes.length
    await clock.advance(3 * limits.referenceRefreshMs)
    expect(gets).toHaveLength(200)
    expect(changes).toHaveLength(told)
    expect(mostInFlight()).toBeLessThanOrEqual(4)
  })

  it('wake those who refer to them when something else is read, and nobody else', async () => {
    const { clock, references, changes, answer, textOf } = start()
    references.refer('team/a', [hub])
    references.refer('team/b', [hub, secret('other')])
    await clock.advance(0)
    changes.length = 0
    answer('hub', object(2, { token: base64('two') }))
    await clock.advance(limits.referenceRefreshMs)
    expect(changes).toEqual(['team/a team/b'])
    expect(textOf(hub, 'token')).toBe('two')
  })

  it('are decoded: what is no UTF-8 has no text, and a ConfigMap is text but for its binary data', async () => {
    const { clock, references, answer, textOf } = start()
    const settings: ObjectRef = { ...hub, kind: 'ConfigMap' }
    references.refer('team/a', [hub, settings])
    answer('hub', { ...object(1), data: { a: base64('ä\n'), b: '//79', c: '' }, binaryData: { d: base64('x') } })
    await clock.advance(0)
    expect(['a', 'b', 'c', 'd'].map((key) => textOf(hub, key))).toEqual(['ä\n', undefined, '', undefined])
    answer('hub', { ...object(2), data: { a: 'plain' }, binaryData: { b: base64('binary'), c: '//79' } })
    await clock.advance(limits.referenceRefreshMs)
    expect(['a', 'b', 'c'].map((key) => textOf(settings, key))).toEqual(['plain', 'binary', undefined])
  })

  it('are forgotten, and read no more, as soon as nobody refers to them', async () => {
    const { clock, references, gets } = start()
    references.refer('team/a', [hub])
    references.refer('team/b', [hub])
    await clock.advance(0)
    references.refer('team/a', [])
    expect(references.get(hub)).toBeDefined()
    references.refer('team/b', [secret('other')])
    expect(references.get(hub)).toBeUndefined()
    await clock.advance(0)
    gets.length = 0
    await clock.advance(limits.referenceRefreshMs)
    expect(gets).toEqual(['/api/v1/namespaces/team/secrets/other'])
  })

  it('of the same uid and version are the same to the byte, and not told again', async () => {
    const { clock, references } = start()
    references.refer('team/a', [hub])
    await clock.advance(0)
    const before = references.get(hub)
    await clock.advance(5 * limits.referenceRefreshMs)
    expect(references.get(hub)).toBe(before)
  })
})

describe('what cannot be read', () => {
  it('and is not there, or may not be read, is said at once, and looked for at ever longer intervals', async () => {
    const { clock, references, gets, changes, answer, answerAll } = start()
    answerAll(refused)
    answer('gone', new ApiError(404, 'not found'))
    references.refer('team/a', [secret('gone')])
    references.refer('team/b', [hub])
    await clock.advance(0)
    expect(references.get(secret('gone'))).toEqual({ kind: 'notFound' })
    expect(references.get(hub)).toEqual({ kind: 'forbidden', user: 'system:serviceaccount:ops:operator' })
    await clock.advance(600_000)
    expect(gets.length).toBeLessThan(2 * (600_000 / (limits.referenceRetry.maxMs / 2) + 8))
    expect(changes).toEqual(['team/a first', 'team/b first'])
    answerAll(object(1))
    await clock.advance(limits.referenceRetry.maxMs)
    expect(references.get(hub)?.kind).toBe('found')
  })

  it('for a fault of the API server stays as it was last read; one never read is told of after some tries', async () => {
    const { clock, references, answerAll, changes } = start()
    references.refer('team/a', [hub])
    await clock.advance(0)
    answerAll(new ApiError(500, 'the key server is down'))
    references.refer('team/b', [secret('new')])
    await clock.advance(600)
    expect(references.get(secret('new'))).toBeUndefined()
    await clock.advance(60_000)
    expect(references.get(secret('new'))).toEqual({ kind: 'unreadable', status: 500 })
    expect(references.get(hub)?.kind).toBe('found')
    expect(changes).toEqual(['team/a first', 'team/b first'])
  })

  it('while the API server is away is asked for by one read at a time, ever later, and all is read when it is back', async () => {
    const { clock, references, gets, answerAll, mostInFlight } = start()
    answerAll(new ApiError(0, 'connection refused'))
    for (let i = 0; i < 200; i++) references.refer(`team/object-${i}`, [secret(`s-${i}`)])
    await clock.advance(600_000)
    expect(gets.length).toBeLessThan(40)
    answerAll(object(1))
    await clock.advance(limits.referenceRetry.maxMs)
    expect(new Set(gets).size).toBe(200)
    expect(mostInFlight()).toBeLessThanOrEqual(4)
  })

  it('is no Secret where the answer is something else', async () => {
    const { clock, references, answerAll } = start()
    answerAll({ kind: 'Status' })
    references.refer('team/a', [hub])
    await clock.advance(60_000)
    expect(references.get(hub)).toEqual({ kind: 'unreadable', status: 500 })
  })
})

describe('what somebody asks for', () => {
  it('is read at once, and at most once a second', async () => {
    const { clock, references, gets, answer } = start()
    answer('hub', refused)
    references.refer('team/a', [hub])
    await clock.advance(120_000)
    answer('hub', object(1))
    gets.length = 0
    for (let i = 0; i < 5; i++) void references.refresh([hub, secret('nobody')])
    await clock.advance(1_000)
    expect(gets).toHaveLength(1)
    expect(references.get(hub)?.kind).toBe('found')
  })
})

describe('a watch on the name', () => {
  it('has the object read at once, and at most once a second', async () => {
    const { clock, references, gets, answer, streams, allowWatch, textOf } = start()
    allowWatch()
    references.refer('team/a', [hub])
    await clock.advance(0)
    expect(streams.map(({ path }) => path)).toEqual([
      '/api/v1/namespaces/team/secrets?watch=true&fieldSelector=metadata.name%3Dhub&timeoutSeconds=300',
    ])
    streams[0]!.send(JSON.stringify({ type: 'ADDED', object: object(1) }))
    await clock.advance(5_000)
    expect(gets).toHaveLength(1)
    answer('hub', object(2, { token: base64('two') }))
    for (let i = 0; i < 20; i++) streams[0]!.send(JSON.stringify({ type: 'MODIFIED', object: object(2) }))
    await clock.advance(0)
    expect(textOf(hub, 'token')).toBe('two')
    for (let i = 0; i < 50; i++) {
      answer('hub', object(3 + i))
      streams[0]!.send(JSON.stringify({ type: 'MODIFIED', object: object(3 + i) }))
      await clock.advance(100)
    }
    expect(gets.length).toBeLessThan(10)
  })

  it('is opened again when it ends, and goes with the last who refers to the object', async () => {
    const { clock, references, streams, allowWatch } = start()
    allowWatch()
    references.refer('team/a', [hub])
    await clock.advance(20_000)
    streams[0]!.end()
    await clock.advance(2_000)
    expect(streams).toHaveLength(2)
    references.refer('team/a', [])
    await clock.advance(0)
    expect(streams.map(({ isOpen }) => isOpen())).toEqual([false, false])
  })

  it('that the API server refuses is not asked for at every read', async () => {
    const { clock, references, streams, gets, allowWatch } = start()
    references.refer('team/a', [hub])
    await clock.advance(5 * limits.referenceRefreshMs)
    expect(gets.length).toBeGreaterThan(4)
    allowWatch()
    await clock.advance(limits.referenceRefreshMs)
    expect(streams).toEqual([])
    await clock.advance(limits.referenceWatchRetryMs)
    expect(streams).toHaveLength(1)
  })
})

describe('when told to stop', () => {
  it('reading ends at once, watches too, and no timer is left', async () => {
    const { clock, references, stop, running, streams, allowWatch } = start()
    allowWatch()
    references.refer('team/a', [hub])
    await clock.advance(0)
    stop.abort()
    await clock.advance(0)
    await running
    expect(streams[0]!.isOpen()).toBe(false)
    expect(clock.pending).toBe(0)
  })
})

describe('a refresh that somebody waits for', () => {
  it('ends with a read that began afterwards, not with the one under way', async () => {
    const { clock, references, gets } = start()
    references.refer('a', [hub])
    let isOver = false
    const over = references.refresh([hub]).then(() => (isOver = true))
    await setImmediate()
    await clock.advance(900)
    expect({ gets: gets.length, isOver }).toEqual({ gets: 1, isOver: false })
    await clock.advance(200)
    await over
    expect(gets).toHaveLength(2)
  })

  it('goes on while the API server cannot be reached, and ends with any answer', async () => {
    const { clock, references, answer } = start()
    references.refer('a', [hub])
    await clock.advance(5_000)
    answer('hub', new ApiError(0, 'connection refused'))
    let isOver = false
    void references.refresh([hub]).then(() => (isOver = true))
    await clock.advance(10_000)
    expect(isOver).toBe(false)
    answer('hub', refused)
    await clock.advance(120_000)
    expect(isOver).toBe(true)
  })

  it('ends where nobody refers to it any more', async () => {
    const { references } = start()
    references.refer('a', [hub])
    const over = references.refresh([hub])
    references.refer('a', [])
    await over
    await references.refresh([hub])
  })
})
