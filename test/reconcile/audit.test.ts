import { describe, expect, it } from 'vitest'
import { createAudit } from '../../src/reconcile/audit.ts'
import { err, ok } from '../../src/decide/failure.ts'
import { createCapturedLog } from '../support/captured-log.ts'
import { createManualClock } from '../support/clock.ts'
import { createRig, refusal, uuid } from '../support/reconciler.ts'

const metadata = {
  ...{ name: 'a', namespace: 'default', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: '' },
  managedFields: [{ manager: 'kubectl', time: '2026-11-24T10:00:00Z', fieldsV1: { 'f:spec': { 'f:requestCpu': {} } } }],
}

function start() {
  const clock = createManualClock()
  const { log, entries } = createCapturedLog()
  const fields = ['requestCpu', 'environmentParameters'] as const
  const audit = createAudit({ uuid, object: { metadata }, cause: 'SpecChanged', fields, log, clock })
  return { clock, audit, entries }
}

const done = ok({ kind: 'done', observation: undefined } as const)

describe('the audit of an update', () => {
  it('is one line, with who set the fields and how long the answer took, and no value', async () => {
    const { audit, entries, clock } = start()
    audit.sending()
    await clock.advance(120)
    audit.answered(done)
    expect(entries).toEqual([
      {
        level: 'info',
        msg: 'update sent',
        uuid,
        cause: 'SpecChanged',
        fields: ['requestCpu', 'environmentParameters'],
        setBy: [{ manager: 'kubectl', time: '2026-11-24T10:00:00Z', fields: ['requestCpu'] }],
        result: 'accepted',
        durationMs: 120,
      },
    ])
  })

  it('has a line for each time that it was sent, those at the end of a job among them', () => {
    const { audit, entries } = start()
    audit.sending()
    audit.sending()
    audit.answered(ok({ kind: 'running', job: { uuid: 'j' } }))
    audit.answered(ok({ kind: 'running', job: { uuid: 'j' } }))
    audit.sending()
    audit.answered(done)
    expect(entries).toMatchObject([{ result: 'sentAgain' }, { result: 'job', job: 'j' }, { result: 'accepted' }])
  })

  it('has none of an update that was not sent', () => {
    const { audit, entries } = start()
    audit.answered(ok({ kind: 'withdrawn' }))
    audit.answered(err({ ...refusal, isUnsent: true }))
    audit.aborted()
    expect(entries).toEqual([])
  })

  it('says of a failure what it was, in the words of the closed list and not of ZStack', () => {
    const { audit, entries } = start()
    audit.sending()
    audit.answered(err({ ...refusal, message: 'ZStack refuses hunter2' }))
    expect(entries).toMatchObject([{ result: 'failed', reason: 'RemoteRejected', code: 'SYS.1007' }])
    expect(JSON.stringify(entries)).not.toContain('hunter2')
  })
})

describe('a pass', () => {
  it('that sends an update leaves its line, beside that of the result, and neither holds a value', async () => {
    const rig = createRig()
    rig.inventory.place(uuid, { requestCpu: 4 })
    rig.fleet.create('a', { uuid, requestCpu: 8, environmentParameters: { TOKEN: 'hunter2' } })
    await rig.pass('a')
    const lines = rig.entries.filter(({ msg }) => msg === 'update sent')
    expect(lines).toMatchObject([{ name: 'a', uuid, generation: 1, cause: 'SpecChanged', result: 'accepted' }])
    expect(JSON.stringify(rig.entries)).not.toContain('hunter2')
  })

  it('that has nothing to send leaves none', async () => {
    const rig = createRig()
    rig.inventory.place(uuid, { requestCpu: 8 })
    rig.fleet.create('a', { uuid, requestCpu: 8 })
    await rig.pass('a')
    expect(rig.entries.filter(({ msg }) => msg === 'update sent')).toEqual([])
  })
})
