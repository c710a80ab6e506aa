import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/api/json.ts'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import { anySignal } from '../support/client.ts'
import { answered, refusedWith, silence } from '../support/scripted-http.ts'
import { cpuOf, listed, scripted, service, updated } from '../support/scripted-inventory.ts'

const a = 'a'.repeat(32)
const signal = anySignal()

describe('a job', () => {
  const accepted = answered(202, { location: 'http://192.0.2.10:8080/other/v1/api-jobs/job-uuid-1' })
  const ref = { uuid: 'job-uuid-1' }
  const jobPath = '/v1/api-jobs/job-uuid-1'
  const patch = { requestCpu: 8, startupParameters: { T: 'hidden-value' } }
  const withJob = (...answers: HttpAnswer[]) =>
    scripted(({ method, path }) => {
      if (method === 'PUT') return accepted
      if (path === jobPath) return answers.shift() ?? answered(500)
      return listed(service(a, { requestCpu: 8 }))
    })

  it('is asked for at the configured address, whatever host its location names', async () => {
    const { http, inventory } = withJob(answered(202), updated(a, { requestCpu: 8 }))
    expect(await inventory.update(a, patch, signal)).toEqual({ ok: true, value: { kind: 'running', job: ref } })
    expect(await inventory.job(a, ref, signal)).toEqual({ ok: true, value: { kind: 'running', job: ref } })
    expect(cpuOf(await inventory.job(a, ref, signal))).toBe(8)
    expect(http.sent('GET').map(({ path }) => path)).toEqual([jobPath, jobPath])
  })

  const withTimeout = (apiTimeout: Json) =>
    scripted(({ method }) => (method === 'PUT' ? answered(202, { location: jobPath, apiTimeout }) : answered(202)))

  it.each([
    [1_800_000, 1_800_000],
    [1.5, 1.5],
    [365 * 24 * 3_600_000, 24 * 3_600_000],
  ])('of a ZStack that gives it %d ms has %d ms, also at the next look', async (apiTimeout, timeoutMs) => {
    const { inventory } = withTimeout(apiTimeout)
    const isRunning = { ok: true, value: { kind: 'running', job: { ...ref, timeoutMs } } }
    const answer = await inventory.update(a, patch, signal)
    expect(answer).toEqual(isRunning)
    if (answer.ok && answer.value.kind === 'running')
      expect(await inventory.job(a, answer.value.job, signal)).toEqual(isRunning)
  })

  it.each([0, -1, '1800000', null, {}])('whose time of %j is none has no time of its own', async (apiTimeout) => {
    const { inventory } = withTimeout(apiTimeout)
    expect(await inventory.update(a, patch, signal)).toStrictEqual({ ok: true, value: { kind: 'running', job: ref } })
  })

  it('that is forgotten is judged by a read', async () => {
    const { inventory } = withJob(answered(404, 'the job has been expired'))
    await inventory.update(a, patch, signal)
    expect(cpuOf(await inventory.job(a, ref, signal))).toBe(8)
  })

  it('of which nobody knows what was sent is told without what must not be told', async () => {
    const { inventory } = withJob(refusedWith('SYS.1006', 'hidden-value is bad'))
    const answer = await inventory.job(a, ref, signal, { secrets: ['hidden-value'] })
    expect(answer).toMatchObject({ ok: false, failure: { message: expect.stringContaining('*** is bad') as string } })
  })

  it('that failed says why, without hidden values and without its own uuid, which changes at every try', async () => {
    const { inventory } = withJob(refusedWith('SYS.1006', 'job job-uuid-1: hidden-value is bad'))
    await inventory.update(a, patch, signal)
    const answer = await inventory.job(a, ref, signal)
    expect(answer).toMatchObject({ failure: { kind: 'operation', code: 'SYS.1006' } })
    expect(answer.ok || answer.failure.message).not.toMatch(/hidden-value|job-uuid-1/)
  })

  it.each([answered(502), answered(200, 'no json'), silence(true)])(
    'is not over because the word of it was lost',
    async (lost) => {
      const { inventory } = withJob(lost, refusedWith('SYS.1006', 'hidden-value'))
      await inventory.update(a, patch, signal)
      const answer = await inventory.job(a, ref, signal)
      expect(answer.ok || answer.failure.code).toBeUndefined()
      // What was sent is still remembered, and so is what no message may hold.
      expect(JSON.stringify(await inventory.job(a, ref, signal))).not.toContain('hidden-value')
    },
  )

  it('of an earlier life of the operator is judged by what it shows', async () => {
    const { inventory } = withJob(updated(a, { requestCpu: 8 }))
    expect(cpuOf(await inventory.job(a, ref, signal))).toBe(8)
  })

  it.each([answered(202), answered(202, {}), answered(202, { location: 'http://node/elsewhere' })])(
    'without a location leaves the fate of the update open',
    async (answer) => {
      const { inventory } = scripted(() => answer)
      expect(await inventory.update(a, patch, signal)).toMatchObject({ failure: { kind: 'protocol', ambiguous: true } })
      expect(inventory.cached(a)).toBeUndefined()
    },
  )
})
