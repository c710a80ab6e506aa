import { describe, expect, it } from 'vitest'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { conditionIn, startScenario } from '../support/scenario.ts'
import { modelService, type Fault } from '../support/zstack/simulator.ts'

const uuid = '6c1a5f6167944aa1886294842075279f'

/** What an update can be answered with, and what the object says then. */
const refusals: readonly (readonly [string, Fault, string, 'Stalled' | 'Reconciling', RegExp])[] = [
  [
    'an invalid argument',
    { kind: 'error', code: 'SYS.1007', details: 'cpu too many' },
    'RemoteRejected',
    'Stalled',
    /SYS\.1007: cpu too many\); correct the spec/,
  ],
  ['a failed operation', { kind: 'error', code: 'SYS.1006' }, 'RemoteRejected', 'Stalled', /could not carry out/],
  [
    'the telling code in a cause',
    { kind: 'error', code: 'SYS.1006', nestedCode: 'ID.1003' },
    'QuotaExceeded',
    'Stalled',
    /raise the quota/,
  ],
  ['a missing permission', { kind: 'error', code: 'ID.1002' }, 'PermissionDenied', 'Stalled', /grant it/],
  ['an exceeded quota', { kind: 'error', code: 'ID.1003' }, 'QuotaExceeded', 'Stalled', /raise the quota/],
  [
    'a plain 400',
    { kind: 'status', status: 400, body: 'requestCpu is no number', contentType: 'text/plain' },
    'RemoteRejected',
    'Stalled',
    /400: requestCpu is no number/,
  ],
  [
    'trouble on the node',
    { kind: 'error', code: 'SYS.1000' },
    'Unreachable',
    'Reconciling',
    /is in trouble \(SYS\.1000/,
  ],
  [
    'a page of a proxy',
    { kind: 'status', status: 502, body: '<html>Bad Gateway</html>', contentType: 'text/html' },
    'Unreachable',
    'Reconciling',
    /not available: 502/,
  ],
  ['a cut connection', { kind: 'reset' }, 'Unreachable', 'Reconciling', /the connection was cut/],
  ['half an answer', { kind: 'truncated' }, 'Unreachable', 'Reconciling', /cut/],
  [
    'a redirect',
    { kind: 'status', status: 302, headers: { location: 'http://elsewhere.example.com/x' } },
    'Unreachable',
    'Stalled',
    /redirects to http:\/\/elsewhere\.example\.com/,
  ],
  ['silence', { kind: 'hang' }, 'Unreachable', 'Reconciling', /no answer within 0\.5 s/],
]

describe.skipIf(apiServerMissing())('a failing update', () => {
  it.each(refusals)('answered with %s says so', async (_, fault, reason, progress, message) => {
    const scenario = await startScenario({
      services: [modelService({ uuid, requestCpu: 4 })],
      env: { ZSTACK_REQUEST_TIMEOUT: '500ms' },
    })
    const lift = scenario.zstack.fault({ operation: 'update', fault })
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 8 } })
    const object = await scenario.untilReady('a', 'False', reason)
    expect(conditionIn(object, progress)).toMatchObject({ status: 'True', reason })
    expect(conditionIn(object, progress === 'Stalled' ? 'Reconciling' : 'Stalled')).toBeUndefined()
    expect(conditionIn(object, 'Ready')?.message).toMatch(message)
    expect(conditionIn(object, 'Synced')).toMatchObject({ status: 'False', reason })
    lift()
    await scenario.annotate('a', { 'ai.zstack.io/reconcile-requested-at': '1' })
    await scenario.untilReady('a', 'True', 'InSync')
  })
})

