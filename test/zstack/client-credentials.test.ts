import { describe, expect, it } from 'vitest'
import { err } from '../../src/decide/failure.ts'
import { fixedCredentials, type Credentials, type CredentialsSource } from '../../src/zstack/credentials.ts'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import {
  accessKey,
  admin,
  anySignal,
  changeableCredentials,
  clientOver,
  clientsAndSimulators,
  failures,
  readCall,
  times,
} from '../support/client.ts'
import { createManualClock } from '../support/clock.ts'
import { answered, createScriptedHttp, held, isLogIn, refusedWith, session } from '../support/scripted-http.ts'
import { redacted } from '../../src/redacted.ts'

const minute = 60_000
const found = answered(200, { inventories: [] })
const { simulated, clientTo } = clientsAndSimulators()

describe('refused credentials', () => {
  const wrong: Credentials = { kind: 'account', name: 'admin', password: redacted('wrong') }

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
    expect(client.changes).toEqual(['heldBack'])
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
    expect(new Set(await ask())).toEqual(new Set(['sessionLimit']))
    await client.clock.advance(15_000)
    await ask()
    expect(sim.counters.login).toBe(2)
    await client.clock.advance(15_000)
    await ask()
    expect(sim.counters.login).toBe(2)
    sim.set({ maxSessions: 10 })
    await client.clock.advance(15_000)
    expect(await ask()).toContain('ok')
    expect(new Set(await ask())).toEqual(new Set(['ok']))
    expect(client.changes.at(-1)).toBe('restored')
    expect(sim.counters).toMatchObject({ login: 3, openSessions: 1 })
  })
})

describe('sessions that another log-in of the account ends', () => {
  /** ZStack serves one request of each session; then somebody else has logged in. */
  function contested(change: Parameters<typeof clientOver>[1] = {}) {
    const served = new Set<string | undefined>()
    const http = createScriptedHttp(({ path, method, headers: { authorization } }, count) => {
      if (path === '/v1/accounts/login') return session(`s${count}`)
      if (method === 'DELETE' || authorization?.startsWith('ZStack')) return found
      if (served.has(authorization)) return refusedWith('ID.1001')
      served.add(authorization)
      return found
    })
    const client = clientOver(http, change)
    const ask = async () => failures([await client.call(readCall(), anySignal())])[0]
    return { http, client, ask, logIns: () => http.requests.filter(isLogIn).length }
  }

  it('are recognised when two in a row were lost shortly after their log-in, and the failure says what to do', async () => {
    const { client, ask } = contested()
    expect([await ask(), await ask(), await ask()]).toEqual(['ok', 'ok', 'sessionConflict'])
    const { message } = client.currentFailure() ?? {}
    expect(message).toMatch(/ends the sessions of account admin .* another log-in .* enable\.unique\.session/)
    expect(message).toMatch(/give the operator an access key, or an account of its own$/)
    expect(client.changes).toEqual(['heldBack'])
  })

  it('cost one log-in for many callers, and none at all until the wait is over', async () => {
    const { client, ask, logIns } = contested()
    await ask()
    await ask()
    const answers = await Promise.all(times(16, ask))
    expect(new Set(answers)).toEqual(new Set(['sessionConflict']))
    await client.clock.advance(14_999)
    const held = await client.call(readCall(), anySignal())
    expect(held).toMatchObject({ failure: { kind: 'sessionConflict', isUnsent: true } })
    expect(logIns()).toBe(2)
    await client.clock.advance(1)
    expect(await ask()).toBe('ok')
    expect(logIns()).toBe(3)
    expect(client.currentFailure()).toBeUndefined()
  })

  it('are waited for ever longer, though each log-in between succeeds', async () => {
    const { client, ask, logIns } = contested()
    await ask()
    await ask()
    const waits: number[] = []
    for (let i = 0; i < 8; i++) {
      expect(await ask()).toBe('sessionConflict')
      const since = client.clock.monotonic()
      while ((await ask()) !== 'ok') await client.clock.advance(5_000)
      waits.push((client.clock.monotonic() - since) / 1_000)
    }
    expect(waits).toEqual([15, 30, 60, 120, 240, 480, 600, 600])
    expect(logIns()).toBe(10)
  })

  it('stop two clients of one account that ask in turn, after two log-ins each', async () => {
    const sim = await simulated({ moods: { uniqueSessions: true } })
    const clients = [clientTo(sim), clientTo(sim)]
    const kinds = new Set<string | undefined>()
    for (let round = 0; round < 20; round++)
      for (const client of clients) kinds.add(failures([await client.call(readCall(), anySignal())])[0])
    expect(kinds).toEqual(new Set(['ok', 'sessionConflict']))
    expect(sim.counters.login).toBe(4)
  })

  it('are not presumed where sessions last for two minutes', async () => {
    const { client, ask } = contested()
    for (let i = 0; i < 10; i++) {
      expect(await ask()).toBe('ok')
      await client.clock.advance(2 * minute)
    }
    expect(client.changes).toEqual([])
  })

  it('are no matter any more once the Secret holds an access key', async () => {
    const credentials = changeableCredentials(admin)
    const { client, ask } = contested({ credentials })
    expect([await ask(), await ask(), await ask()]).toEqual(['ok', 'ok', 'sessionConflict'])
    credentials.replace(accessKey)
    await client.clock.advance(5_000)
    expect([await ask(), await ask(), await ask()]).toEqual(['ok', 'ok', 'ok'])
  })

  it('cost two operators on one account few log-ins, though both ask every second for an hour', async () => {
    let latest = ''
    const http = createScriptedHttp((request, count) => {
      if (!isLogIn(request)) return request.headers.authorization === `OAuth ${latest}` ? found : refusedWith('ID.1001')
      latest = `s${count}`
      return session(latest)
    })
    const clock = createManualClock()
    const clients = [clientOver(http, { clock }), clientOver(http, { clock })]
    const seen = new Set<string | undefined>()
    for (let second = 0; second < 3_600; second++) {
      for (const client of clients) seen.add(failures([await client.call(readCall(), anySignal())])[0])
      await clock.advance(1_000)
    }
    expect(seen).toEqual(new Set(['ok', 'sessionConflict']))
    expect(http.sent('PUT').length).toBeLessThan(40)
  })
})

