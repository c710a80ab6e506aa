import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fixedCredentials, type Credentials } from '../../src/zstack/credentials.ts'
import type { HttpAnswer, HttpRequest } from '../../src/zstack/http.ts'
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
  writeCall,
} from '../support/client.ts'
import { createManualClock } from '../support/clock.ts'
import { answered, createScriptedHttp, held, isLogIn, refusedWith, session } from '../support/scripted-http.ts'
import { redacted } from '../../src/redacted.ts'

const minute = 60_000
const found = answered(200, { inventories: [] })
const { simulated, clientTo } = clientsAndSimulators()

describe('an account', () => {
  it('logs in once for many callers', async () => {
    const sim = await simulated()
    const client = clientTo(sim)
    expect(failures(await Promise.all(times(64, () => client.call(readCall(), anySignal()))))).toEqual(
      times(64, () => 'ok'),
    )
    expect(sim.counters).toMatchObject({ login: 1, query: 64, openSessions: 1 })
  })

  it('logs in once more when the session is lost in the middle of 16 requests, and no caller notices', async () => {
    const sim = await simulated({ moods: { latencyMillis: 20 } })
    const client = clientTo(sim)
    await client.call(readCall(), anySignal())
    const first = times(16, () => client.call(readCall(), anySignal()))
    await expect.poll(() => sim.counters.query).toBeGreaterThan(4)
    sim.dropSessions()
    const second = times(16, () => client.call(readCall(), anySignal()))
    expect(failures(await Promise.all([...first, ...second]))).toEqual(times(32, () => 'ok'))
    expect(sim.counters).toMatchObject({ login: 2, openSessions: 1 })
  })

  it('does not log in for ever when each new session is unknown too', async () => {
    const http = createScriptedHttp((request, count) =>
      isLogIn(request) ? session(`s${count}`) : refusedWith('ID.1001'),
    )
    expect(failures([await clientOver(http).call(readCall(), anySignal())])).toEqual(['sessionConflict'])
    expect(http.sent('PUT')).toHaveLength(2)
  })

  it('logs out on close', async () => {
    const sim = await simulated()
    const client = clientTo(sim)
    await client.call(readCall(), anySignal())
    await client.close()
    expect(sim.counters).toMatchObject({ logout: 1, openSessions: 0 })
  })

  it('leaves no session behind when it is closed while it logs in', async () => {
    const sim = await simulated({ moods: { latencyMillis: 50 } })
    const client = clientTo(sim)
    const calls = times(16, () => client.call(readCall(), anySignal()))
    await expect.poll(() => sim.counters.login).toBe(1)
    await client.close()
    await Promise.all(calls)
    expect(sim.counters).toMatchObject({ login: 1, openSessions: 0 })
  })

  it('leaves no session behind when it is closed while sessions expire under its requests', async () => {
    const sim = await simulated({ moods: { latencyMillis: 10 } })
    const client = clientTo(sim)
    await client.call(readCall(), anySignal())
    sim.dropSessions()
    const calls = times(16, () => client.call(readCall(), anySignal()))
    await client.close()
    await Promise.all(calls)
    expect(sim.counters.openSessions).toBe(0)
  })
})

describe('an access key', () => {
  it('signs every request so that ZStack takes it, and needs no session', async () => {
    const sim = await simulated()
    const client = clientTo(sim, { credentials: fixedCredentials(accessKey) })
    const answers = await Promise.all([client.call(readCall(), anySignal()), client.call(readCall(), anySignal())])
    expect(failures(answers)).toEqual(['ok', 'ok'])
    const write = await client.call(writeCall(), anySignal())
    // The signature was accepted: what is refused is the unknown uuid.
    expect(write).toMatchObject({ failure: { code: 'SYS.1003' } })
    expect(sim.counters).toMatchObject({ login: 0, sessionsOpened: 0 })
  })

  it('signs below a context path and without one alike', async () => {
    const sim = await simulated({ moods: { contextPath: '' } })
    const client = clientTo(sim, { credentials: fixedCredentials(accessKey) })
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['ok'])
  })

  it.each([-16, 16])('with a clock %d minutes off names the clocks, and tries slowly', async (off) => {
    const sim = await simulated()
    const clock = createManualClock(new Date(Date.now() + off * minute))
    const client = clientTo(sim, { credentials: fixedCredentials(accessKey), clock })
    const answer = await client.call(readCall(), anySignal())
    expect(answer).toMatchObject({
      failure: { kind: 'clockSkew', message: expect.stringMatching(/clocks differ/) as string },
    })
    await client.call(readCall(), anySignal())
    expect(sim.counters.query).toBe(1)
  })

  it('that ZStack refuses, by whatever code, is refused credentials', async () => {
    const http = createScriptedHttp(() => refusedWith('ID.1001'))
    const client = clientOver(http, { credentials: fixedCredentials(accessKey) })
    const answer = await client.call(readCall(), anySignal())
    expect(answer).toMatchObject({
      failure: { kind: 'credentials', message: expect.stringMatching(/access key/) as string },
    })
    expect(http.requests).toHaveLength(1)
  })

  it('tries with one request when half an hour of refusal is over, however many wait', async () => {
    const http = createScriptedHttp(() => refusedWith('ID.1000'))
    const client = clientOver(http, { credentials: fixedCredentials(accessKey) })
    await client.call(readCall(), anySignal())
    await client.clock.advance(30 * minute)
    await Promise.all(times(32, () => client.call(readCall(), anySignal())))
    expect(http.requests).toHaveLength(2)
  })
})

