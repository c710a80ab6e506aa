import { beforeEach, describe, expect, it } from 'vitest'
import { limits } from '../../src/limits.ts'
import { createRig, refusal, uuid, type Rig } from '../support/reconciler.ts'

const hub = { kind: 'Secret', name: 'hub' } as const
const manifest = { kind: 'Secret', name: 'manifest' } as const
const token = 'hf_correcthorsebatterystaple'
const fromHub = { uuid, environmentParametersFrom: [{ secretKeyRef: { name: 'hub', key: 'token' }, as: 'HF_TOKEN' }] }

/** Everything that people get to read. */
const shownBy = ({ fleet, announced, entries }: Rig) => JSON.stringify([fleet.writes, announced, entries])

async function inSync(spec: object = fromHub): Promise<Rig> {
  const rig = createRig()
  rig.inventory.place(uuid, { name: 'model' })
  rig.references.write(hub, { token })
  rig.fleet.create('a', spec)
  await rig.pass('a')
  expect(rig.ready('a')).toBe('True InSync')
  return rig
}

describe('a value from a Secret', () => {
  it('is sent once, and no more while nothing changes', async () => {
    const rig = await inSync()
    const writes = rig.fleet.writes.length
    expect(await rig.passes('a', 3)).toEqual({ kind: 'awaitChange' })
    expect(rig.inventory.updates()).toEqual([{ environmentParameters: { HF_TOKEN: token } }])
    expect(rig.fleet.writes).toHaveLength(writes)
    expect(shownBy(rig)).not.toContain(token)
  })

  it('is sent again when it is another', async () => {
    const rig = await inSync()
    rig.references.write(hub, { token: 'rotated' })
    await rig.pass('a')
    expect(rig.inventory.held(uuid)?.environmentParameters).toEqual({ HF_TOKEN: 'rotated' })
    expect(rig.fleet.status('a').lastUpdate?.cause).toBe('SpecChanged')
  })

  it('is not sent again when the Secret is written anew with the same data, not after a restart either', async () => {
    const rig = await inSync()
    rig.references.write(hub, { token, unrelated: 'x' })
    await rig.passes('a', 2)
    rig.restart()
    await rig.passes('a', 2)
    expect(rig.inventory.updates()).toHaveLength(1)
  })

  it('is sent once at most when the Secret was written anew while no process looked', async () => {
    const rig = await inSync()
    rig.references.write(hub, { token, unrelated: 'x' })
    rig.restart()
    await rig.passes('a', 3)
    rig.restart()
    await rig.passes('a', 3)
    expect(rig.inventory.updates()).toHaveLength(2)
  })

  it('is not sent under the policy Observe, nor while suspended', async () => {
    for (const [steering, ready] of [
      [{ policy: 'Observe' }, 'True InSync'],
      [{ suspend: true }, 'Unknown Suspended'],
    ] as const) {
      const rig = createRig()
      rig.inventory.place(uuid, { name: 'model' })
      rig.references.write(hub, { token })
      rig.fleet.create('a', { ...fromHub, ...steering })
      await rig.passes('a', 2)
      expect(rig.inventory.updates()).toEqual([])
      expect(rig.ready('a')).toBe(ready)
    }
  })

  it('leaves two objects with the same token nothing to compare', async () => {
    const rig = createRig()
    const uuids = ['a', 'b', 'c'].map((digit) => digit.repeat(32))
    for (const name of ['hub', 'copy']) rig.references.write({ kind: 'Secret', name }, { token })
    for (const [i, one] of uuids.entries()) {
      rig.inventory.place(one, { name: 'model' })
      const name = i === 2 ? 'copy' : 'hub'
      const environmentParametersFrom = [{ secretKeyRef: { name, key: 'token' }, as: 'HF_TOKEN' }]
      rig.fleet.create(`object-${i}`, { uuid: one, environmentParametersFrom })
      await rig.pass(`object-${i}`)
    }
    const hashes = uuids.map((_, i) => rig.fleet.status(`object-${i}`).fieldHashes?.environmentParameters)
    expect(hashes).not.toContain(undefined)
    expect(new Set(hashes).size).toBe(3)
  })

  it('counts by where it comes from: another token under the same uid and version has the same hash', async () => {
    const hashOf = async (text: string) => {
      const rig = createRig()
      rig.inventory.place(uuid, { name: 'model' })
      rig.references.write(hub, { token: text })
      rig.fleet.create('a', fromHub, { uid: 'one' })
      await rig.pass('a')
      return rig.fleet.status('a').fieldHashes
    }
    expect(await hashOf('one')).toEqual(await hashOf('two'))
  })
})

