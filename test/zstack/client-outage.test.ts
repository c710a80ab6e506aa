import { describe, expect, it } from 'vitest'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import { fixedCredentials } from '../../src/zstack/credentials.ts'
import { accessKey, anySignal, clientOver, failures, readCall, times, writeCall } from '../support/client.ts'
import { createManualClock } from '../support/clock.ts'
import {
  answered,
  createScriptedHttp,
  held,
  isLogIn,
  isProbe,
  refusedWith,
  session,
  silence,
} from '../support/scripted-http.ts'

const found = answered(200, { inventories: [] })
const page = answered(403, '<html>blocked by the firewall</html>')

describe('an outage', () => {
  it('of 20 s with 32 callers that ask ten times a second costs less than 40 requests, and its end is noticed within seconds', async () => {
    const clock = createManualClock()
    const http = createScriptedHttp((request) =>
      clock.monotonic() < 20_000 ? silence(true) : isLogIn(request) ? session('s1') : found,
    )
    const client = clientOver(http, { clock })
    let isOver = false
    const callers = times(32, async (i) => {
      while (!isOver) {
        await client.call(i % 2 ? readCall() : writeCall(), anySignal())
        await clock.sleep(100)
      }
    })
    await clock.advance(20_000 - 1)
    expect(http.requests.length).toBeGreaterThan(2)
    expect(http.requests.length).toBeLessThan(40)
    await clock.advance(4_100)
    expect(client.currentFailure()).toBeUndefined()
    isOver = true
    await clock.advance(100)
    await Promise.all(callers)
  })

  it('sends nothing but probes while it lasts, and never an update of somebody', async () => {
    const http = createScriptedHttp((request) => (isLogIn(request) ? session('s1') : answered(503)))
    const client = clientOver(http)
    await client.call(readCall(), anySignal())
    expect(await client.isWorking()).toBe(false)
    const before = http.requests.length
    for (let i = 0; i < 60; i++) {
      await Promise.all([client.call(writeCall(), anySignal()), client.call(readCall(), anySignal())])
      await client.clock.advance(1_000)
    }
    const sent = http.requests.slice(before)
    expect(sent.filter((request) => !isProbe(request))).toEqual([])
    expect(sent.length).toBeGreaterThanOrEqual(15)
    expect(sent.length).toBeLessThanOrEqual(60)
    expect(client.changes).toEqual(['heldBack'])
  })

  it('leaves no doubt about a call that was not sent, and speaks of nothing but the connection', async () => {
    const http = createScriptedHttp((request) =>
      isLogIn(request) ? session('s1') : isProbe(request) ? answered(503) : refusedWith('SYS.1000', 'disk of Tom full'),
    )
    const client = clientOver(http)
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['unavailable'])
    expect(await client.isWorking()).toBe(false)
    const answer = await client.call(writeCall(), anySignal())
    if (answer.ok) throw new Error('it was sent')
    expect(answer.failure).toMatchObject({ kind: 'unavailable', ambiguous: false, isUnsent: true })
    expect(answer.failure.message).not.toContain('Tom')
    expect(http.sent('PUT', 'model-services')).toEqual([])
  })

  it('is noticed by an update that fails, though nobody reads', async () => {
    const http = createScriptedHttp((request) => (isLogIn(request) ? session('s1') : answered(503)))
    const client = clientOver(http)
    await client.call(writeCall(), anySignal())
    expect(await client.isWorking()).toBe(false)
    expect(http.sent('GET')).toHaveLength(4)
  })

  it('is seen by log-ins as well, whatever they were for', async () => {
    const http = createScriptedHttp(() => answered(503))
    const client = clientOver(http)
    expect(await client.call(writeCall(), anySignal())).toMatchObject({ failure: { isUnsent: true } })
    expect(await client.isWorking()).toBe(false)
    expect(client.currentFailure()).toMatchObject({ kind: 'unavailable' })
  })

  it('never has more calls under way at once than it may', async () => {
    const answers = held<unknown>()
    const http = createScriptedHttp(async (request) => {
      if (isLogIn(request)) return session('s1')
      await answers.promise
      return found
    })
    const client = clientOver(http, { maxInFlight: 4 })
    const calls = times(20, (i) => client.call(i % 2 === 0 ? readCall() : writeCall(), anySignal()))
    await expect.poll(() => http.sent('GET').length + http.sent('PUT', 'model-services').length).toBe(4)
    answers.release(undefined)
    await Promise.all(calls)
    expect(http.widest).toBe(4)
  })
})

