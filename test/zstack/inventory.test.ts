import { describe, expect, it } from 'vitest'
import { createBodyShapePreference } from '../../src/zstack/bodyshape.ts'
import type { Refreshed } from '../../src/reconcile/ports.ts'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import { createInventory } from '../../src/zstack/inventory.ts'
import { anySignal, clientsAndSimulators, times } from '../support/client.ts'
import { answered, held, isProbe, refusedWith, silence, type ScriptedHttp } from '../support/scripted-http.ts'
import { cpuOf, listed, scripted, service, updated } from '../support/scripted-inventory.ts'
import { modelService, type SimulatorOptions } from '../support/zstack/simulator.ts'
import { refreshed } from '../support/inventory.ts'

const a = 'a'.repeat(32)
const b = 'b'.repeat(32)
const uuidOf = (i: number) => i.toString(16).padStart(32, '0')
const signal = anySignal()
/** The services that a query asks for, or as many of them as an answer holds. */
const allAskedFor = (path: string, max = Infinity) =>
  listed(...(path.match(/[0-9a-f]{32}/g) ?? []).slice(0, max).map((uuid) => service(uuid)))
/** How many queries about services were sent. */
const queries = (http: ScriptedHttp) =>
  http.requests.filter((request) => request.method === 'GET' && !isProbe(request)).length
const { simulated, clientTo } = clientsAndSimulators()

async function fleet(count: number, options: SimulatorOptions = {}) {
  const uuids = times(count, uuidOf)
  const sim = await simulated({ services: uuids.map((uuid) => modelService({ uuid, requestCpu: 1 })), ...options })
  const client = clientTo(sim)
  return {
    uuids,
    sim,
    inventory: createInventory(
      client,
      createBodyShapePreference('envelope', () => undefined),
      client.clock,
      sim.url,
    ),
  }
}