describe.skipIf(apiServerMissing())('what only the operator can judge', () => {
  it('a uuid that ZStack does not know is NotFound until it appears', async () => {
    const scenario = await startScenario()
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 8 } })
    const object = await scenario.untilReady('a', 'False', 'NotFound')
    expect(conditionIn(object, 'Stalled')?.message).toContain(
      `no model service ${uuid}; check spec.uuid and the account`,
    )
    scenario.zstack.add(modelService({ uuid }))
    await scenario.untilReady('a', 'True', 'InSync')
  })

  it('of two objects for one uuid the younger writes nothing, and takes over when the older goes', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    await scenario.create({ name: 'b-older', spec: { uuid, requestCpu: 8 } })
    await scenario.untilReady('b-older', 'True', 'InSync')
    // Creation times are whole seconds: the names of two objects of one second decide, and c comes after b.
    await scenario.create({ name: 'c-younger', spec: { uuid, requestCpu: 2 } })
    const younger = await scenario.untilReady('c-younger', 'False', 'UUIDConflict')
    expect(conditionIn(younger, 'Stalled')?.message).toContain(`${scenario.namespace}/b-older is older`)
    await scenario.remove('b-older')
    await scenario.untilReady('c-younger', 'True', 'InSync')
    expect(scenario.updates(uuid)).toEqual([{ requestCpu: 8 }, { requestCpu: 2 }])
  })

  it('wrong credentials are logged once and not tried again', async () => {
    const scenario = await startScenario({
      services: [modelService({ uuid })],
      env: { ZSTACK_ACCOUNT_PASSWORD: 'wrong-one' },
    })
    for (const name of ['a', 'b'])
      await scenario.create({ name, spec: { uuid: name === 'a' ? uuid : 'b'.repeat(32), requestCpu: 8 } })
    const object = await scenario.untilReady('a', 'False', 'CredentialsRejected')
    await scenario.untilReady('b', 'False', 'CredentialsRejected')
    expect(conditionIn(object, 'Connected')).toMatchObject({ status: 'False', reason: 'CredentialsRejected' })
    expect(conditionIn(object, 'Stalled')?.message).toContain('correct ZSTACK_ACCOUNT_NAME and ZSTACK_ACCOUNT_PASSWORD')
    expect(scenario.zstack.counters.login).toBe(1)
    expect(JSON.stringify([object, scenario.operator.log])).not.toContain('wrong-one')
  })

  it('a wrong base URL says what the base URL is', async () => {
    const scenario = await startScenario({ simulator: { moods: { contextPath: '/zstack' } } })
    await scenario.restart({ ZSTACK_ENDPOINT: scenario.zstack.url.replace('/zstack', '/elsewhere') })
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 8 } })
    const object = await scenario.untilReady('a', 'False', 'Unreachable')
    expect(conditionIn(object, 'Connected')?.message).toMatch(
      /there is no ZStack API at .*ZSTACK_ENDPOINT is the base URL/,
    )
  })

  it('a full session table is TooManySessions', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })], moods: { maxSessions: 0 } })
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 8 } })
    await scenario.until('a', (object) => conditionIn(object, 'Connected')?.reason === 'TooManySessions')
  })

  it('an update without effect is tried three times, then left until somebody asks', async () => {
    const scenario = await startScenario({
      services: [modelService({ uuid, requestCpu: 4 })],
      moods: { effective: false },
      env: { ZSTACK_REQUEST_BODY: 'envelope' },
    })
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 8 } })
    const object = await scenario.untilReady('a', 'False', 'UpdateNotEffective')
    expect(conditionIn(object, 'Stalled')?.message).toContain('still shows requestCpu: want 8, is 4')
    expect(scenario.zstack.counters.update).toBe(3)
    await scenario.restart()
    await scenario.operator.logged(({ msg }) => msg === 'started')
    scenario.zstack.resetCounters()
    await expect.poll(() => scenario.zstack.counters.query, { timeout: 10_000 }).toBeGreaterThan(2)
    expect(scenario.zstack.counters.update).toBe(0)
    scenario.zstack.set({ effective: true })
    await scenario.annotate('a', { 'ai.zstack.io/reconcile-requested-at': '1' })
    await scenario.untilReady('a', 'True', 'InSync')
  })

  it('a lost session is renewed in silence', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 8 } })
    await scenario.untilReady('a', 'True', 'InSync')
    scenario.zstack.dropSessions()
    await scenario.edit('a', { requestCpu: 9 })
    await scenario.until('a', ({ status }) => status?.convergedGeneration === 2)
    expect(scenario.zstack.counters.login).toBe(2)
    expect(await scenario.operator.stop()).toBe(0)
    expect(scenario.zstack.counters.openSessions).toBe(0)
  })

  it('a short outage changes no status of an object in sync', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 8 } })
    const before = await scenario.untilReady('a', 'True', 'InSync')
    scenario.zstack.fault({ fault: { kind: 'error', code: 'SYS.1012' } })
    scenario.zstack.resetCounters()
    await expect.poll(() => scenario.zstack.counters.query, { timeout: 10_000 }).toBeGreaterThan(2)
    await scenario.restart()
    await scenario.operator.logged(({ msg }) => msg === 'started')
    scenario.zstack.resetCounters()
    await expect.poll(() => scenario.zstack.counters.total, { timeout: 10_000 }).toBeGreaterThan(2)
    expect((await scenario.get('a')).metadata.resourceVersion).toBe(before.metadata.resourceVersion)
    scenario.zstack.clearFaults()
    scenario.zstack.drift(uuid, { requestCpu: 1 })
    await scenario.until('a', ({ status }) => status?.lastUpdate?.cause === 'DriftCorrected')
  })
})
