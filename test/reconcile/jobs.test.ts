import { describe, expect, it } from 'vitest'
import { keyOf } from '../support/fleet.ts'
import { createRig, lost, outage, refusal, uuid } from '../support/reconciler.ts'

const minute = 60_000

/** An update that ZStack made a job of. */
async function atWork(spec: object = { requestCpu: 8 }) {
  const rig = createRig()
  rig.inventory.place(uuid, { requestCpu: 4 })
  rig.fleet.create('a', { uuid, ...spec })
  rig.inventory.next('update', { job: true })
  const first = await rig.pass('a')
  expect(rig.ready('a')).toBe('False AwaitingJob')
  return { ...rig, rig, first }
}

describe('an update that became a job', () => {
  it('is looked after at growing intervals, up to 5 seconds, and no status is written meanwhile', async () => {
    const { pass, fleet, first } = await atWork()
    const waits = [first]
    const writes = fleet.writes.length
    for (let i = 0; i < 10; i++) waits.push(await pass('a'))
    const ms = waits.map((wait) => (wait.kind === 'after' ? Math.round(wait.ms) : wait.kind))
    expect(ms).toEqual([200, 320, 512, 819, 1311, 2097, 3355, 5000, 5000, 5000, 5000])
    expect(fleet.writes).toHaveLength(writes)
  })

  it('is left to its own pace by polls', async () => {
    const { rig } = await atWork()
    expect(rig.reconciler.isSettledOrActive('default/a')).toBe(true)
  })

  it('is done when a read shows what was sent', async () => {
    const { pass, inventory, ready, announced } = await atWork()
    inventory.endJobs()
    expect(await pass('a')).toEqual({ kind: 'awaitChange' })
    expect(ready('a')).toBe('True InSync')
    expect(inventory.updates()).toHaveLength(1)
    expect(announced).toEqual(['a: Updated requestCpu 4 → 8 (as the spec declares)'])
  })

  it('that ended without effect counts as one try, and three reach the limit', async () => {
    const rig = createRig({ isIneffective: true })
    rig.inventory.place(uuid, { requestCpu: 4 })
    rig.fleet.create('a', { uuid, requestCpu: 8 })
    rig.inventory.next('update', { job: true }, { job: true }, { job: true })
    for (let i = 0; i < 3; i++) {
      await rig.pass('a')
      rig.inventory.endJobs()
      await rig.pass('a')
    }
    expect(rig.ready('a')).toBe('False UpdateNotEffective')
    await rig.pass('a')
    expect(rig.inventory.updates()).toHaveLength(3)
  })

  it('that failed for good holds like a refusal', async () => {
    const { pass, inventory, ready } = await atWork()
    inventory.endJobs({ fails: refusal })
    expect(await pass('a')).toEqual({ kind: 'after', ms: 60 * minute })
    await pass('a')
    expect(ready('a')).toBe('False RemoteRejected')
    expect(inventory.updates()).toHaveLength(1)
  })

  it('that failed for trouble on the node is over, and what differs is sent again', async () => {
    const { pass, inventory, ready } = await atWork()
    inventory.endJobs({ fails: { ...outage, code: 'SYS.1000' } })
    expect(await pass('a')).toEqual({ kind: 'backOff' })
    await pass('a')
    expect(inventory.updates()).toHaveLength(2)
    expect(ready('a')).toBe('True InSync')
  })

  it('whose rest went lost on its way is over, and what differs is sent again after a read', async () => {
    const { pass, inventory } = await atWork()
    inventory.next('job', { fails: lost })
    await pass('a')
    await pass('a')
    expect(inventory.calls.slice(-2).map(({ kind }) => kind)).toEqual(['read', 'update'])
  })

  it('whose rest is refused holds like a refusal, though ZStack gives no code for it', async () => {
    const { pass, inventory, ready } = await atWork()
    inventory.next('job', { fails: { kind: 'rejected', message: 'ZStack refuses the request (400)' } })
    await pass('a')
    await pass('a')
    expect(ready('a')).toBe('False RemoteRejected')
    expect(inventory.calls.filter(({ kind }) => kind === 'job')).toHaveLength(1)
    expect(inventory.updates()).toHaveLength(1)
  })

  it('that ZStack has forgotten is judged by what a read shows', async () => {
    const { pass, inventory, ready } = await atWork()
    inventory.endJobs('expired')
    await pass('a')
    expect(ready('a')).toBe('True InSync')
  })

  it('is still under way while ZStack is silent about it: no second update is sent', async () => {
    const { pass, inventory, ready } = await atWork()
    inventory.next('job', { fails: outage }, { fails: outage })
    expect(await pass('a')).toEqual({ kind: 'backOff' })
    expect(ready('a')).toBe('False Unreachable')
    await pass('a')
    inventory.endJobs()
    await pass('a')
    expect(inventory.updates()).toHaveLength(1)
    expect(ready('a')).toBe('True InSync')
  })

  it('that never ends is given up after ten minutes; no other update leaves beside it, and a read decides', async () => {
    const { pass, inventory, clock, condition, ready } = await atWork()
    await clock.advance(9 * minute)
    expect(await pass('a')).toMatchObject({ kind: 'after' })
    await clock.advance(minute)
    expect(await pass('a')).toEqual({ kind: 'after', ms: 10 * minute })
    expect(ready('a')).toBe('False RemoteRejected')
    expect(condition('a', 'Ready')?.message).toContain('more than 10 minutes')
    expect(condition('a', 'Connected')?.status).toBe('True')
    await pass('a')
    expect(inventory.updates()).toHaveLength(1)
    await clock.advance(10 * minute)
    await pass('a')
    expect(inventory.updates()).toHaveLength(2)
    expect(ready('a')).toBe('True InSync')
  })

  it('keeps the time that ZStack gives it over a restart', async () => {
    const { rig, pass, inventory, clock, fleet, ready } = await atWork()
    const { job, ...status } = fleet.status('a')
    const longer = { ...status, job: { ...job!, timeoutSeconds: 7200 } }
    await fleet.writeStatus(fleet.get(keyOf('a'))!, longer, new AbortController().signal)
    rig.restart()
    await clock.advance(60 * minute)
    await pass('a')
    expect(ready('a')).toBe('False AwaitingJob')
    expect(fleet.status('a').job).toMatchObject({ timeoutSeconds: 7200 })
    expect(inventory.updates()).toHaveLength(1)
  })

  it('is named by no status of an object that may not speak for its service meanwhile', async () => {
    const { pass, fleet, inventory, ready } = await atWork()
    fleet.edit('a', { requestCpu: -1 })
    await pass('a')
    expect(ready('a')).toBe('False InvalidSpec')
    expect(fleet.status('a')).not.toHaveProperty('job')
    fleet.edit('a', { requestCpu: 8 })
    inventory.endJobs()
    await pass('a')
    expect(ready('a')).toBe('True InSync')
    expect(inventory.updates()).toHaveLength(1)
  })

  it('that cannot be asked after for ten minutes is given up likewise', async () => {
    const { pass, inventory, clock, ready } = await atWork()
    inventory.next('job', { fails: outage }, { fails: outage })
    await pass('a')
    await clock.advance(10 * minute)
    await pass('a')
    inventory.endJobs()
    await pass('a')
    expect(inventory.calls.at(-2)).toMatchObject({ kind: 'read' })
    expect(ready('a')).toBe('True InSync')
  })

  it('that goes on as another is followed there, with ten minutes of its own', async () => {
    const { pass, inventory, clock, ready } = await atWork()
    await clock.advance(9 * minute)
    inventory.next('job', { job: true })
    expect(await pass('a')).toEqual({ kind: 'after', ms: 200, keepsBackoff: true })
    await clock.advance(9 * minute)
    expect(await pass('a')).toMatchObject({ kind: 'after' })
    expect(ready('a')).toBe('False AwaitingJob')
    inventory.endJobs()
    await pass('a')
    expect(ready('a')).toBe('True InSync')
    expect(inventory.updates()).toHaveLength(1)
  })

  it('of which nobody can tell what it did, since an edit took the rest of it back, is planned anew', async () => {
    const { pass, inventory, fleet, ready } = await atWork({ servicePorts: [80] })
    fleet.edit('a', { description: 'edited' })
    inventory.next('job', { withdrawn: true })
    await pass('a')
    expect(inventory.updates()).toEqual([{ servicePorts: [80] }, { description: 'edited', servicePorts: [80] }])
    expect(ready('a')).toBe('True InSync')
  })

  it('a clock that is set has no say in how long a job has run', async () => {
    const { clock, pass, inventory } = await atWork()
    const set = clock.now() + 60 * minute
    clock.now = () => set
    expect(await pass('a')).toMatchObject({ kind: 'after' })
    expect(inventory.updates()).toHaveLength(1)
  })

  it('an edit while it runs waits for its end: never two updates at once', async () => {
    const { pass, inventory, fleet, ready } = await atWork()
    fleet.edit('a', { requestCpu: 16 })
    await pass('a')
    expect(inventory.updates()).toHaveLength(1)
    inventory.endJobs()
    expect(await pass('a')).toEqual({ kind: 'backOff' })
    await pass('a')
    expect(inventory.updates()).toEqual([{ requestCpu: 8 }, { requestCpu: 16 }])
    expect(ready('a')).toBe('True InSync')
  })

  it('what was sent before an edit is no failed try of what is declared after it', async () => {
    const { pass, inventory, fleet, counted } = await atWork()
    fleet.edit('a', { requestCpu: 16 })
    inventory.endJobs()
    await pass('a')
    expect(fleet.status('a')).not.toHaveProperty('hold')
    expect(counted).toEqual(['verified'])
  })

  it('a write-only value that is edited while it runs is sent afterwards', async () => {
    const { pass, inventory, fleet } = await atWork({ environmentParameters: { MODE: 'slow' } })
    fleet.edit('a', { environmentParameters: { MODE: 'fast' } })
    await pass('a')
    inventory.endJobs()
    await pass('a')
    await pass('a')
    await pass('a')
    expect(inventory.updates()).toEqual([
      { environmentParameters: { MODE: 'slow' } },
      { environmentParameters: { MODE: 'fast' } },
    ])
  })

  it('a suspension that begins while it runs lets it end, and nothing follows', async () => {
    const { pass, inventory, fleet, ready } = await atWork()
    fleet.edit('a', { suspend: true, requestCpu: 16 })
    inventory.endJobs()
    expect(await pass('a')).toEqual({ kind: 'awaitChange' })
    expect(ready('a')).toBe('Unknown Suspended')
    expect(inventory.updates()).toHaveLength(1)
  })

  it('a request that comes while it runs is dealt with when it has ended, and echoed then', async () => {
    const { pass, inventory, fleet, counted, announced, ready } = await atWork({ requestCpu: 8, userTags: ['x'] })
    fleet.request('a', 'now')
    await pass('a')
    expect(fleet.status('a').lastHandledReconcileAt).toBeUndefined()
    inventory.endJobs()
    expect(await pass('a')).toEqual({ kind: 'after', ms: 0 })
    expect(fleet.status('a')).toMatchObject({
      lastUpdate: { cause: 'SpecChanged', fields: ['requestCpu', 'userTags'] },
    })
    expect(announced).toEqual(['a: Updated requestCpu 4 → 8, userTags (as the spec declares)'])
    await pass('a')
    expect(inventory.updates()).toEqual([{ requestCpu: 8, userTags: ['x'] }, { userTags: ['x'] }])
    expect(fleet.status('a')).toMatchObject({ lastHandledReconcileAt: 'now', lastUpdate: { cause: 'Requested' } })
    expect(counted).toEqual(['verified', 'verified'])
    expect(ready('a')).toBe('True InSync')
  })

  it('is not followed for an object that is gone', async () => {
    const { pass, inventory, fleet } = await atWork()
    fleet.remove('a')
    await pass('a')
    expect(inventory.calls.filter(({ kind }) => kind === 'job')).toEqual([])
  })
})