describe('reads', () => {
  it('of 250 services at one moment are at most four queries', async () => {
    const { uuids, sim, inventory } = await fleet(250)
    const answers = await Promise.all(uuids.map((uuid) => inventory.read(uuid, signal)))
    expect(answers.every((answer) => answer.ok && answer.value.observation)).toBe(true)
    expect(sim.counters.query).toBeLessThanOrEqual(4)
    expect(sim.counters.get).toBe(0)
  })

  it('that come one by one while a query is under way leave together when it is back', async () => {
    const first = held<HttpAnswer>()
    const { http, inventory } = scripted(({ path }, count) => (count === 1 ? first.promise : allAskedFor(path)))
    const reads = [inventory.read(a, signal)]
    await expect.poll(() => http.sent('GET')).toHaveLength(1)
    for (const uuid of times(250, uuidOf)) {
      reads.push(inventory.read(uuid, signal))
      await Promise.resolve()
    }
    first.release(listed(service(a)))
    await Promise.all(reads)
    expect(http.sent('GET')).toHaveLength(4)
  })

  it('that joined one query which a service spoils are split: the others are read, and the one says why it is not', async () => {
    const { uuids, sim, inventory } = await fleet(40)
    const bad = uuidOf(17)
    sim.fault({ operation: 'query', uuid: bad, fault: { kind: 'status', status: 504 } })
    const answers = await Promise.all(uuids.map((uuid) => inventory.read(uuid, signal)))
    expect(uuids.filter((_, index) => !answers[index]!.ok)).toEqual([bad])
  })

  it('in an outage are not split', async () => {
    const { uuids, sim, inventory } = await fleet(40)
    sim.fault({ operation: 'query', fault: { kind: 'status', status: 504 } })
    const answers = await Promise.all(uuids.map((uuid) => inventory.read(uuid, signal)))
    expect(answers.some(({ ok }) => ok)).toBe(false)
    expect(sim.counters.query).toBeLessThanOrEqual(1 + 4)
  })

  it('of one service by many callers ask for it once', async () => {
    const { sim, inventory } = await fleet(1)
    await Promise.all(times(50, () => inventory.read(uuidOf(0), signal)))
    expect(sim.requests('query').map(({ path }) => path)).toEqual([
      expect.stringContaining(`q=uuid?=${uuidOf(0)}&limit=1`),
    ])
  })

  it('during a refresh join it', async () => {
    const { uuids, sim, inventory } = await fleet(250)
    const refresh = inventory.refresh(uuids, signal)
    const reads = await Promise.all(uuids.map((uuid) => inventory.read(uuid, signal)))
    expect(reads.every((answer) => answer.ok && answer.value.observation)).toBe(true)
    await refresh
    expect(sim.counters.query).toBe(3)
  })

  it('that must be fresh do not join a refresh under way, which may have left before', async () => {
    const first = held<HttpAnswer>()
    const { http, inventory } = scripted((_, count) =>
      count === 1 ? first.promise : listed(service(a, { cpuNum: 8 })),
    )
    const refresh = inventory.refresh([a], signal)
    await expect.poll(() => http.sent('GET')).toHaveLength(1)
    const read = inventory.read(a, signal, { isFresh: true })
    await expect.poll(() => http.sent('GET')).toHaveLength(2)
    first.release(listed(service(a)))
    await Promise.all([refresh, read])
    expect(http.sent('GET')).toHaveLength(2)
  })

  it('during a refresh that fails ask for themselves', async () => {
    const broken = held<HttpAnswer>()
    let answers = 0
    const { inventory } = scripted(() => (++answers <= 2 ? broken.promise : listed(service(a))))
    const refresh = refreshed(inventory, [a])
    const read = inventory.read(a, signal)
    broken.release(answered(502))
    await refresh
    expect(await read).toMatchObject({ ok: true, value: { observation: {} } })
  })

  it.each([`${a}/..`, 'x', `${a},${b}`, a.toUpperCase(), `${a}&q=name=x`])(
    'of %s, which is no uuid, ask for nothing',
    async (text) => {
      const { http, inventory } = scripted(() => listed())
      await expect(inventory.read(text, signal)).rejects.toThrow('not a uuid')
      await expect(inventory.refresh([a, text], signal)).rejects.toThrow('not a uuid')
      await expect(inventory.update(text, { name: 'x' }, signal)).rejects.toThrow('not a uuid')
      expect(http.requests).toEqual([])
    },
  )

  it('of a service by a wrong one spoil nothing for the others of that moment', async () => {
    const { inventory } = scripted(() => listed(service(a)))
    const [bad, good] = await Promise.allSettled([inventory.read('x', signal), inventory.read(a, signal)])
    expect([bad.status, good.status]).toEqual(['rejected', 'fulfilled'])
  })

  it('answered by something that is no list are a failure that names the setting to look at', async () => {
    const page = answered(200, { hello: 'world' })
    const { inventory } = scripted(() => page, 'envelope', page)
    expect(await inventory.read(a, signal)).toMatchObject({
      failure: { kind: 'protocol', message: expect.stringMatching(/without a list .* ZSTACK_ENDPOINT/) as string },
    })
    expect(inventory.cached(a)).toBeUndefined()
  })
})

describe('a read', () => {
  it('of a service that alone cannot be read says so, at the second try', async () => {
    const { http, inventory } = scripted(() => answered(504))
    expect(await inventory.read(a, signal)).toMatchObject({
      failure: { kind: 'unreadable', message: expect.stringMatching(/none for this service: .*504/) as string },
    })
    expect(http.sent('GET', a)).toHaveLength(2)
  })

  it.each(['ID.1000', 'ID.1001', 'ID.1006', 'ID.1007'])(
    'of a service that is answered %s is that service’s trouble alone',
    async (code) => {
      const { inventory } = scripted(({ path }) => (path.includes(a) ? refusedWith(code) : allAskedFor(path)))
      const [bad, good] = await Promise.all([inventory.read(a, signal), inventory.read(b, signal)])
      expect([bad, good]).toMatchObject([{ failure: { kind: 'unreadable' } }, { ok: true }])
      expect(await inventory.read(b, signal)).toMatchObject({ ok: true })
    },
  )

  it('that hangs holds up no other for longer than half a second', async () => {
    const { clock, inventory } = scripted(({ path }) =>
      path.includes(a) ? held<HttpAnswer>().promise : allAskedFor(path),
    )
    void inventory.read(a, signal)
    await clock.advance(0)
    const read = inventory.read(b, signal)
    await clock.advance(500)
    expect(await read).toMatchObject({ ok: true })
  })

  it('during a refresh that hangs asks for itself after half a second', async () => {
    const { clock, inventory } = scripted(({ path }, count) =>
      count === 1 ? held<HttpAnswer>().promise : allAskedFor(path),
    )
    void inventory.refresh([a, b], signal)
    const read = inventory.read(b, signal)
    await clock.advance(500)
    expect(await read).toMatchObject({ ok: true })
  })
})

