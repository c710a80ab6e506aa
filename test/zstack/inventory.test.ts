import { describe, expect, it } from 'vitest'
import { createBodyShapePreference } from '../../src/zstack/bodyshape.ts'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import { createInventory } from '../../src/zstack/inventory.ts'
import { anySignal, clientsAndSimulators, times } from '../support/client.ts'
import { answered, held, refusedWith, silence } from '../support/scripted-http.ts'
import { cpuOf, listed, scripted, service, updated } from '../support/scripted-inventory.ts'
import { modelService, type SimulatorOptions } from '../support/zstack/simulator.ts'

const a = 'a'.repeat(32)
const b = 'b'.repeat(32)
const uuidOf = (i: number) => i.toString(16).padStart(32, '0')
const signal = anySignal()
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
    const { http, inventory } = scripted((_, count) => (count === 1 ? first.promise : listed()))
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
    const read = inventory.read(a, signal, true)
    await expect.poll(() => http.sent('GET')).toHaveLength(2)
    first.release(listed(service(a)))
    await Promise.all([refresh, read])
    expect(http.sent('GET')).toHaveLength(2)
  })

  it('during a refresh that fails ask for themselves', async () => {
    const broken = held<HttpAnswer>()
    const { inventory } = scripted((_, count) => (count === 1 ? broken.promise : listed(service(a))))
    const refresh = inventory.refresh([a], signal)
    const read = inventory.read(a, signal)
    broken.release(answered(502))
    expect(await refresh).toMatchObject({ ok: false })
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
    const { inventory } = scripted(() => answered(200, { hello: 'world' }))
    expect(await inventory.read(a, signal)).toMatchObject({
      failure: { kind: 'protocol', message: expect.stringMatching(/without a list .* ZSTACK_ENDPOINT/) as string },
    })
    expect(inventory.cached(a)).toBeUndefined()
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
    const answer = held<HttpAnswer>()
    const { http, inventory } = scripted(() => answer.promise)
    const refresh = inventory.refresh(times(1_000, uuidOf), signal)
    await expect.poll(() => http.sent('GET')).toHaveLength(4)
    answer.release(listed())
    await refresh
    expect(http.widest).toBe(4)
    expect(http.sent('GET')).toHaveLength(10)
  })

  it('that sees a service for the first time does not tell of it: who waits to see it reads it', async () => {
    const { sim, inventory } = await fleet(2)
    expect(await inventory.refresh([uuidOf(0), uuidOf(1)], signal)).toEqual({ ok: true, value: [] })
    sim.drift(uuidOf(1), { requestCpu: 9 })
    expect(await inventory.refresh([uuidOf(0), uuidOf(1)], signal)).toEqual({ ok: true, value: [uuidOf(1)] })
  })

  it('that failed in part tells the next time of what it saw change', async () => {
    const { uuids, sim, inventory } = await fleet(500)
    await inventory.refresh(uuids, signal)
    sim.drift(uuidOf(3), { requestCpu: 9 })
    sim.fault({ operation: 'query', uuid: uuidOf(450), times: 1, fault: { kind: 'error', code: 'SYS.1000' } })
    expect(await inventory.refresh(uuids, signal)).toMatchObject({ ok: false })
    expect(inventory.cached(uuidOf(3))?.observation?.live.values.get('requestCpu')).toBe(9)
    expect(await inventory.refresh(uuids, signal)).toEqual({ ok: true, value: [uuidOf(3)] })
    expect(await inventory.refresh(uuids, signal)).toEqual({ ok: true, value: [] })
  })

  it('that shows a field of newer servers for the first time tells of all services, which could not be compared in it before', async () => {
    const newer = (count: number) => (count > 1 ? { containerArgs: '--fast' } : {})
    const { inventory } = scripted((_, count) => listed(service(a), service(b, newer(count))))
    await inventory.refresh([a, b], signal)
    expect(await inventory.refresh([a, b], signal)).toEqual({ ok: true, value: [a, b] })
    expect(await inventory.refresh([a, b], signal)).toEqual({ ok: true, value: [] })
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
    const refresh = inventory.refresh([a], signal)
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
    const answer = await inventory.update(a, { requestCpu: 8 }, signal, () => ++asked === 1)
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
    expect(http.sent('GET')).toHaveLength(2)
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