describe('while something that an object refers to is missing', () => {
  it.each([
    [
      'the Secret',
      (rig: Rig) => rig.references.show(hub, { kind: 'notFound' }),
      'there is no Secret hub in namespace default',
    ],
    ['the key', (rig: Rig) => rig.references.write(hub, { other: 'x' }), 'Secret hub has no key token'],
    [
      'text',
      (rig: Rig) => rig.references.write(hub, { token: undefined }),
      'key token of Secret hub is not UTF-8 text',
    ],
    [
      'the right',
      (rig: Rig) => rig.references.show(hub, { kind: 'forbidden', user: 'system:serviceaccount:ops:operator' }),
      'the operator may not get Secret hub in namespace default; grant it: kubectl create role modelservice-operator-read-secret-hub -n default --verb=get --resource=secrets --resource-name=hub && kubectl create rolebinding modelservice-operator-read-secret-hub -n default --role=modelservice-operator-read-secret-hub --serviceaccount=ops:operator',
    ],
    [
      'an answer',
      (rig: Rig) => rig.references.show(hub, { kind: 'unreadable', status: 500 }),
      'Secret hub cannot be read, for the API server answers with 500',
    ],
    ['room', (rig: Rig) => rig.references.write(hub, { token: 'x'.repeat(limits.maxReferencedBytes + 1) }), undefined],
  ])('(%s), it says so, nothing of it is sent, and it heals', async (_, break_, message) => {
    const rig = await inSync()
    break_(rig)
    rig.fleet.edit('a', { requestCpu: 8 })
    expect(await rig.passes('a', 2)).toEqual({ kind: 'awaitChange' })
    expect(rig.ready('a')).toBe('False ReferenceNotFound')
    if (message !== undefined)
      expect(rig.condition('a', 'Stalled')?.message).toBe(`environmentParametersFrom[0]: ${message}`)
    expect(rig.inventory.updates()).toHaveLength(1)
    rig.references.write(hub, { token })
    await rig.pass('a')
    expect(rig.ready('a')).toBe('True InSync')
    expect(rig.inventory.held(uuid)).toMatchObject({ requestCpu: 8, environmentParameters: { HF_TOKEN: token } })
  })

  it('and not read yet, the object waits without a word', async () => {
    const rig = createRig()
    rig.inventory.place(uuid, { name: 'model' })
    rig.references.show(hub, undefined)
    rig.fleet.create('a', fromHub)
    expect(await rig.pass('a')).toEqual({ kind: 'awaitChange' })
    expect(rig.fleet.writes).toEqual([])
    expect(rig.inventory.calls).toEqual([])
  })

  it('an update that waits for its turn does not leave', async () => {
    const rig = createRig()
    rig.inventory.place(uuid, { name: 'model' })
    rig.references.write(hub, { token })
    rig.fleet.create('a', fromHub)
    const turn = Promise.withResolvers<undefined>()
    rig.inventory.next('update', { queuedFor: turn.promise })
    const { ended } = await rig.begin('a')
    rig.references.show(hub, { kind: 'notFound' })
    turn.resolve(undefined)
    await ended
    await rig.pass('a')
    expect(rig.inventory.updates()).toEqual([])
    expect(rig.ready('a')).toBe('False ReferenceNotFound')
  })

  it('an update that waits for its turn leaves though the Secret is written anew with the same data', async () => {
    const rig = createRig()
    rig.inventory.place(uuid, { name: 'model' })
    rig.references.write(hub, { token })
    rig.fleet.create('a', fromHub)
    const turn = Promise.withResolvers<undefined>()
    rig.inventory.next('update', { queuedFor: turn.promise })
    const { ended } = await rig.begin('a')
    rig.references.write(hub, { token })
    turn.resolve(undefined)
    await ended
    expect(rig.inventory.updates()).toHaveLength(1)
  })
})

describe('what an object refers to', () => {
  it('is asked for as long as the object wants it', async () => {
    const rig = await inSync()
    expect(rig.references.referredBy('default/a')).toEqual(['Secret hub'])
    rig.fleet.edit('a', { environmentParametersFrom: undefined })
    await rig.pass('a')
    expect(rig.references.referredBy('default/a')).toEqual([])
    rig.fleet.edit('a', { environmentParametersFrom: fromHub.environmentParametersFrom })
    await rig.pass('a')
    rig.fleet.remove('a')
    await rig.pass('a')
    expect(rig.references.referredBy('default/a')).toEqual([])
  })
})