describe('a service', () => {
  it('that an answer leaves out once is there: nothing changes', async () => {
    const { inventory } = scripted(({ path }, count) => (count === 2 ? listed() : allAskedFor(path)))
    await inventory.refresh([a, b], signal)
    expect(await refreshed(inventory, [a, b])).toEqual({ ok: true, value: [] })
    expect(inventory.cached(a)?.observation).toBeDefined()
  })

  it('that every answer leaves out, for each is cut at 50, is there at every poll', async () => {
    const { http, inventory } = scripted(({ path }) => allAskedFor(path, 50))
    const uuids = times(100, uuidOf)
    for (let i = 0; i < 3; i++) {
      expect(await refreshed(inventory, uuids)).toEqual({ ok: true, value: [] })
      expect(uuids.filter((uuid) => !inventory.cached(uuid)?.observation)).toEqual([])
    }
    expect(http.sent('GET')).toHaveLength(6)
  })

  it('is gone when a second answer leaves it out too, and is not asked for twice ever after', async () => {
    const { http, inventory } = scripted(({ path }, count) => (count === 1 ? allAskedFor(path) : listed(service(b))))
    await inventory.refresh([a, b], signal)
    expect(await refreshed(inventory, [a, b])).toEqual({ ok: true, value: [a] })
    expect(http.sent('GET')).toHaveLength(3)
    expect(inventory.cached(a)).toMatchObject({ observation: undefined })
    expect(await refreshed(inventory, [a, b])).toEqual({ ok: true, value: [] })
    expect(http.sent('GET')).toHaveLength(4)
  })

  it('that is left out is not gone while the second question fails', async () => {
    const { inventory } = scripted((_, count) => (count === 1 ? listed(service(b)) : answered(504)))
    expect(await refreshed(inventory, [a, b])).toMatchObject({ ok: false })
    expect(inventory.cached(a)).toBeUndefined()
    expect(inventory.cached(b)?.observation).toBeDefined()
  })
})

