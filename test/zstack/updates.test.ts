import { describe, expect, it } from 'vitest'
import type { Result } from '../../src/decide/failure.ts'
import type { Patch } from '../../src/decide/plan.ts'
import type { UpdateOutcome, JobRef } from '../../src/reconcile/ports.ts'
import { noAction } from '../../src/zstack/bodyshape.ts'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import { anySignal } from '../support/client.ts'
import { answered, refusedWith, silence } from '../support/scripted-http.ts'
import { listed, scripted, service, updated } from '../support/scripted-inventory.ts'

const a = 'a'.repeat(32)
const b = 'b'.repeat(32)
const signal = anySignal()
const hidden = { servicePorts: [80] }
const running = answered(202)
const shown = updated(a, {})
const expired = answered(404, 'the job has been expired')
const jobOf = (uuid: string): JobRef => ({ uuid, path: `/v1/api-jobs/${uuid}` })
const isRunning = (job: string) => ({ ok: true, value: { kind: 'running', job: jobOf(job) } })
const isDone = { ok: true, value: { kind: 'done', observation: {} } }

/** A ZStack that makes jobs `j1`, `j2`… of updates, which run until they are told to end, and shows `requestCpu` 4. */
function working() {
  const ends = new Map<string, () => HttpAnswer>()
  const instead: HttpAnswer[] = []
  let jobs = 0
  const { http, clock, inventory } = scripted(({ method, path }) => {
    if (method === 'PUT') return instead.shift() ?? answered(202, { location: `/v1/api-jobs/j${++jobs}` })
    if (path.includes('api-jobs')) return ends.get(path.slice(path.lastIndexOf('/') + 1))?.() ?? running
    return listed(service(a, { requestCpu: 4 }), service(b, { requestCpu: 4 }))
  }, 'auto')
  const bodies = () => http.sent('PUT', a).map(({ body }) => body)

  function begin(patch: Patch = hidden, isWanted?: () => boolean, uuid = a) {
    const answers: Result<UpdateOutcome>[] = []
    void inventory.update(uuid, patch, signal, isWanted).then((answer) => answers.push(answer))
    return answers
  }

  /** Sends an update and lets the time run out that others wait for what it teaches. */
  async function update(...order: Parameters<typeof begin>) {
    const answers = begin(...order)
    await clock.advance(31_000)
    return answers[0]
  }

  return {
    clock,
    inventory,
    bodies,
    begin,
    update,
    /** Answers of the next updates. */
    next: (...more: HttpAnswer[]) => void instead.push(...more),
    end: (job: string, answer: HttpAnswer = shown, then: () => void = () => undefined) =>
      void ends.set(job, () => (then(), answer)),
    look: (job: string, to = signal) => inventory.job(a, jobOf(job), to),
  }
}

const inBoth = [{ updateModelService: hidden }, hidden]

describe('an update whose job outlasts the patience of others, while nobody knows the body', () => {
  it.each([
    ['done', shown],
    ['forgotten', expired],
  ])('and that is %s without a sign of effect, is sent in the other body, and done when that is', async (_, answer) => {
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

  it('takes the body that took effect, and its job teaches it', async () => {
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

  it('is not sent in the other when nobody wants it any more, and does not count as carried out', async () => {
    const { update, end, look, bodies } = working()
    let isWanted = true
    await update(hidden, () => isWanted)
    isWanted = false
    end('j1')
    expect(await look('j1')).toEqual({ ok: true, value: { kind: 'withdrawn' } })
    expect(bodies()).toHaveLength(1)
  })

  it('that takes effect at last ends the wait of the next one, whose job goes on', async () => {
    const { update, begin, end, look, clock, inventory } = working()
    await inventory.read(a, signal)
    await update({ requestCpu: 8 })
    const next = begin(hidden, undefined, b)
    end('j1', updated(a, { requestCpu: 8 }))
    await look('j1')
    await clock.advance(1_000)
    expect(next).toEqual([isRunning('j2')])
  })

  it('is done where another has shown meanwhile that the body sent is the right one', async () => {
    const { update, end, look, bodies, next, inventory } = working()
    await inventory.read(b, signal)
    await update()
    next(updated(b, { requestCpu: 8 }))
    await update({ requestCpu: 8 }, undefined, b)
    end('j1')
    expect(await look('j1')).toMatchObject(isDone)
    expect(bodies()).toHaveLength(1)
  })

  it('is sent again where another has shown meanwhile that the body sent is the wrong one', async () => {
    const { update, end, look, bodies, next, inventory } = working()
    await inventory.read(b, signal)
    await update()
    next(answered(400, noAction), updated(b, { requestCpu: 8 }))
    await update({ requestCpu: 8 }, undefined, b)
    end('j1')
    expect(await look('j1')).toEqual(isRunning('j2'))
    expect(bodies()).toEqual(inBoth)
  })

  it('was taken in the first body by a server that refuses the other in words', async () => {
    const { update, end, look, bodies, next } = working()
    await update()
    end('j1')
    next(answered(400, noAction))
    expect(await look('j1')).toMatchObject(isDone)
    await update({ servicePorts: [81] })
    expect(bodies()).toEqual([...inBoth, { updateModelService: { servicePorts: [81] } }])
  })

  it('still owes the other body when that could not leave, and sends it at the next look', async () => {
    const { update, end, look, bodies, next } = working()
    await update()
    end('j1')
    next(silence(false))
    expect(await look('j1')).toMatchObject({ failure: { kind: 'unavailable' } })
    expect(await look('j1')).toEqual(isRunning('j2'))
    expect(bodies()).toEqual([...inBoth, hidden])
  })

  it.each([silence(true), answered(502)])(
    'is over when nobody knows what became of it in the other body: it is not sent again by itself',
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

  it('still owes the other body when it was stopped before that could leave', async () => {
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
    'ends with the refusal of its contents in the other body',
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

  it('is not sent in the other where the service is gone', async () => {
    const { http, clock, inventory } = scripted(({ method, path }) => {
      if (method === 'PUT') return answered(202, { location: '/v1/api-jobs/j1' })
      return path.includes('api-jobs') ? expired : listed()
    }, 'auto')
    const ended = inventory.update(a, hidden, signal)
    await clock.advance(1_000)
    expect(await ended).toEqual({ ok: true, value: { kind: 'done', observation: undefined } })
    expect(http.sent('PUT', a)).toHaveLength(1)
  })
})
