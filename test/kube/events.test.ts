import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ApiError, type ApiRequest, type Cluster } from '../../src/kube/cluster.ts'
import { createEventRecorder, type EventText } from '../../src/kube/events.ts'
import { createCapturedLog } from '../support/captured-log.ts'
import { createManualClock } from '../support/clock.ts'
import { sample } from '../support/sample-resource.ts'

type Body = {
  readonly metadata?: { readonly name: string }
  readonly involvedObject?: { readonly name: string }
  readonly message?: string
  readonly count: number
  readonly lastTimestamp: string
}
type Sent = ApiRequest & { readonly body: Body }

function setUp(answer: (request: Sent, signal: AbortSignal) => Promise<unknown> = ({ body }) => Promise.resolve(body)) {
  const clock = createManualClock()
  const { log, entries } = createCapturedLog()
  const sent: Sent[] = []
  const cluster: Cluster = {
    server: 'memory',
    namespace: undefined,
    serviceAccount: () => undefined,
    send(request, signal) {
      sent.push(request as Sent)
      return answer(request as Sent, signal)
    },
    stream: () => Promise.reject(new Error('events are not watched')),
    close: () => Promise.resolve(),
  }
  const recorder = createEventRecorder({
    cluster,
    clock,
    log,
    component: 'operator',
    instance: 'operator-0',
    apiVersion: 'example.com/v1',
    kind: 'Sample',
  })
  const flush = () => recorder.flush(AbortSignal.timeout(25_000))
  return { clock, recorder, sent, entries, flush }
}

const text = (message = 'a wheel is off'): EventText => ({ type: 'Warning', reason: 'Broken', message })