describe('a refresh', () => {
  it('of 1,000 services is at most ten queries', async () => {
    const { uuids, sim, inventory } = await fleet(1_000)
    await inventory.refresh(uuids, signal)
    expect(sim.counters.query).toBeLessThanOrEqual(10)
    expect(uuids.every((uuid) => inventory.cached(uuid)?.observation)).toBe(true)
  })

  it('has no more than four queries under way, so that there is room for what people change', async () => {
    const answer = held<unknown>()
    const { http, inventory } = scripted(async ({ path }) => (await answer.promise, allAskedFor(path)))
    const refresh = inventory.refresh(times(1_000, uuidOf), signal)
    await expect.poll(() => http.sent('GET')).toHaveLength(4)
    answer.release(undefined)
    await refresh
    expect(http.widest).toBe(4)
    expect(http.sent('GET')).toHaveLength(10)
  })

  it('that sees a service for the first time does not tell of it: who waits to see it reads it', async () => {
    const { sim, inventory } = await fleet(2)
    expect(await refreshed(inventory, [uuidOf(0), uuidOf(1)])).toEqual({ ok: true, value: [] })
    sim.drift(uuidOf(1), { requestCpu: 9 })
    expect(await refreshed(inventory, [uuidOf(0), uuidOf(1)])).toEqual({ ok: true, value: [uuidOf(1)] })
  })

  it('of which one query fails once tells all the same of what it saw change, and of what the halves of that one show', async () => {
    const { uuids, sim, inventory } = await fleet(500)
    await inventory.refresh(uuids, signal)
    for (const i of [3, 401, 499]) sim.drift(uuidOf(i), { requestCpu: 9 })
    sim.fault({ operation: 'query', uuid: uuidOf(450), times: 1, fault: { kind: 'error', code: 'SYS.1000' } })
    const answer = await refreshed(inventory, uuids)
    expect(answer.ok && new Set(answer.value)).toEqual(new Set([3, 401, 499].map(uuidOf)))
    expect(await refreshed(inventory, uuids)).toEqual({ ok: true, value: [] })
  })

  it('that one service of 250 spoils for good reads all others, with 21 queries more at first and two later', async () => {
    const { uuids, sim, inventory } = await fleet(250)
    await inventory.refresh(uuids, signal)
    const bad = uuidOf(137)
    sim.fault({ operation: 'query', uuid: bad, fault: { kind: 'status', status: 504 } })
    for (const more of [21, 2]) {
      sim.resetCounters()
      sim.drift(uuidOf(136), { requestCpu: 8 + more })
      const parts: Refreshed[] = []
      await inventory.refresh(uuids, signal, (part) => parts.push(part))
      expect(parts.filter(({ kind }) => kind !== 'read')).toMatchObject([{ kind: 'unreadable', uuid: bad }])
      const read = parts.flatMap((part) => (part.kind === 'read' ? part.uuids : []))
      expect(new Set(read)).toEqual(new Set(uuids.filter((uuid) => uuid !== bad)))
      expect(parts.flatMap((part) => (part.kind === 'read' ? part.changed : []))).toEqual([uuidOf(136)])
      expect(sim.counters.query).toBeLessThanOrEqual(3 + more)
      expect(inventory.cached(bad)).toBeUndefined()
    }
    sim.clearFaults()
    await inventory.refresh(uuids, signal)
    sim.resetCounters()
    expect(await refreshed(inventory, uuids)).toEqual({ ok: true, value: [] })
    expect(sim.counters.query).toBe(3)
  })

  it('in an outage of all queries splits none', async () => {
    const { uuids, sim, inventory } = await fleet(1_000)
    sim.fault({ operation: 'query', fault: { kind: 'status', status: 504 } })
    const parts: Refreshed[] = []
    await inventory.refresh(uuids, signal, (part) => parts.push(part))
    expect(parts.map(({ kind }) => kind)).toEqual(times(10, () => 'failed'))
    expect(parts.flatMap((part) => (part.kind === 'failed' ? part.uuids : []))).toHaveLength(1_000)
    expect(sim.counters.query).toBeLessThanOrEqual(10 + 4)
  })

  it('whose queries are all answered with other JSON splits none', async () => {
    const { http, inventory } = scripted(
      () => answered(200, { hello: 'world' }),
      'envelope',
      answered(200, { hello: 'world' }),
    )
    expect(await refreshed(inventory, times(1_000, uuidOf))).toMatchObject({ failure: { kind: 'protocol' } })
    expect(http.sent('GET').length).toBeLessThanOrEqual(10 + 4)
  })

  it('of which one query of ten fails by chance reads every service within three', async () => {
    let dice = 20261124
    const isUnlucky = () => (dice = (dice * 1_103_515_245 + 12_345) % 2 ** 31) < 0.1 * 2 ** 31
    const { http, inventory } = scripted(({ path }) => (isUnlucky() ? answered(504) : allAskedFor(path)))
    const uuids = times(2_000, uuidOf)
    for (let i = 0; i < 3; i++) await inventory.refresh(uuids, signal)
    expect(uuids.filter((uuid) => !inventory.cached(uuid)?.observation)).toEqual([])
    expect(http.sent('GET').length).toBeLessThan(3 * 20 * 1.6)
  })

  it('that hangs for the sake of one service keeps the next one from no other', async () => {
    const bad = uuidOf(7)
    const hanging = held<HttpAnswer>()
    const { http, inventory } = scripted(({ path }) => (path.includes(bad) ? hanging.promise : allAskedFor(path)))
    const uuids = times(200, uuidOf)
    const first = inventory.refresh(uuids, signal)
    await expect.poll(() => inventory.cached(uuidOf(199))).toBeDefined()
    const before = http.sent('GET').length
    await inventory.refresh(uuids, signal)
    expect(http.sent('GET').length - before).toBe(1)
    hanging.release(answered(504))
    await first
    expect(uuids.filter((uuid) => !inventory.cached(uuid)?.observation)).toEqual([bad])
  })

  it('of a hundred that hangs for the sake of one reads all others within sixteen seconds', async () => {
    const bad = uuidOf(37)
    const { clock, http, inventory } = scripted(({ path }) =>
      path.includes(bad) ? held<HttpAnswer>().promise : allAskedFor(path),
    )
    const uuids = times(100, uuidOf)
    void inventory.refresh(uuids, signal)
    for (let i = 0; i < 8; i++) await clock.advance(2_000)
    expect(uuids.filter((uuid) => !inventory.cached(uuid)?.observation)).toEqual([bad])
    expect(queries(http)).toBeLessThanOrEqual(1 + 2 * 7)
  })

  it('of a ZStack that is slow with every query is not split', async () => {
    const slow = held<HttpAnswer>()
    const { clock, http, inventory } = scripted(
      ({ path }) => slow.promise.then(() => allAskedFor(path)),
      'envelope',
      slow.promise,
    )
    const refresh = inventory.refresh(times(100, uuidOf), signal)
    await clock.advance(10_000)
    slow.release(answered(200, { inventories: [] }))
    await refresh
    expect(queries(http)).toBe(1)
  })

  it('tells what a query showed that was answered late, after it had been split', async () => {
    const late = held<undefined>()
    const { clock, inventory } = scripted(async ({ path }, count) => {
      if (count === 2) await late.promise
      const now = { requestCpu: count > 1 ? 9 : 4 }
      return listed(...(path.includes(a) ? [service(a, now)] : []), ...(path.includes(b) ? [service(b)] : []))
    })
    await inventory.refresh([a, b], signal)
    const parts: Refreshed[] = []
    const refresh = inventory.refresh([a, b], signal, (part) => parts.push(part))
    await clock.advance(2_000)
    await refresh
    late.release(undefined)
    await clock.advance(0)
    expect(parts.flatMap((part) => (part.kind === 'read' ? part.changed : []))).toEqual([a])
  })

  it('ends at once when it is aborted, whatever hangs', async () => {
    const { http, inventory } = scripted(() => held<HttpAnswer>().promise)
    const stop = new AbortController()
    const refresh = inventory.refresh([a], stop.signal)
    await expect.poll(() => http.sent('GET')).toHaveLength(1)
    stop.abort(new Error('stopped'))
    await expect(refresh).rejects.toThrow('stopped')
  })

  it('that shows a field of newer servers for the first time tells of all services, which could not be compared in it before', async () => {
    const newer = (count: number) => (count > 1 ? { containerArgs: '--fast' } : {})
    const { inventory } = scripted((_, count) => listed(service(a), service(b, newer(count))))
    await inventory.refresh([a, b], signal)
    expect(await refreshed(inventory, [a, b])).toEqual({ ok: true, value: [a, b] })
    expect(await refreshed(inventory, [a, b])).toEqual({ ok: true, value: [] })
  })

  it('leaves an observation as it was handed out, though a later one knows of more fields', async () => {
    const newer = (count: number) => (count > 1 ? { containerArgs: '--fast' } : {})
    const { inventory } = scripted((_, count) => listed(service(count > 1 ? b : a, newer(count))))
    await inventory.refresh([a], signal)
    const handedOut = inventory.cached(a)?.observation
    await inventory.refresh([b], signal)
    expect([...(handedOut?.shows ?? ['nothing was observed'])]).toEqual([])
    expect([...(inventory.cached(a)?.observation?.shows ?? [])]).toEqual(['containerArgs'])
  })

  it('that an update overtakes does not bring the past back', async () => {
    const old = held<HttpAnswer>()
    const { inventory } = scripted(({ method }, count) =>
      method === 'PUT'
        ? updated(a, { requestCpu: 8 })
        : count === 1
          ? listed(service(a, { requestCpu: 4 }))
          : old.promise,
    )
    await inventory.read(a, signal)
    const refresh = refreshed(inventory, [a])
    expect(cpuOf(await inventory.update(a, { requestCpu: 8 }, signal))).toBe(8)
    old.release(listed(service(a, { requestCpu: 4 })))
    expect(await refresh).toEqual({ ok: true, value: [] })
    expect(inventory.cached(a)?.observation?.live.values.get('requestCpu')).toBe(8)
  })
})