describe('what ZStack says', () => {
  it.each<[string, HttpAnswer, string]>([
    ['a wrong base URL', answered(404, 'no api mapping to /v1'), 'wrongEndpoint'],
    ['a redirect', { ...answered(302), location: 'https://elsewhere.example/' }, 'wrongEndpoint'],
    ['a page of a proxy', answered(502, '<html></html>'), 'unavailable'],
    ['garbage', answered(200, 'hello'), 'protocol'],
  ])('%s at log-in is a failure of its own kind', async (_, answer, kind) => {
    expect(failures([await clientOver(createScriptedHttp(() => answer)).call(readCall(), anySignal())])).toEqual([kind])
  })

  it('holds no session, password, key, signature or hidden value, even if ZStack repeats all it was sent', async () => {
    const token = 'hidden-value-of-the-user'
    const everything = (request: HttpRequest) => JSON.stringify({ ...request.headers, body: request.body ?? null })
    for (const [credentials, secret] of [
      [admin, 'password'],
      [{ ...accessKey, secret: redacted('key-secret') } as Credentials, 'key-secret'],
    ] as const) {
      const echoed: string[] = []
      const http = createScriptedHttp((request) => {
        if (isLogIn(request) && echoed.length > 0) return session('session-uuid')
        echoed.push(everything(request))
        return refusedWith('SYS.1006', `${everything(request)} ${secret === 'password' ? '' : secret}`)
      })
      const client = clientOver(http, { credentials: fixedCredentials(credentials) })
      const call = writeCall({
        body: { updateModelService: { environmentParameters: { T: token } } },
        secrets: [token],
      })
      const answers = [await client.call(call, anySignal()), await client.call(call, anySignal())]
      const shown = JSON.stringify(answers)
      expect(shown).toContain('***')
      const signatures = http.requests.map(({ headers }) => headers.authorization?.split(/[ :]/).at(-1) ?? '')
      const digest = createHash('sha512').update('password').digest('hex')
      for (const one of ['session-uuid', token, digest, ...signatures, ...(secret === 'password' ? [] : [secret])])
        if (one !== '') expect(shown).not.toContain(one)
    }
  })
})

describe('a closed client', () => {
  it('answers without a request, and leaves no timer behind', async () => {
    const http = createScriptedHttp((request) => (isLogIn(request) ? refusedWith('ID.1006') : found))
    const client = clientOver(http, { credentials: changeableCredentials(admin) })
    await client.call(readCall(), anySignal())
    await client.close()
    const before = http.requests.length
    expect(failures([await client.call(readCall(), anySignal())])).toEqual(['unavailable'])
    expect(http.requests).toHaveLength(before)
    expect(http.isClosed).toBe(true)
    expect(client.clock.pending).toBe(0)
  })

  it('does not log in when it is closed while a call waits for the credentials', async () => {
    const reading = held<unknown>()
    const source = changeableCredentials(admin)
    const http = createScriptedHttp((request) => (isLogIn(request) ? session('s1') : found))
    const client = clientOver(http, {
      credentials: { canChange: true, read: () => reading.promise.then(() => source.read()) },
    })
    const call = client.call(readCall(), anySignal())
    await client.close()
    reading.release(undefined)
    expect(failures([await call])).toEqual(['sessionLost'])
    expect(http.requests).toEqual([])
  })

  it('leaves none behind either when it closes while the files are being read', async () => {
    const reading = held<unknown>()
    const source = changeableCredentials(admin)
    const client = clientOver(
      createScriptedHttp(() => found),
      {
        credentials: { canChange: true, read: () => reading.promise.then(() => source.read()) },
      },
    )
    await client.clock.advance(5_000)
    await client.close()
    reading.release(undefined)
    await client.clock.advance(minute)
    expect(client.clock.pending).toBe(0)
  })
})

it('an abort rejects that call and takes nothing from the others', async () => {
  const sim = await simulated({ moods: { latencyMillis: 20 } })
  const client = clientTo(sim)
  const abort = new AbortController()
  const aborted = client.call(readCall(), abort.signal)
  const other = client.call(readCall(), anySignal())
  abort.abort(new Error('stopping'))
  await expect(aborted).rejects.toThrow('stopping')
  expect(failures([await other])).toEqual(['ok'])
})
