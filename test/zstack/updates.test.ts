import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/api/json.ts'
import type { Patch } from '../../src/decide/plan.ts'
import type { JobRef } from '../../src/reconcile/ports.ts'
import { noAction } from '../../src/zstack/bodyshape.ts'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import type { BodyShape } from '../../src/zstack/wire.ts'
import { anySignal } from '../support/client.ts'
import { answered, held, refusedWith, silence } from '../support/scripted-http.ts'
import { cpuOf, listed, scripted, service, updated } from '../support/scripted-inventory.ts'

const a = 'a'.repeat(32)
const b = 'b'.repeat(32)
const signal = anySignal()
const hidden = { servicePorts: [80] }
const running = answered(202)
const shown = updated(a, {})
const expired = answered(404, 'the job has been expired')
const jobOf = (uuid: string): JobRef => ({ uuid })
const isRunning = (job: string) => ({ ok: true, value: { kind: 'running', job: jobOf(job) } })
const isDone = { ok: true, value: { kind: 'done', observation: {} } }

/** A ZStack that makes jobs `j1`, `j2`… of updates, which run until a test ends them, and shows `requestCpu` 4. */
function working() {
  const ends = new Map<string, () => HttpAnswer>()
  const instead: HttpAnswer[] = []
  let jobs = 0
  const { http, inventory } = scripted(({ method, path }) => {
    if (method === 'PUT') return instead.shift() ?? answered(202, { location: `/v1/api-jobs/j${++jobs}` })
    if (path.includes('api-jobs')) return ends.get(path.slice(path.lastIndexOf('/') + 1))?.() ?? running
    return listed(service(a, { requestCpu: 4 }), service(b, { requestCpu: 4 }))
  }, 'auto')
  return {
    inventory,
    bodies: () => http.sent('PUT', a).map(({ body }) => body),
    update: (patch: Patch = hidden, isWanted?: () => boolean, uuid = a) =>
      inventory.update(uuid, patch, signal, isWanted && { isWanted }),
    /** Answers of the next updates. */
    next: (...more: HttpAnswer[]) => void instead.push(...more),
    end: (job: string, answer: HttpAnswer = shown, then: () => void = () => undefined) =>
      void ends.set(job, () => (then(), answer)),
    look: (job: string, to = signal) => inventory.job(a, jobOf(job), to),
  }
}

const inBoth = [{ updateModelService: hidden }, hidden]