describe('updates that fail', () => {
  /** ZStack answers reads, and every update in the same bad way. */
  function withBadUpdates(answer: HttpAnswer, change: Parameters<typeof clientOver>[1] = {}) {
    const http = createScriptedHttp((request) => {
      if (isLogIn(request)) return session('s1')
      return request.method === 'PUT' ? answer : found
    })
    return { http, client: clientOver(http, change) }
  }

  it.each<[string, HttpAnswer, string]>([
    ['with SYS.1000', refusedWith('SYS.1000'), 'unavailable'],
    ['without an answer', silence(true), 'unavailable'],
    ['with 504', answered(504), 'unavailable'],
    ['with a page of a firewall', page, 'rejected'],
    ['with a refusal of the value', refusedWith('SYS.1007'), 'rejected'],
    ['with the word that the session is gone', refusedWith('ID.1001'), 'operation'],
    ['with the word that the credentials are wrong', refusedWith('ID.1000'), 'operation'],
    ['with the word that the account is disabled', refusedWith('ID.1007'), 'operation'],
    ['with the word that no session is left', refusedWith('ID.1006'), 'operation'],
  ])('%s, one after another, stop nobody', async (_, answer, kind) => {
    const { http, client } = withBadUpdates(answer)
    for (let i = 0; i < 40; i++) expect(failures([await client.call(writeCall(), anySignal())])).toEqual([kind])
    expect(http.sent('PUT', 'model-services')).toHaveLength(40)
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['ok'])
    expect(client.currentFailure()).toBeUndefined()
    expect(client.changes).toEqual([])
    expect(http.requests.filter(isLogIn)).toHaveLength(1)
  })

  it.each(['ID.1000', 'ID.1001'])('with %s stop nobody who has an access key', async (code) => {
    const { client } = withBadUpdates(refusedWith(code), { credentials: fixedCredentials(accessKey) })
    expect(failures([await client.call(writeCall(), anySignal())])).toEqual(['operation'])
    expect(client.currentFailure()).toBeUndefined()
  })

  it('because the session is gone are sent again under a new one', async () => {
    let isLost = false
    const http = createScriptedHttp((request, count) => {
      if (isLogIn(request)) return session(`s${count}`)
      return isLost && request.headers.authorization === 'OAuth s1' ? refusedWith('ID.1001') : found
    })
    const client = clientOver(http)
    await client.call(readCall(), anySignal())
    isLost = true
    expect(failures([await client.call(writeCall(), anySignal())])).toEqual(['ok'])
    expect(http.requests.filter(isLogIn)).toHaveLength(2)
  })

  it('because the credentials are refused stop the connection when a read is refused too', async () => {
    const http = createScriptedHttp((request) => (isLogIn(request) ? session('s1') : refusedWith('ID.1000')))
    const client = clientOver(http)
    expect(failures([await client.call(writeCall(), anySignal())])).toEqual(['credentials'])
    expect(client.currentFailure()).toMatchObject({ kind: 'credentials' })
    expect(http.sent('PUT', 'model-services')).toHaveLength(1)
  })
})

describe('updates that hang', () => {
  it('be there forty of them, again and again, delay another by no more than two seconds', async () => {
    const http = createScriptedHttp((request) => {
      if (isLogIn(request)) return session('s1')
      return request.path.includes('hangs') ? held<HttpAnswer>().promise : found
    })
    const client = clientOver(http)
    const hanging = (round: number) =>
      times(40, (i) =>
        client.call(
          writeCall({
            path: `/v1/hangs/${i}`,
            secrets: [String(round)],
            turn: { priority: round > 0 ? 'retry' : 'change', flow: 'black' },
          }),
          anySignal(),
        ),
      )
    for (const round of [0, 1]) {
      void hanging(round)
      await client.clock.advance(5_000)
      const other = client.call(writeCall(), anySignal())
      await client.clock.advance(2_000)
      expect(failures([await other])).toEqual(['ok'])
    }
  })
})

describe('looks at jobs that fail', () => {
  const look = () => readCall({ path: '/v1/api-jobs/j', kind: 'job' })
  it.each([refusedWith('SYS.1000'), refusedWith('ID.1000'), silence(true), page])('stop nobody', async (answer) => {
    const http = createScriptedHttp((request) => {
      if (isLogIn(request)) return session('s1')
      return request.path.includes('api-jobs') ? answer : found
    })
    const client = clientOver(http)
    for (let i = 0; i < 10; i++) await client.call(look(), anySignal())
    expect(failures([await client.call(writeCall(), anySignal())])).toEqual(['ok'])
    expect(client.currentFailure()).toBeUndefined()
  })
})

describe('queries that fail', () => {
  it.each([
    ['with 504', answered(504)],
    ['with a page of a firewall', page],
    ['for want of a right', refusedWith('ID.1002')],
  ])('%s for the sake of what they ask for stop nobody', async (_, answer) => {
    const http = createScriptedHttp((request) => {
      if (isLogIn(request)) return session('s1')
      return request.method === 'PUT' || isProbe(request) ? found : answer
    })
    const client = clientOver(http)
    for (let i = 0; i < 40; i++) {
      await client.call(readCall(), anySignal())
      expect(await client.isWorking()).toBe(true)
    }
    expect(failures([await client.call(writeCall(), anySignal())])).toEqual(['ok'])
    expect(client.changes).toEqual([])
  })

  it('because the right to query is taken away stop the connection at once, with the name of that right', async () => {
    const http = createScriptedHttp((request) => (isLogIn(request) ? session('s1') : refusedWith('ID.1002')))
    const client = clientOver(http)
    await client.call(readCall(), anySignal())
    expect(await client.isWorking()).toBe(false)
    expect(client.currentFailure()).toMatchObject({
      kind: 'readPermission',
      message: expect.stringContaining('grant it the permission to query model services') as string,
    })
    expect(client.changes).toEqual(['heldBack'])
  })
})