describe('a disabled account', () => {
  it('is tried once in half an hour, and the failure says that it is disabled', async () => {
    const http = createScriptedHttp(() => refusedWith('ID.1007', 'the account is disabled'))
    const client = clientOver(http)
    for (let i = 0; i < 3; i++) await client.call(readCall(), anySignal())
    expect(http.requests).toHaveLength(1)
    const { kind, message } = client.currentFailure() ?? {}
    expect(kind).toBe('accountDisabled')
    expect(message).toMatch(/disabled .*; enable the account in ZStack/)
    await client.clock.advance(30 * minute)
    await client.call(readCall(), anySignal())
    expect(http.requests).toHaveLength(2)
  })
})

describe('changed credentials', () => {
  it('are noticed within seconds; the old session is given back and the new ones are used', async () => {
    const sim = await simulated()
    sim.setAccount('operator', 'second')
    const credentials = changeableCredentials(admin)
    const client = clientTo(sim, { credentials })
    await client.call(readCall(), anySignal())
    credentials.replace({ kind: 'account', name: 'operator', password: redacted('second') })
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
    const credentials = changeableCredentials({ kind: 'account', name: 'admin', password: redacted('wrong') })
    const client = clientTo(sim, { credentials })
    await client.call(readCall(), anySignal())
    credentials.replace(admin)
    await client.clock.advance(5_000)
    expect(client.currentFailure()).toBeUndefined()
    expect(client.changes).toEqual(['heldBack', 'restored'])
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
    const credentials = changeableCredentials({ kind: 'account', name: 'old', password: redacted('p') })
    const client = clientOver(http, { credentials })
    const call = client.call(readCall(), anySignal())
    await expect.poll(() => http.sent('GET')).toHaveLength(1)
    credentials.replace({ kind: 'account', name: 'new', password: redacted('p') })
    await client.clock.advance(5_000)
    slow.release(refusedWith('ID.1001'))
    expect(failures([await call])).toEqual(['ok'])
    expect(http.sent('PUT').map(({ body }) => body)).toMatchObject([
      { logInByAccount: { accountName: 'old' } },
      { logInByAccount: { accountName: 'new' } },
    ])
  })

  it('that are noticed while calls begin are in use from then on: nobody logs in with the old ones again', async () => {
    const http = createScriptedHttp((request, count) => (isLogIn(request) ? session(`s${count}`) : found))
    const source = changeableCredentials({ kind: 'account', name: 'old', password: redacted('p') })
    const calls: Promise<unknown>[] = []
    let isChanging = false
    async function callAtEachTurn() {
      for (let turn = 0; turn < 16; turn++) await Promise.resolve(calls.push(client.call(readCall(), anySignal())))
    }
    const credentials: CredentialsSource = {
      canChange: true,
      read() {
        // Begins before the answer is looked at, so that a call begins in each turn until the new ones are in use.
        if (isChanging) void callAtEachTurn()
        return source.read()
      },
    }
    const client = clientOver(http, { credentials })
    await client.call(readCall(), anySignal())
    source.replace({ kind: 'account', name: 'new', password: redacted('p') })
    isChanging = true
    await client.clock.advance(5_000)
    expect(calls).toHaveLength(16)
    await Promise.all(calls)
    await client.call(readCall(), anySignal())
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
    const credentials = changeableCredentials({ kind: 'account', name: 'old', password: redacted('p') })
    const client = clientOver(http, { credentials })
    const call = client.call(readCall(), anySignal())
    await expect.poll(() => http.sent('PUT')).toHaveLength(1)
    credentials.replace({ kind: 'account', name: 'new', password: redacted('p') })
    await client.clock.advance(5_000)
    slow.release(refusedWith('ID.1000'))
    expect(failures([await call])).toEqual(['ok'])
    expect(client.currentFailure()).toBeUndefined()
  })

  it('that are missing stop everything without a request, until they are there', async () => {
    const http = createScriptedHttp((request) => (isLogIn(request) ? session('s1') : found))
    let isThere = false
    const there = changeableCredentials(admin)
    const missing = err({ kind: 'noCredentials', message: 'no credentials in /secret' })
    const client = clientOver(http, {
      credentials: { canChange: true, read: () => (isThere ? there.read() : Promise.resolve(missing)) },
    })
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['noCredentials'])
    await client.clock.advance(minute)
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['noCredentials'])
    expect(http.requests).toEqual([])
    isThere = true
    await client.clock.advance(5_000)
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['ok'])
  })
})
