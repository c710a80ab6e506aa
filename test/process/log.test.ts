import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { conditionOf } from '../../src/decide/conditions.ts'
import type { LogLine, OperatorProcess } from '../support/operator-process.ts'
import { startFixture } from '../support/process-fixture.ts'
import { modelService } from '../support/zstack/simulator.ts'

const [one, other] = ['a'.repeat(32), 'b'.repeat(32)]
const secrets = ['hunter2', 'password']

async function twoObjects() {
  const services = [one, other].map((uuid) => modelService({ uuid, requestCpu: 4 }))
  const fixture = await startFixture({ services, secrets })
  await fixture.create('a', { uuid: one, requestCpu: 8, environmentParameters: { TOKEN: 'hunter2' } })
  await fixture.create('b', { uuid: other, requestCpu: 4 })
  return fixture
}

/** The lines about objects, without what changes from run to run. */
function objectLines({ log }: OperatorProcess): LogLine[] {
  return log
    .filter(({ name }) => name !== undefined)
    .map((line) => ({
      ...line,
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      reconcileID: expect.stringMatching(/^[-0-9a-f]{36}$/) as string,
    }))
}

const about = (name: string, generation: number) => ({
  controller: 'modelservice',
  namespace: 'default',
  name,
  generation,
  level: 'info',
})

describe('the log of the operator', () => {
  it('has one line for each update that is sent and one for each outcome, with the same keys each time, and none at rest', async () => {
    const fixture = await twoObjects()
    const { zstack } = fixture
    const operator = fixture.start()
    await fixture.converged()
    await fixture.edit('a', { requestCpu: 16 })
    await operator.logged(({ generation }) => generation === 2)
    zstack.drift(one, { requestCpu: 2 })
    await operator.logged(({ cause }) => cause === 'DriftCorrected')
    await fixture.converged()
    const polls = zstack.requests('query').length
    const before = operator.log.length
    await expect.poll(() => zstack.requests('query').length, { timeout: 10_000 }).toBeGreaterThan(polls + 2)
    expect(operator.log.slice(before)).toEqual([])
    const lines = objectLines(operator)
    expect(lines).toHaveLength(7)
    const written = ['requestCpu', 'environmentParameters']
    const sent = { uuid: one, msg: 'update sent', result: 'accepted', durationMs: expect.any(Number) as number }
    const [manager] = lines.flatMap(({ setBy }) => (setBy ?? []) as { fields: string[] }[])
    expect(manager).toMatchObject({ fields: written })
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ...about('a', 1), ...sent, fields: written, cause: 'SpecChanged' }),
        expect.objectContaining({ ...about('a', 2), ...sent, fields: ['requestCpu'], cause: 'SpecChanged' }),
        expect.objectContaining({ ...about('a', 2), ...sent, fields: ['requestCpu'], cause: 'DriftCorrected' }),
        expect.objectContaining({ ...about('a', 1), msg: 'updated', fields: written, cause: 'SpecChanged' }),
        expect.objectContaining({ ...about('b', 1), ready: 'True', reason: 'InSync' }),
        expect.objectContaining({ ...about('a', 2), msg: 'updated', fields: ['requestCpu'], cause: 'SpecChanged' }),
        expect.objectContaining({ ...about('a', 2), msg: 'updated', fields: ['requestCpu'], cause: 'DriftCorrected' }),
      ]),
    )
  })

  it('is for people where LOG_FORMAT is pretty', async () => {
    const fixture = await twoObjects()
    const operator = fixture.start({ LOG_FORMAT: 'pretty' })
    await fixture.converged()
    expect(conditionOf(await fixture.status('a'), 'Ready')).toMatchObject({ status: 'True' })
    const lines = operator.log.map(({ msg }) => stripVTControlCharacters(msg ?? '').replace(/^\[[\d:.]+\] /, ''))
    expect(lines).toContain('INFO: default/a: updated requestCpu, environmentParameters (SpecChanged)')
  })
})
