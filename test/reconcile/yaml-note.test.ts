import { describe, expect, it } from 'vitest'
import { createRig, uuid } from '../support/reconciler.ts'

const note = 'spec.yaml does not parse as YAML (line 3); it is sent and compared as it stands'
const broken = 'a: 1\nb: [1, 2\nc: hunter2'

function declaring(yaml: string, spec: object = {}) {
  const rig = createRig()
  rig.inventory.place(uuid, { yaml: 'a: 1', requestCpu: 4 })
  rig.fleet.create('a', { uuid, yaml, ...spec })
  return rig
}

describe('a yaml that does not parse', () => {
  it('is sent as it stands, and said in Synced, Ready and one Warning event', async () => {
    const rig = declaring(broken)
    await rig.passes('a', 3)
    expect(rig.inventory.updates()).toEqual([{ yaml: broken }])
    expect(rig.ready('a')).toBe('True InSync')
    for (const type of ['Synced', 'Ready'] as const) expect(rig.condition('a', type)?.message).toContain(note)
    expect(rig.announced.filter((event) => event.includes('UnparsableYAML'))).toEqual([`a: UnparsableYAML ${note}`])
  })

  it('is said where nothing is written too, and none of its text is', async () => {
    const rig = declaring(broken, { policy: 'Observe' })
    await rig.pass('a')
    expect(rig.condition('a', 'Synced')).toMatchObject({
      status: 'False',
      message: expect.stringContaining(note) as string,
    })
    expect(rig.announced.join()).not.toContain('hunter2')
  })

  it('is said no more once it is corrected', async () => {
    const rig = declaring(broken)
    await rig.pass('a')
    rig.fleet.edit('a', { yaml: 'a: 2' })
    await rig.passes('a', 2)
    expect(rig.condition('a', 'Synced')?.message).not.toContain('parse')
  })
})

it.each(['a: 1', 'text', '', '# c', '--- 1\n--- 2', 'a: !mine 1', 'a: 1\na: 2', `[${'['.repeat(200)}`])(
  'a yaml %j is nothing to speak of',
  async (yaml) => {
    const rig = declaring(yaml)
    await rig.pass('a')
    expect(rig.announced.join()).not.toContain('UnparsableYAML')
  },
)
