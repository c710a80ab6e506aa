import { describe, expect, it } from 'vitest'
import { err } from '../../src/decide/failure.ts'
import { fixedCredentials, type Credentials } from '../../src/zstack/credentials.ts'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import {
  admin,
  anySignal,
  changeableCredentials,
  clientOver,
  clientsAndSimulators,
  failures,
  readCall,
  times,
} from '../support/client.ts'
import { answered, createScriptedHttp, held, isLogIn, refusedWith, session } from '../support/scripted-http.ts'
import { secretOf } from '../../src/secret.ts'

const minute = 60_000
const found = answered(200, { inventories: [] })
const { simulated, clientTo } = clientsAndSimulators()

describe('refused credentials', () => {
  const wrong: Credentials = { kind: 'account', name: 'admin', password: secretOf('wrong') }

  it('are not tried again within 30 minutes, however many callers come', async () => {
    const sim = await simulated()
    const client = clientTo(sim, { credentials: fixedCredentials(wrong) })
    for (let i = 0; i < 30; i++) {
      const answers = await Promise.all(times(40, () => client.call(readCall(), anySignal())))
      expect(new Set(failures(answers))).toEqual(new Set(['credentials']))
      await client.clock.advance(minute - 1)
    }
    expect(sim.counters).toMatchObject({ login: 1, total: 1 })
    expect(client.currentFailure()).toMatchObject({ kind: 'credentials' })
    expect(client.changes).toEqual(['open'])
    await client.clock.advance(minute)
    await Promise.all(times(40, () => client.call(readCall(), anySignal())))
    expect(sim.counters.login).toBe(2)
  })

  it('are tried once when the session is lost under 16 requests after the password changed', async () => {
    const sim = await simulated({ moods: { latencyMillis: 5 } })
    const client = clientTo(sim)
    await client.call(readCall(), anySignal())
    sim.setAccount('admin', 'changed')
    sim.dropSessions()
    for (let i = 0; i < 4; i++) await Promise.all(times(16, () => client.call(readCall(), anySignal())))
    expect(sim.counters.login).toBe(2)
  })

  it('stay refused though an older request is answered late', async () => {
    const late = held<HttpAnswer>()
    let logIns = 0
    const http = createScriptedHttp((request) => {
      if (isLogIn(request)) return ++logIns === 1 ? session('s1') : refusedWith('ID.1000')
      return request.path.includes('late') ? late.promise : refusedWith('ID.1001')
    })
    const client = clientOver(http)
    const older = client.call(readCall({ path: '/v1/ai/late' }), anySignal())
    await expect.poll(() => http.sent('GET')).toHaveLength(1)
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['credentials'])
    late.release(found)
    expect(failures([await older])).toEqual(['ok'])
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['credentials'])
    expect(logIns).toBe(2)
  })
})

describe('too many sessions', () => {
  it('are waited for slowly, and the first free one ends the wait', async () => {
    const sim = await simulated({ moods: { maxSessions: 0 } })
    const client = clientTo(sim)
    const ask = async () => failures(await Promise.all(times(32, () => client.call(readCall(), anySignal()))))
    expect(new Set(await ask())).toEqual(new Set(['sessions']))
    await client.clock.advance(minute)
    await ask()
    expect(sim.counters.login).toBe(2)
    await client.clock.advance(minute)
    await ask()
    expect(sim.counters.login).toBe(2)
    sim.set({ maxSessions: 10 })
    await client.clock.advance(minute)
    expect(await ask()).toContain('ok')
    expect(new Set(await ask())).toEqual(new Set(['ok']))
    expect(client.changes.at(-1)).toBe('closed')
    expect(sim.counters).toMatchObject({ login: 3, openSessions: 1 })
  })
})

