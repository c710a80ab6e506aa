import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import { createSession, type LogInGuard } from '../../src/zstack/session.ts'
import { anySignal, endpoint } from '../support/client.ts'
import { createManualClock } from '../support/clock.ts'
import { answered, createScriptedHttp, held, isLogIn, refusedWith, session, silence } from '../support/scripted-http.ts'
import type { Respond } from '../support/scripted-http.ts'
import { redacted } from '../../src/redacted.ts'

const account = { name: 'admin', password: redacted('open sesame') }

const anyLogIn: LogInGuard = { refuse: () => undefined, onFailure: () => undefined }

function start(respond: Respond, guard = anyLogIn) {
  const http = createScriptedHttp(respond)
  const clock = createManualClock()
  return { http, clock, session: createSession({ http, endpoint, account, clock, guard }) }
}

describe('session', () => {
  it('logs in with the SHA-512 of the password and never with the password', async () => {
    const { http, session: subject } = start(() => session('s1'))
    expect(await subject.current(anySignal())).toEqual({ ok: true, value: 's1' })
    expect(http.requests).toEqual([
      {
        method: 'PUT',
        path: '/v1/accounts/login',
        isLogIn: true,
        headers: {},
        body: {
          logInByAccount: {
            accountName: 'admin',
            password: createHash('sha512').update('open sesame').digest('hex'),
          },
        },
      },
    ])
  })

  it('logs in once for all who ask at the same time', async () => {
    const { http, session: subject } = start(() => session('s1'))
    const all = await Promise.all(Array.from({ length: 32 }, () => subject.current(anySignal())))
    expect(new Set(all.map((answer) => answer.ok && answer.value))).toEqual(new Set(['s1']))
    expect(http.requests).toHaveLength(1)
  })

  it('is renewed once when all who used it find it expired', async () => {
    const { http, session: subject } = start((_, count) => session(`s${count}`))
    await subject.current(anySignal())
    const renewed = []
    for (let i = 0; i < 16; i++) {
      subject.expire('s1')
      renewed.push(await subject.current(anySignal()))
    }
    expect(renewed).toEqual(renewed.map(() => ({ ok: true, value: 's2' })))
    expect(http.requests).toHaveLength(2)
  })

  it('tries again after a log-in that failed', async () => {
    const { session: subject } = start((_, count) => (count === 1 ? silence(false) : session('s2')))
    expect(await subject.current(anySignal())).toMatchObject({ ok: false, failure: { kind: 'unavailable' } })
    expect(await subject.current(anySignal())).toEqual({ ok: true, value: 's2' })
  })

  it('tries again after a log-in that threw', async () => {
    const { session: subject } = start((_, count) => {
      if (count === 1) throw new Error('not the leader')
      return session('s2')
    })
    await expect(subject.current(anySignal())).rejects.toThrow('not the leader')
    expect(await subject.current(anySignal())).toEqual({ ok: true, value: 's2' })
  })

  it('asks its guard before each log-in, and gives it a failure before any caller can ask again', async () => {
    const failures: string[] = []
    const guard: LogInGuard = {
      refuse: () => (failures.length > 0 ? { kind: 'credentials', message: 'refused before' } : undefined),
      onFailure: ({ kind }) => failures.push(kind),
    }
    const { http, session: subject } = start(() => refusedWith('ID.1000'), guard)
    // Each caller asks again as soon as it learns of the refusal.
    const ask = async () => [await subject.current(anySignal()), await subject.current(anySignal())]
    const all = (await Promise.all(Array.from({ length: 16 }, ask))).flat()
    expect(all.every((answer) => !answer.ok && answer.failure.kind === 'credentials')).toBe(true)
    expect(failures).toEqual(['credentials'])
    expect(http.requests).toHaveLength(1)
  })

  it.each([
    ['no inventory', answered(200, {})],
    ['a session that would be another path', session('../../x')],
    ['a job', answered(202, { location: '/v1/api-jobs/x' })],
  ])('is not opened by an answer with %s', async (_, answer) => {
    const { session: subject } = start(() => answer)
    expect(await subject.current(anySignal())).toMatchObject({ ok: false, failure: { kind: 'protocol' } })
  })

  it('one caller that gives up does not take the log-in from the others', async () => {
    const login = held<HttpAnswer>()
    const { session: subject, http } = start(() => login.promise)
    const abort = new AbortController()
    const first = subject.current(abort.signal)
    const second = subject.current(anySignal())
    abort.abort(new Error('no time'))
    login.release(session('s1'))
    await expect(first).rejects.toThrow('no time')
    expect(await second).toEqual({ ok: true, value: 's1' })
    expect(http.requests).toHaveLength(1)
  })

  it('counts the losses in a row that come shortly after a log-in, each session once', async () => {
    const { session: subject, clock } = start((_, count) => session(`s${count}`))
    const loseAfter = async (ms: number) => {
      const uuid = await subject.current(anySignal())
      await clock.advance(ms)
      return [subject.expire(uuid.ok ? uuid.value : ''), subject.expire(uuid.ok ? uuid.value : '')]
    }
    expect(await loseAfter(119_999)).toEqual([1, 0])
    expect(await loseAfter(0)).toEqual([2, 0])
    expect(await loseAfter(120_000)).toEqual([0, 0])
    expect(await loseAfter(1_000)).toEqual([1, 0])
  })

  it('is logged out under its own name, and is never opened again', async () => {
    const { http, session: subject } = start((request) => (isLogIn(request) ? session('s1') : answered(200, {})))
    await subject.current(anySignal())
    await subject.logOut(anySignal())
    expect(http.sent('DELETE')).toEqual([
      { method: 'DELETE', path: '/v1/accounts/sessions/s1', headers: { authorization: 'OAuth s1' } },
    ])
    expect(await subject.current(anySignal())).toMatchObject({ ok: false, failure: { kind: 'sessionLost' } })
    expect(http.sent('PUT')).toHaveLength(1)
  })

  it('is not logged out where none was opened, or where it expired', async () => {
    const unused = start(() => session('s1'))
    await unused.session.logOut(anySignal())
    expect(unused.http.requests).toEqual([])
    const expired = start(() => session('s1'))
    await expired.session.current(anySignal())
    expired.session.expire('s1')
    await expired.session.logOut(anySignal())
    expect(expired.http.sent('DELETE')).toEqual([])
  })

  it('a session that is just being opened at log-out is given back too', async () => {
    const login = held<HttpAnswer>()
    const { http, session: subject } = start((request) => (isLogIn(request) ? login.promise : answered(200, {})))
    void subject.current(anySignal())
    const out = subject.logOut(anySignal())
    login.release(session('s1'))
    await out
    expect(http.sent('DELETE', '/s1')).toHaveLength(1)
  })

  it('a log-out that is aborted does not wait for a log-in that hangs', async () => {
    const { http, session: subject } = start(() => new Promise(() => undefined))
    void subject.current(anySignal())
    const abort = new AbortController()
    const out = subject.logOut(abort.signal)
    abort.abort()
    await out
    expect(http.sent('DELETE')).toEqual([])
  })
})