describe('the loser of a uuid', () => {
  it('has nothing read that it refers to, until it wins', async () => {
    const rig = await inSync({ uuid, requestCpu: 4 })
    rig.fleet.create('b', fromHub)
    await rig.pass('b')
    expect(rig.ready('b')).toBe('False UUIDConflict')
    expect(rig.references.referredBy('default/b')).toEqual([])
    rig.fleet.remove('a')
    await rig.passes('b', 2)
    expect(rig.references.referredBy('default/b')).toEqual(['Secret hub'])
    expect(rig.ready('b')).toBe('True InSync')
  })

  it('that won before has nothing read any more', async () => {
    const rig = createRig()
    rig.inventory.place(uuid, { name: 'model' })
    rig.references.write(hub, { token })
    rig.fleet.create('b', fromHub, { createdAt: '2026-01-02T00:00:00Z' })
    await rig.pass('b')
    expect(rig.references.referredBy('default/b')).toEqual(['Secret hub'])
    rig.fleet.create('a', { uuid }, { createdAt: '2026-01-01T00:00:00Z' })
    await rig.pass('b')
    expect(rig.references.referredBy('default/b')).toEqual([])
  })
})

describe('a request to look now', () => {
  it('reads what the object refers to without waiting for the interval, once', async () => {
    const rig = await inSync()
    rig.references.show(hub, { kind: 'forbidden', user: undefined })
    rig.fleet.request('a', 'now')
    await rig.pass('a')
    expect(rig.references.refreshed).toEqual(['Secret hub'])
    rig.references.write(hub, { token })
    await rig.passes('a', 3)
    expect(rig.fleet.status('a').lastHandledReconcileAt).toBe('now')
    expect(rig.references.refreshed).toEqual(['Secret hub', 'Secret hub'])
  })
})

describe('a request to look now, of a Secret that was rotated', () => {
  it('sends the new value, and not the old one before it', async () => {
    const rig = await inSync()
    const answer = Promise.withResolvers<undefined>()
    rig.references.answerRefreshAfter(answer.promise)
    rig.fleet.edit('a', { requestCpu: 8 })
    rig.fleet.request('a', 'now')
    const { ended } = await rig.begin('a')
    expect(rig.inventory.updates()).toHaveLength(1)
    rig.references.write(hub, { token: 'rotated' })
    answer.resolve(undefined)
    await ended
    expect(rig.inventory.updates().slice(1)).toEqual([
      { requestCpu: 8, environmentParameters: { HF_TOKEN: 'rotated' } },
    ])
  })

  it('waits for five seconds and no longer', async () => {
    const rig = await inSync()
    rig.references.answerRefreshAfter(new Promise(() => undefined))
    rig.fleet.edit('a', { requestCpu: 8 })
    rig.fleet.request('a', 'now')
    const { ended } = await rig.begin('a')
    await rig.clock.advance(4_900)
    expect(rig.inventory.updates()).toHaveLength(1)
    await rig.clock.advance(200)
    await ended
    expect(rig.inventory.updates()[1]).toEqual({ requestCpu: 8, environmentParameters: { HF_TOKEN: token } })
    expect(rig.fleet.status('a').lastHandledReconcileAt).toBe('now')
  })

  it('is dropped at once for an edit that comes meanwhile', async () => {
    const rig = await inSync()
    rig.references.answerRefreshAfter(new Promise(() => undefined))
    rig.fleet.request('a', 'now')
    const { ended } = await rig.begin('a')
    rig.fleet.edit('a', { environmentParametersFrom: undefined, requestCpu: 8 })
    await rig.clock.advance(1_000)
    expect(await ended).toEqual({ kind: 'after', ms: 0 })
  })
})

describe('an update that ZStack refused', () => {
  it('is tried again as soon as the Secret holds something else, and not because it was written anew', async () => {
    const rig = createRig()
    rig.inventory.place(uuid, { name: 'model' })
    rig.references.write(hub, { token })
    rig.fleet.create('a', fromHub)
    rig.inventory.next('update', { fails: refusal })
    await rig.pass('a')
    rig.references.write(hub, { token, unrelated: 'x' })
    await rig.passes('a', 2)
    expect(rig.inventory.updates()).toHaveLength(1)
    rig.restart()
    await rig.pass('a')
    expect(rig.inventory.updates()).toHaveLength(1)
    rig.references.write(hub, { token: 'rotated' })
    await rig.pass('a')
    expect(rig.inventory.updates()).toHaveLength(2)
    expect(rig.ready('a')).toBe('True InSync')
  })
})