describe('a job that a former process began', () => {
  it('is asked after, and no second update leaves while it runs', async () => {
    const { rig, pass, inventory, fleet, ready } = await atWork({ requestCpu: 8, userTags: ['x'] })
    rig.restart()
    expect(await pass('a')).toMatchObject({ kind: 'after', keepsBackoff: true })
    expect(ready('a')).toBe('False AwaitingJob')
    expect(fleet.status('a').job).toMatchObject({ generation: 1 })
    expect(inventory.updates()).toHaveLength(1)
  })

  it('has its end judged as any other, write-only fields included, and leaves status', async () => {
    const { rig, pass, inventory, fleet, ready } = await atWork({ requestCpu: 8, userTags: ['x'] })
    rig.restart()
    inventory.endJobs()
    expect(await pass('a')).toEqual({ kind: 'awaitChange' })
    expect(ready('a')).toBe('True InSync')
    expect(fleet.status('a')).not.toHaveProperty('job')
    expect(fleet.status('a').lastUpdate).toMatchObject({ fields: ['requestCpu', 'userTags'], cause: 'SpecChanged' })
    await pass('a')
    expect(inventory.updates()).toHaveLength(1)
  })

  it('of write-only fields alone proves nothing of its body, so they are sent again', async () => {
    const { rig, pass, inventory, ready } = await atWork({ userTags: ['x'] })
    rig.restart()
    inventory.endJobs()
    await pass('a')
    await pass('a')
    expect(inventory.updates()).toEqual([{ userTags: ['x'] }, { userTags: ['x'] }])
    expect(ready('a')).toBe('True InSync')
  })

  it('that put drift back says so', async () => {
    const rig = createRig()
    rig.inventory.place(uuid, { requestCpu: 8 })
    rig.fleet.create('a', { uuid, requestCpu: 8 })
    await rig.pass('a')
    rig.inventory.place(uuid, { requestCpu: 4 })
    await rig.inventory.refresh([uuid], new AbortController().signal)
    rig.inventory.next('update', { job: true })
    await rig.pass('a')
    rig.restart()
    rig.inventory.endJobs()
    await rig.pass('a')
    expect(rig.fleet.status('a').lastUpdate).toMatchObject({ fields: ['requestCpu'], cause: 'DriftCorrected' })
  })

  it('counts as one try where it was without effect', async () => {
    const rig = createRig({ isIneffective: true })
    rig.inventory.place(uuid, { requestCpu: 4 })
    rig.fleet.create('a', { uuid, requestCpu: 8 })
    rig.inventory.next('update', { job: true }, { job: true }, { job: true })
    for (let i = 0; i < 3; i++) {
      await rig.pass('a')
      rig.restart()
      rig.inventory.endJobs()
      await rig.pass('a')
    }
    expect(rig.ready('a')).toBe('False UpdateNotEffective')
    expect(rig.inventory.updates()).toHaveLength(3)
  })

  it('says nothing of a spec that was edited meanwhile: what is declared now is sent', async () => {
    const { rig, pass, inventory, fleet, ready } = await atWork({ requestCpu: 8, userTags: ['x'] })
    fleet.edit('a', { requestCpu: 16 })
    rig.restart()
    inventory.endJobs()
    await pass('a')
    await pass('a')
    expect(inventory.updates().at(-1)).toEqual({ requestCpu: 16, userTags: ['x'] })
    expect(ready('a')).toBe('True InSync')
  })

  it('that was refused holds like a refusal', async () => {
    const { rig, pass, inventory, ready } = await atWork()
    rig.restart()
    inventory.endJobs({ fails: refusal })
    await pass('a')
    await pass('a')
    expect(ready('a')).toBe('False RemoteRejected')
    expect(inventory.updates()).toHaveLength(1)
  })

  it('is given up when its time is over, counted from its beginning', async () => {
    const { rig, clock, pass, ready } = await atWork()
    await clock.advance(6 * minute)
    rig.restart()
    await clock.advance(3 * minute)
    await pass('a')
    expect(ready('a')).toBe('False AwaitingJob')
    await clock.advance(minute)
    await pass('a')
    expect(ready('a')).toBe('False RemoteRejected')
  })
})