describe('changed credentials', () => {
  it('are noticed within seconds; the old session is given back and the new ones are used', async () => {
    const sim = await simulated()
    sim.setAccount('operator', 'second')
    const credentials = changeableCredentials(admin)
    const client = clientTo(sim, { credentials })
    await client.call(readCall(), anySignal())
    credentials.replace({ kind: 'account', name: 'operator', password: secretOf('second') })
    await client.clock.advance(5_000)
    await expect.poll(() => sim.counters).toMatchObject({ logout: 1, openSessions: 0 })
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['ok'])
    expect(sim.requests('login').map(({ body }) => body)).toMatchObject([
      { logInByAccount: { accountName: 'admin' } },
      { logInByAccount: { accountName: 'operator' } },
    ])
  })

  it('end the stop of refused ones at once', async () => {
    const sim = await simulated()
    const credentials = changeableCredentials({ kind: 'account', name: 'admin', password: secretOf('wrong') })
    const client = clientTo(sim, { credentials })
    await client.call(readCall(), anySignal())
    credentials.replace(admin)
    await client.clock.advance(5_000)
    expect(client.currentFailure()).toBeUndefined()
    expect(client.changes).toEqual(['open', 'closed'])
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['ok'])
  })

  it('that did not change leave the stop and the session as they are', async () => {
    const sim = await simulated()
    const client = clientTo(sim, { credentials: changeableCredentials(admin) })
    await client.call(readCall(), anySignal())
    await client.clock.advance(minute)
    await client.call(readCall(), anySignal())
    expect(sim.counters).toMatchObject({ login: 1, logout: 0 })
    sim.setAccount('admin', 'changed')
    sim.dropSessions()
    await client.call(readCall(), anySignal())
    await client.clock.advance(20 * minute)
    expect(client.currentFailure()).toMatchObject({ kind: 'credentials' })
  })

  it('in the middle of a request: it is sent again under the new ones, and nobody logs in with the old', async () => {
    const slow = held<HttpAnswer>()
    const http = createScriptedHttp((request, count) => {
      if (isLogIn(request)) return session(`s${count}`)
      if (request.method === 'DELETE') return answered(200, {})
      return request.headers.authorization === 'OAuth s1' ? slow.promise : found
    })
    const credentials = changeableCredentials({ kind: 'account', name: 'old', password: secretOf('p') })
    const client = clientOver(http, { credentials })
    const call = client.call(readCall(), anySignal())
    await expect.poll(() => http.sent('GET')).toHaveLength(1)
    credentials.replace({ kind: 'account', name: 'new', password: secretOf('p') })
    await client.clock.advance(5_000)
    slow.release(refusedWith('ID.1001'))
    expect(failures([await call])).toEqual(['ok'])
    expect(http.sent('PUT').map(({ body }) => body)).toMatchObject([
      { logInByAccount: { accountName: 'old' } },
      { logInByAccount: { accountName: 'new' } },
    ])
  })

  it('in the middle of a log-in: a refusal of the old says nothing of the new', async () => {
    const slow = held<HttpAnswer>()
    const http = createScriptedHttp((request, count) => {
      if (!isLogIn(request)) return found
      return count === 1 ? slow.promise : session('s2')
    })
    const credentials = changeableCredentials({ kind: 'account', name: 'old', password: secretOf('p') })
    const client = clientOver(http, { credentials })
    const call = client.call(readCall(), anySignal())
    await expect.poll(() => http.sent('PUT')).toHaveLength(1)
    credentials.replace({ kind: 'account', name: 'new', password: secretOf('p') })
    await client.clock.advance(5_000)
    slow.release(refusedWith('ID.1000'))
    expect(failures([await call])).toEqual(['ok'])
    expect(client.currentFailure()).toBeUndefined()
  })

  it('that are missing stop everything without a request, until they are there', async () => {
    const http = createScriptedHttp((request) => (isLogIn(request) ? session('s1') : found))
    let isThere = false
    const there = changeableCredentials(admin)
    const missing = err({ kind: 'secret', message: 'no credentials in /secret' })
    const client = clientOver(http, {
      credentials: { canChange: true, read: () => (isThere ? there.read() : Promise.resolve(missing)) },
    })
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['secret'])
    await client.clock.advance(minute)
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['secret'])
    expect(http.requests).toEqual([])
    isThere = true
    await client.clock.advance(5_000)
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['ok'])
  })
})