describe('an update that becomes a job while the body shape is not confirmed', () => {
  it.each([
    ['done', shown],
    ['forgotten', expired],
  ])('and is %s without a sign of effect is sent in the other shape, and done when that is', async (_, answer) => {
    const { update, end, look, bodies } = working()
    expect(await update()).toEqual(isRunning('j1'))
    expect(await look('j1')).toEqual(isRunning('j1'))
    end('j1', answer)
    expect(await look('j1')).toEqual(isRunning('j2'))
    expect(bodies()).toEqual(inBoth)
    end('j2', answer)
    expect(await look('j2')).toMatchObject(isDone)
    expect(bodies()).toEqual(inBoth)
  })

  it('confirms the shape in which its job shows the effect', async () => {
    const { update, end, look, bodies, inventory } = working()
    await inventory.read(a, signal)
    await update({ requestCpu: 8 })
    end('j1', updated(a, { requestCpu: 4 }))
    expect(await look('j1')).toEqual(isRunning('j2'))
    end('j2', updated(a, { requestCpu: 8 }))
    expect(await look('j2')).toMatchObject(isDone)
    await update(hidden)
    expect(bodies()).toEqual([{ updateModelService: { requestCpu: 8 } }, { requestCpu: 8 }, hidden])
  })

  it('is not sent in the other shape when nobody wants it any more, and does not count as carried out', async () => {
    const { update, end, look, bodies } = working()
    let isWanted = true
    await update(hidden, () => isWanted)
    isWanted = false
    end('j1')
    expect(await look('j1')).toEqual({ ok: true, value: { kind: 'withdrawn' } })
    expect(bodies()).toHaveLength(1)
  })

  it('is done if another update has confirmed its shape meanwhile', async () => {
    const { update, end, look, bodies, next, inventory } = working()
    await inventory.read(b, signal)
    await update()
    next(updated(b, { requestCpu: 8 }))
    await update({ requestCpu: 8 }, undefined, b)
    end('j1')
    expect(await look('j1')).toMatchObject(isDone)
    expect(bodies()).toHaveLength(1)
  })

  it('is sent in the other shape if another update has confirmed that one meanwhile', async () => {
    const { update, end, look, bodies, next, inventory } = working()
    await inventory.read(b, signal)
    await update()
    next(answered(400, noAction), updated(b, { requestCpu: 8 }))
    await update({ requestCpu: 8 }, undefined, b)
    end('j1')
    expect(await look('j1')).toEqual(isRunning('j2'))
    expect(bodies()).toEqual(inBoth)
  })

  it('was taken in the first shape by a server that refuses the other in words', async () => {
    const { update, end, look, bodies, next } = working()
    await update()
    end('j1')
    next(answered(400, noAction))
    expect(await look('j1')).toMatchObject(isDone)
    await update({ servicePorts: [81] })
    expect(bodies()).toEqual([...inBoth, { updateModelService: { servicePorts: [81] } }])
  })

  it('is sent in the other shape at the next look if it could not leave at this one', async () => {
    const { update, end, look, bodies, next } = working()
    await update()
    end('j1')
    next(silence(false))
    expect(await look('j1')).toMatchObject({ failure: { kind: 'unavailable' } })
    expect(await look('j1')).toEqual(isRunning('j2'))
    expect(bodies()).toEqual([...inBoth, hidden])
  })

  it.each([silence(true), answered(502)])(
    'is over when nobody knows what became of it in the other shape: it is not sent again by itself',
    async (lost) => {
      const { update, end, look, bodies, next, inventory } = working()
      await update()
      end('j1')
      next(lost)
      expect(await look('j1')).toMatchObject({ failure: { ambiguous: true } })
      expect(inventory.cached(a)).toBeUndefined()
      await look('j1')
      expect(bodies()).toEqual(inBoth)
    },
  )

  it('is sent in the other shape at the next look if this one was aborted before', async () => {
    const { update, end, look, bodies } = working()
    await update()
    const stop = new AbortController()
    end('j1', shown, () => stop.abort(new Error('stop')))
    await expect(look('j1', stop.signal)).rejects.toThrow('stop')
    expect(bodies()).toHaveLength(1)
    expect(await look('j1')).toEqual(isRunning('j2'))
    expect(bodies()).toEqual(inBoth)
  })

  it.each([refusedWith('SYS.1007'), answered(400, 'field[servicePorts] must be a list')])(
    'ends with the refusal of its contents in the other shape',
    async (refusal) => {
      const { update, end, look, next } = working()
      await update()
      end('j1')
      next(refusal)
      expect(await look('j1')).toMatchObject({ ok: false, failure: { kind: 'rejected' } })
    },
  )

  it('ends with the failure of its job: nothing more is sent', async () => {
    const { update, end, look, bodies } = working()
    await update()
    end('j1', refusedWith('SYS.1006'))
    expect(await look('j1')).toMatchObject({ failure: { code: 'SYS.1006' } })
    expect(bodies()).toHaveLength(1)
  })

  it('is forgotten with its service', async () => {
    const { update, end, look, inventory, bodies } = working()
    await update()
    inventory.retain(new Set([b]))
    end('j1')
    await look('j1')
    expect(bodies()).toHaveLength(1)
  })

  it('is not sent in the other shape if the service is gone', async () => {
    const { http, inventory } = scripted(({ method, path }) => {
      if (method === 'PUT') return answered(202, { location: '/v1/api-jobs/j1' })
      return path.includes('api-jobs') ? expired : listed()
    }, 'auto')
    expect(await inventory.update(a, hidden, signal)).toEqual(isRunning('j1'))
    expect(await inventory.job(a, jobOf('j1'), signal)).toEqual({
      ok: true,
      value: { kind: 'done', observation: undefined },
    })
    expect(http.sent('PUT', a)).toHaveLength(1)
  })
})