describe('an event recorder', () => {
  it('tells what happened to which object, and who says so', async () => {
    const { recorder, sent, flush } = setUp()
    recorder.record(sample('a', { namespace: 'ns', uid: 'u', version: 7 }), text())
    await flush()
    expect(sent).toEqual([
      {
        method: 'POST',
        path: '/api/v1/namespaces/ns/events',
        body: {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: expect.stringMatching(/^a\.[0-9a-f]+$/) as string, namespace: 'ns' },
          involvedObject: {
            apiVersion: 'example.com/v1',
            kind: 'Sample',
            name: 'a',
            namespace: 'ns',
            uid: 'u',
            resourceVersion: '7',
          },
          type: 'Warning',
          reason: 'Broken',
          message: 'a wheel is off',
          source: { component: 'operator' },
          reportingComponent: 'operator',
          reportingInstance: 'operator-0',
          firstTimestamp: '2026-01-01T00:00:00Z',
          lastTimestamp: '2026-01-01T00:00:00Z',
          count: 1,
        },
      },
    ])
  })

  it('counts what is repeated in the event that is there', async () => {
    const { recorder, sent, clock, flush } = setUp()
    recorder.record(sample('a'), text())
    await flush()
    await clock.advance(60_000)
    recorder.record(sample('a'), text())
    recorder.record(sample('a'), text())
    await flush()
    const path = `/api/v1/namespaces/test/events/${sent[0]?.body.metadata?.name}`
    expect(sent.slice(1)).toEqual([
      expect.objectContaining({ method: 'PATCH', path, body: { count: 2, lastTimestamp: '2026-01-01T00:01:00Z' } }),
      expect.objectContaining({ method: 'PATCH', path, body: { count: 3, lastTimestamp: '2026-01-01T00:01:00Z' } }),
    ])
  })

  it('tells anew what is repeated when the first event has expired', async () => {
    const { recorder, sent, flush } = setUp(({ method, body }) =>
      method === 'PATCH' ? Promise.reject(new ApiError(404, 'gone')) : Promise.resolve(body),
    )
    recorder.record(sample('a'), text())
    recorder.record(sample('a'), text())
    await flush()
    expect(sent.map(({ method, body }) => [method, body.count])).toEqual([
      ['POST', 1],
      ['PATCH', 2],
      ['POST', 1],
    ])
    expect(sent[2]?.body.metadata?.name).not.toBe(sent[0]?.body.metadata?.name)
  })

  it('tells apart events of another text, and of another object under the same name', async () => {
    const { recorder, sent, flush } = setUp()
    recorder.record(sample('a', { uid: 'first' }), text())
    recorder.record(sample('a', { uid: 'first' }), text('two wheels are off'))
    recorder.record(sample('a', { uid: 'second' }), text())
    await flush()
    expect(sent.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST'])
    expect(new Set(sent.map(({ body }) => body.metadata?.name)).size).toBe(3)
  })

  it('names an event so that the API server takes it, however long the name of its object is', async () => {
    const { recorder, sent, flush } = setUp()
    recorder.record(sample(`${'a'.repeat(229)}-${'b'.repeat(23)}`), text())
    await flush()
    const { name } = sent[0]!.body.metadata!
    expect(name.length).toBeLessThanOrEqual(253)
    expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/)
  })

  it('cuts a flood on one object off after 25, and hears the others', async () => {
    const { recorder, sent, flush } = setUp()
    for (let n = 0; n < 100; n += 1) recorder.record(sample('loud'), text(`${n}`))
    recorder.record(sample('quiet'), text())
    await flush()
    expect(sent.filter(({ body }) => body.involvedObject?.name === 'loud')).toHaveLength(25)
    expect(sent.at(-1)?.body.involvedObject?.name).toBe('quiet')
  })

  it('hears one more from a flood every five minutes', async () => {
    const { recorder, sent, clock, flush } = setUp()
    const shout = async () => {
      for (let n = 0; n < 30; n += 1) recorder.record(sample('loud'), text())
      await flush()
      return sent.length
    }
    expect(await shout()).toBe(25)
    await clock.advance(299_999)
    expect(await shout()).toBe(25)
    await clock.advance(1)
    expect(await shout()).toBe(26)
    await clock.advance(600_000)
    expect(await shout()).toBe(28)
  })

  it('does not fail when the API server does not take an event, and tells the next', async () => {
    let isAway = true
    const { recorder, sent, entries, flush } = setUp(({ body }) =>
      isAway ? Promise.reject(new ApiError(403, 'not allowed')) : Promise.resolve(body),
    )
    recorder.record(sample('a'), text('first'))
    await flush()
    isAway = false
    recorder.record(sample('a'), text('second'))
    await flush()
    expect(sent.map(({ body }) => body.message)).toEqual(['first', 'second'])
    expect(entries).toEqual([expect.objectContaining({ level: 'debug', reason: 'not allowed' })])
  })

  it('lets status writes go first: sends only when nothing new was recorded for a moment', async () => {
    const { recorder, sent, clock } = setUp()
    for (const name of ['a', 'b', 'c']) {
      recorder.record(sample(name), text())
      await clock.advance(299)
      expect(sent).toEqual([])
    }
    await clock.advance(600)
    expect(sent).toHaveLength(3)
  })

  it('does not wait for ever for an end of the news', async () => {
    const { recorder, sent, clock } = setUp()
    for (let n = 0; n < 20; n++) {
      recorder.record(sample(`${n}`), text())
      await clock.advance(280)
    }
    expect(sent).not.toEqual([])
  })

  it('keeps the latest thousand while the API server hangs', async () => {
    const hang = Promise.withResolvers<undefined>()
    const { recorder, sent, clock, flush } = setUp(() => hang.promise)
    recorder.record(sample('0'), text())
    await clock.advance(500)
    for (let n = 1; n <= 1_500; n += 1) recorder.record(sample(`${n}`), text())
    hang.resolve(undefined)
    await flush()
    expect(sent).toHaveLength(1_001)
    expect(sent.slice(0, 2).map(({ body }) => body.involvedObject?.name)).toEqual(['0', '501'])
    expect(sent.at(-1)?.body.involvedObject?.name).toBe('1500')
  })

  it('sends what is recorded at the very moment at which the last one was sent', async () => {
    const { recorder, sent, flush } = setUp()
    recorder.record(sample('a'), text())
    for (let turn = 0; turn < 20; turn += 1) {
      await Promise.resolve()
      recorder.record(sample(`late-${turn}`), text())
    }
    await setImmediate()
    await flush()
    expect(sent).toHaveLength(21)
  })

  it.each([
    ['aborted while it waits', () => AbortSignal.timeout(1)],
    ['aborted before', () => AbortSignal.abort()],
  ])('waits no longer for a server that hangs when the wait is %s', async (_, signal) => {
    const { recorder } = setUp(() => Promise.withResolvers().promise)
    recorder.record(sample('a'), text())
    await recorder.flush(signal())
  })

  it('gives an event up that the server leaves unanswered for ten seconds, and tells the next one', async () => {
    const hung = (signal: AbortSignal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    const { clock, recorder, sent } = setUp(({ body }, signal) =>
      body.involvedObject?.name === 'a' ? hung(signal) : Promise.resolve(body),
    )
    recorder.record(sample('a'), text())
    recorder.record(sample('b'), text())
    await clock.advance(10_000)
    expect(sent).toHaveLength(1)
    await clock.advance(1_000)
    expect(sent.at(-1)?.body.involvedObject?.name).toBe('b')
  })

  it('has nothing to wait for when nothing was recorded', async () => {
    const { recorder } = setUp()
    await recorder.flush(new AbortController().signal)
  })
})
