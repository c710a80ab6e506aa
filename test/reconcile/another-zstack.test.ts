import { describe, expect, it } from 'vitest'
import { keyOf } from '../support/fleet.ts'
import { createRig, endpoint, outage, uuid } from '../support/reconciler.ts'

const signal = new AbortController().signal

/** An object whose status was found out at another ZStack, by a process that has ended. */
async function movedHere() {
  const rig = createRig()
  rig.inventory.place(uuid, { requestCpu: 8 })
  rig.fleet.create('a', { uuid, requestCpu: 8, userTags: ['x'] })
  await rig.pass('a')
  expect(rig.ready('a')).toBe('True InSync')
  const connection = { kind: 'Environment', name: 'default', endpoint: 'http://former.example/zstack' }
  await rig.fleet.writeStatus(rig.fleet.get(keyOf('a'))!, { ...rig.fleet.status('a'), connection }, signal)
  rig.restart()
  return rig
}

describe('an object that was looked at in another ZStack', () => {
  it('says at once that nothing is known of it here', async () => {
    const rig = await movedHere()
    expect(await rig.pass('a')).toEqual({ kind: 'after', ms: 500 })
    expect(rig.inventory.calls.filter(({ kind }) => kind === 'read')).toHaveLength(1)
    expect(rig.ready('a')).toBe('Unknown Initializing')
    rig.inventory.next('read', { fails: outage })
    await rig.pass('a')
    expect(rig.ready('a')).toBe('Unknown Unreachable')
    expect(rig.fleet.status('a')).not.toHaveProperty('live')
    expect(rig.fleet.status('a')).not.toHaveProperty('convergedGeneration')
  })

  it('is sent its write-only fields here too, though it is in sync by all that can be read', async () => {
    const rig = await movedHere()
    await rig.passes('a', 2)
    expect(rig.inventory.updates().at(-1)).toEqual({ userTags: ['x'] })
    expect(rig.ready('a')).toBe('True InSync')
    expect(rig.fleet.status('a').connection).toEqual({ kind: 'Environment', name: 'default', endpoint })
    await rig.pass('a')
    expect(rig.inventory.updates()).toHaveLength(2)
  })
})