/** A ZStack that shows `requestCpu` 4 until it takes an update in one of the shapes in `takes`. */
function taking(...takes: BodyShape[]) {
  const cpus = new Map<string, Json>()
  const server = { takes }
  const { http, inventory } = scripted(({ method, path, body }) => {
    if (method === 'GET') return listed(service(a, { requestCpu: 4 }), service(b, { requestCpu: 4 }))
    const uuid = path.slice(path.lastIndexOf('/') + 1)
    const { updateModelService, ...flat } = body as { updateModelService?: Patch } & Patch
    const envelope = server.takes.includes('envelope') ? updateModelService : undefined
    const { requestCpu } = envelope ?? (server.takes.includes('flat') ? flat : {})
    cpus.set(uuid, requestCpu ?? cpus.get(uuid) ?? 4)
    return updated(uuid, { requestCpu: cpus.get(uuid)! })
  }, 'auto')
  return {
    server,
    inventory,
    update: (uuid: string, patch: Patch) => inventory.update(uuid, patch, signal),
    /** The shapes in which updates of a service went out, the first `from` left aside. */
    shapes: (uuid: string, from = 0) =>
      http
        .sent('PUT', uuid)
        .slice(from)
        .map(({ body }) => ('updateModelService' in (body as object) ? 'envelope' : 'flat')),
  }
}

describe('while the body shape is not confirmed', () => {
  it('an update that gets no answer holds no other up', async () => {
    const never = held<HttpAnswer>()
    const { inventory } = scripted(({ method, path }) => {
      if (method === 'GET') return listed(service(a, { requestCpu: 4 }), service(b, { requestCpu: 4 }))
      return path.includes(a) ? never.promise : updated(b, { requestCpu: 8 })
    }, 'auto')
    await inventory.refresh([a, b], signal)
    const hanging = inventory.update(a, { requestCpu: 8 }, signal)
    expect(cpuOf(await inventory.update(b, { requestCpu: 8 }, signal))).toBe(8)
    never.release(updated(a, { requestCpu: 8 }))
    expect(cpuOf(await hanging)).toBe(8)
  })

  it('an update whose job does not end holds no other up', async () => {
    const { inventory, update, next } = working()
    await inventory.read(b, signal)
    expect(await update({ requestCpu: 8 })).toEqual(isRunning('j1'))
    next(updated(b, { requestCpu: 8 }))
    expect(cpuOf(await update({ requestCpu: 8 }, undefined, b))).toBe(8)
  })

  it('every update without effect is sent in both shapes', async () => {
    const { inventory, update, shapes } = taking()
    await inventory.refresh([a], signal)
    for (let i = 0; i < 2; i++) expect(cpuOf(await update(a, { requestCpu: 8 }))).toBe(4)
    expect(shapes(a)).toEqual(['envelope', 'flat', 'envelope', 'flat'])
  })
})