describe('an update that became a job', () => {
  let rig: Rig
  beforeEach(async () => {
    rig = createRig()
    rig.inventory.place(uuid, { name: 'model', requestCpu: 4 })
    rig.references.write(hub, { token })
    rig.fleet.create('a', { ...fromHub, requestCpu: 8 })
    rig.inventory.next('update', { job: true })
    await rig.pass('a')
    expect(rig.ready('a')).toBe('False AwaitingJob')
  })

  it('of a token that was rotated meanwhile is followed by one with the new token', async () => {
    rig.references.write(hub, { token: 'rotated' })
    rig.inventory.endJobs()
    await rig.passes('a', 2)
    expect(rig.inventory.held(uuid)?.environmentParameters).toEqual({ HF_TOKEN: 'rotated' })
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('of a former process does not pass for one with the token of now', async () => {
    rig.references.write(hub, { token: 'rotated' })
    rig.restart()
    rig.inventory.endJobs()
    await rig.passes('a', 3)
    expect(rig.inventory.held(uuid)?.environmentParameters).toEqual({ HF_TOKEN: 'rotated' })
    expect(rig.ready('a')).toBe('True InSync')
  })

  it('of a former process that failed is told without the words of ZStack, which may hold the token of then', async () => {
    rig.references.write(hub, { token: 'rotated' })
    rig.restart()
    const message = `ZStack could not carry out the update: ${token} is no token`
    rig.inventory.endJobs({ fails: { kind: 'operation', code: 'SYS.1006', message } })
    await rig.pass('a')
    expect(rig.condition('a', 'Stalled')?.message).toMatch(/SYS\.1006.*not shown/)
    expect(shownBy(rig)).not.toContain(token)
  })

  it('and whose Secret is gone meanwhile is followed to its end when that is back', async () => {
    rig.references.show(hub, { kind: 'notFound' })
    await rig.pass('a')
    expect(rig.ready('a')).toBe('False ReferenceNotFound')
    rig.inventory.endJobs()
    rig.references.write(hub, { token })
    await rig.passes('a', 3)
    expect(rig.ready('a')).toBe('True InSync')
  })
})

describe('a yaml from a Secret', () => {
  const spec = { uuid, yamlFrom: { secretKeyRef: { name: 'manifest', key: 'yaml' } } }
  const secretYaml = 'token: correct-horse\n'

  it('is compared by reading, and shows nowhere: not in drift, live, messages, events or log', async () => {
    const rig = createRig()
    rig.inventory.place(uuid, { name: 'model', yaml: 'token: the-one-before' })
    rig.references.write(manifest, { yaml: secretYaml })
    rig.fleet.create('a', { ...spec, policy: 'Observe' })
    await rig.pass('a')
    expect(rig.ready('a')).toBe('True DriftDetected')
    expect(rig.fleet.status('a').drift).toEqual([
      { field: 'yaml', desired: '(from Secret manifest)', live: '(not shown)' },
    ])
    expect(rig.fleet.status('a').live).toEqual({ name: 'model' })
    rig.fleet.edit('a', { policy: 'Enforce' })
    await rig.pass('a')
    expect(rig.ready('a')).toBe('True InSync')
    expect(rig.inventory.held(uuid)?.yaml).toBe(secretYaml)
    expect(shownBy(rig)).not.toMatch(/correct-horse|the-one-before|sha256/)
  })

  it('that somebody changed in ZStack is put back as drift', async () => {
    const rig = createRig()
    rig.inventory.place(uuid, { name: 'model', yaml: secretYaml })
    rig.references.write(manifest, { yaml: secretYaml })
    rig.fleet.create('a', spec)
    await rig.pass('a')
    expect(rig.inventory.updates()).toEqual([])
    rig.inventory.place(uuid, { yaml: 'token: somebody-elses' })
    await rig.inventory.read(uuid, new AbortController().signal)
    await rig.pass('a')
    expect(rig.inventory.held(uuid)?.yaml).toBe(secretYaml)
    expect(rig.fleet.status('a').lastUpdate?.cause).toBe('DriftCorrected')
    expect(shownBy(rig)).not.toContain('somebody-elses')
  })
})

describe('a field whose value came from a Secret before', () => {
  it.each([
    ['a value of the spec', { yaml: 'a: 1' }],
    ['none', {}],
  ])('and now has %s shows nothing of what ZStack still holds, not after a restart either', async (_, declared) => {
    const rig = createRig({})
    rig.inventory.place(uuid, { name: 'model', requestCpu: 4 })
    rig.references.write(manifest, { yaml: 'token: correct-horse' })
    rig.fleet.create('a', { uuid, requestCpu: 4, yamlFrom: { secretKeyRef: { name: 'manifest', key: 'yaml' } } })
    await rig.pass('a')
    rig.fleet.edit('a', { yamlFrom: undefined, policy: 'Observe', ...declared })
    rig.restart()
    await rig.passes('a', 2)
    rig.restart()
    rig.fleet.edit('a', { requestCpu: 8 })
    await rig.passes('a', 2)
    expect(rig.fleet.status('a').live).toEqual({ name: 'model', requestCpu: 4 })
    expect(shownBy(rig)).not.toMatch(/correct-horse|sha256/)
    if (!('yaml' in declared)) return
    rig.fleet.edit('a', { policy: 'Enforce' })
    await rig.pass('a')
    expect(rig.fleet.status('a').live?.yaml?.size).toBe(4)
  })
})
