import { describe, expect, it } from 'vitest'
import { anySignal, clientOver, failures, readCall, times, writeCall } from '../support/client.ts'
import { createManualClock } from '../support/clock.ts'
import { answered, createScriptedHttp, held, isLogIn, refusedWith, session, silence } from '../support/scripted-http.ts'

const found = answered(200, { inventories: [] })
const halfAnHour = 30 * 60_000

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
        await client.call(i % 2 ? readCall({ target: String(i) }) : writeCall({ target: String(i) }), anySignal())
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

  it('of writes alone leaves reads alone', async () => {
    const http = createScriptedHttp((request) =>
      isLogIn(request) ? session('s1') : request.method === 'PUT' ? silence(true) : found,
    )
    const client = clientOver(http)
    for (const target of ['a', 'b', 'c', 'd']) await client.call(writeCall({ target }), anySignal())
    expect(http.sent('PUT', 'model-services')).toHaveLength(3)
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['ok'])
  })

  it('is none when ZStack refuses one request after another: it answers', async () => {
    const http = createScriptedHttp((request) => (isLogIn(request) ? session('s1') : refusedWith('SYS.1007')))
    const client = clientOver(http)
    for (let i = 0; i < 10; i++) await client.call(writeCall({ target: String(i) }), anySignal())
    expect(http.sent('PUT', 'model-services')).toHaveLength(10)
    expect(client.currentFailure()).toBeUndefined()
  })

  it('leaves no doubt about a call that was not sent', async () => {
    const http = createScriptedHttp((request) => (isLogIn(request) ? session('s1') : silence(true)))
    const client = clientOver(http)
    const answers = []
    for (let i = 0; i < 4; i++) answers.push(await client.call(writeCall({ target: String(i) }), anySignal()))
    expect(answers.map((answer) => !answer.ok && answer.failure.ambiguous)).toEqual([true, true, true, false])
    expect(answers.map((answer) => !answer.ok && answer.failure.isUnsent === true)).toEqual([false, false, false, true])
  })

  it('of writes hides no refused credentials, and takes no try from them', async () => {
    const writes = held<unknown>()
    let isRefused = true
    const http = createScriptedHttp(async (request) => {
      if (isLogIn(request)) return session('s1')
      if (request.method === 'GET') return isRefused ? refusedWith('ID.1000') : found
      await writes.promise
      return silence(true)
    })
    const client = clientOver(http)
    const slow = ['a', 'b', 'c'].map((target) => client.call(writeCall({ target }), anySignal()))
    await expect.poll(() => http.sent('PUT', 'model-services')).toHaveLength(3)
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['credentials'])
    await client.clock.advance(halfAnHour - 1)
    writes.release(undefined)
    expect(failures(await Promise.all(slow))).toEqual(['unavailable', 'unavailable', 'unavailable'])
    expect(failures([await client.call(writeCall(), anySignal())])).toEqual(['credentials'])
    await client.clock.advance(1)
    isRefused = false
    expect(failures([await client.call(writeCall(), anySignal())])).toEqual(['unavailable'])
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['ok'])
  })

  it('never has more requests under way at once than it may', async () => {
    const answers = held<unknown>()
    const http = createScriptedHttp(async (request) => {
      if (isLogIn(request)) return session('s1')
      await answers.promise
      return found
    })
    const client = clientOver(http, { maxInFlight: 3 })
    const calls = times(20, () => client.call(readCall(), anySignal()))
    await expect.poll(() => http.sent('GET').length).toBe(3)
    answers.release(undefined)
    await Promise.all(calls)
    expect(http.widest).toBe(3)
  })
})