describe('once the body shape is confirmed', () => {
  async function confirmed(...takes: BodyShape[]) {
    const world = taking(...takes)
    await world.inventory.refresh([a, b], signal)
    expect(cpuOf(await world.update(a, { requestCpu: 8 }))).toBe(8)
    return { ...world, begun: world.shapes(a).length }
  }

  it('an update of write-only fields goes out in that shape alone', async () => {
    const { update, shapes } = await confirmed('flat')
    await update(b, hidden)
    expect(shapes(b)).toEqual(['flat'])
  })

  it('only the third update in a row of one service without effect is sent in the other shape as well', async () => {
    const { server, update, shapes, begun } = await confirmed('envelope')
    server.takes = []
    for (let i = 0; i < 6; i++) expect(cpuOf(await update(a, { requestCpu: 9 }))).toBe(8)
    const three = ['envelope', 'envelope', 'envelope', 'flat']
    expect(shapes(a, begun)).toEqual([...three, ...three])
  })

  it('an update with effect begins the count of those without anew', async () => {
    const { server, update, shapes, begun } = await confirmed('envelope')
    for (const takes of [[], [], ['envelope'], [], []] as const) {
      server.takes = [...takes]
      await update(a, { requestCpu: shapes(a).length + 9 })
    }
    expect(shapes(a, begun)).toEqual(Array.from({ length: 5 }, () => 'envelope'))
  })

  it('the updates of one service without effect leave the shape of the others alone', async () => {
    const { server, update, shapes } = await confirmed('envelope')
    server.takes = []
    for (let i = 0; i < 5; i++) await update(a, { requestCpu: 9 })
    expect(cpuOf(await update(b, { requestCpu: 9 }))).toBe(4)
    await update(b, hidden)
    server.takes = ['envelope']
    expect(cpuOf(await update(b, { requestCpu: 9 }))).toBe(9)
    expect(shapes(b)).toEqual(['envelope', 'envelope', 'envelope'])
  })

  it('a false confirmation ends with the third update of any service, and the other shape is preferred', async () => {
    const { server, update, shapes, begun } = await confirmed('envelope')
    server.takes = ['flat']
    for (let i = 0; i < 2; i++) expect(cpuOf(await update(b, { requestCpu: 9 }))).toBe(4)
    expect(cpuOf(await update(b, { requestCpu: 9 }))).toBe(9)
    expect(shapes(b)).toEqual(['envelope', 'envelope', 'envelope', 'flat'])
    await update(a, hidden)
    expect(shapes(a, begun)).toEqual(['flat'])
  })

  it('a server that refuses the other shape in words took the update in the confirmed one, without effect', async () => {
    const { http, inventory } = scripted(({ method, body }, count) => {
      if (method === 'GET') return listed(service(a, { requestCpu: 4 }))
      if (!('updateModelService' in (body as object))) return answered(400, noAction)
      return updated(a, { requestCpu: count === 2 ? 5 : 4 })
    }, 'auto')
    await inventory.read(a, signal)
    expect(cpuOf(await inventory.update(a, { requestCpu: 5 }, signal))).toBe(5)
    for (let i = 0; i < 4; i++) expect(cpuOf(await inventory.update(a, { requestCpu: 9 }, signal))).toBe(4)
    expect(http.sent('PUT', a)).toHaveLength(6)
  })
})

describe('with a pinned body shape', () => {
  it('nothing goes out in the other, whatever cannot be read back or has no effect', async () => {
    const { http, inventory } = scripted(
      ({ method }) => (method === 'PUT' ? updated(a, { requestCpu: 4 }) : listed(service(a, { requestCpu: 4 }))),
      'envelope',
    )
    await inventory.read(a, signal)
    const patches = [hidden, ...Array.from({ length: 4 }, () => ({ requestCpu: 8 }))]
    for (const patch of patches) await inventory.update(a, patch, signal)
    expect(http.sent('PUT', a).map(({ body }) => body)).toEqual(
      patches.map((updateModelService) => ({ updateModelService })),
    )
  })

  it('nothing goes out in the other, even if ZStack finds no action in it', async () => {
    const { http, inventory } = scripted(
      ({ method }) => (method === 'PUT' ? answered(400, noAction) : listed()),
      'envelope',
    )
    for (let i = 0; i < 2; i++)
      expect(await inventory.update(a, { requestCpu: 8 }, signal)).toMatchObject({ ok: false })
    const body = { updateModelService: { requestCpu: 8 } }
    expect(http.sent('PUT', a).map((sent) => sent.body)).toEqual([body, body])
  })
})