describe('an update', () => {
  it('that had no effect in the first body shape, and that nobody wants any more, is withdrawn and not sent in the other', async () => {
    const { http, inventory } = scripted(
      ({ method }) => (method === 'PUT' ? updated(a, { requestCpu: 4 }) : listed(service(a, { requestCpu: 4 }))),
      'auto',
    )
    await inventory.read(a, signal)
    let asked = 0
    const answer = await inventory.update(a, { requestCpu: 8 }, signal, { isWanted: () => ++asked === 1 })
    expect(answer).toEqual({ ok: true, value: { kind: 'withdrawn' } })
    expect(http.sent('PUT', a)).toHaveLength(1)
  })

  it('is one request with the fields of the patch, tags beside the envelope, and its answer is the verification', async () => {
    const { sim, inventory } = await fleet(1)
    await inventory.read(uuidOf(0), signal)
    sim.resetCounters()
    const answer = await inventory.update(
      uuidOf(0),
      { requestCpu: 8, inferenceParams: { t: '1' }, userTags: ['u'] },
      signal,
    )
    expect(cpuOf(answer)).toBe(8)
    expect(sim.counters.total).toBe(1)
    expect(sim.requests('update').map(({ body }) => body)).toEqual([
      { updateModelService: { requestCpu: 8, inferenceParams: { t: '1' } }, userTags: ['u'] },
    ])
  })

  it('that answers without an inventory is judged by one read', async () => {
    const { sim, inventory } = await fleet(1, { moods: { answer: 'bare' } })
    sim.add(modelService({ uuid: uuidOf(0), requestCpu: 1 }))
    await inventory.read(uuidOf(0), signal)
    sim.resetCounters()
    expect(cpuOf(await inventory.update(uuidOf(0), { requestCpu: 8 }, signal))).toBe(8)
    expect(sim.counters).toMatchObject({ update: 1, query: 1, total: 2 })
  })

  it('that answers with the inventory of another service is judged by a read', async () => {
    const { inventory } = scripted(({ method }) =>
      method === 'PUT' ? updated(b, { requestCpu: 8 }) : listed(service(a, { requestCpu: 4 })),
    )
    expect(cpuOf(await inventory.update(a, { requestCpu: 8 }, signal))).toBe(4)
    expect(inventory.cached(b)).toBeUndefined()
  })

  it('of doubtful fate is followed by a read that asks ZStack, even during a refresh begun before', async () => {
    const old = held<HttpAnswer>()
    const { http, inventory } = scripted(({ method }, count) => {
      if (method === 'PUT') return silence(true)
      return count === 1 ? old.promise : listed(service(a, { requestCpu: 8 }))
    })
    const refresh = inventory.refresh([a], signal)
    expect(await inventory.update(a, { requestCpu: 8 }, signal)).toMatchObject({ failure: { ambiguous: true } })
    const read = inventory.read(a, signal)
    old.release(listed(service(a, { requestCpu: 4 })))
    await refresh
    expect(inventory.cached(a)).toBeUndefined()
    expect(await read).toMatchObject({ ok: true })
    expect(inventory.cached(a)?.observation?.live.values.get('requestCpu')).toBe(8)
    expect(http.sent('GET', a)).toHaveLength(2)
  })

  it('that ZStack refused, and did not carry out, leaves what is known', async () => {
    const { inventory } = scripted(({ method }) => (method === 'PUT' ? refusedWith('SYS.1007') : listed(service(a))))
    await inventory.read(a, signal)
    expect(await inventory.update(a, { requestCpu: -1 }, signal)).toMatchObject({ failure: { kind: 'rejected' } })
    expect(inventory.cached(a)).toBeDefined()
  })

  it('is never sent again by itself when its fate is unknown', async () => {
    const { http, inventory } = scripted(({ method }) => (method === 'PUT' ? silence(true) : listed(service(a))))
    await inventory.update(a, { requestCpu: 8 }, signal)
    expect(http.sent('PUT', a)).toHaveLength(1)
  })

  it('tells no value of a write-only field, however ZStack repeats it', async () => {
    const secret = 'line one\n"quoted" <two>'
    const { inventory } = scripted(({ body }) => refusedWith('SYS.1006', `bad: ${secret} in ${JSON.stringify(body)}`))
    const answer = await inventory.update(
      a,
      { requestCpu: 4, environmentParameters: { T: secret }, userTags: ['tag-x'] },
      signal,
    )
    if (answer.ok) throw new Error('no failure')
    expect(answer.failure.message).not.toMatch(/line one|quoted|tag-x/)
    expect(answer.failure.message).toContain('requestCpu')
  })
})
