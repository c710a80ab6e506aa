import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fieldNames } from '../../../src/api/modelservice.ts'
import { reconcileRequestedAt, suspendReason, suspendUntil } from '../../../src/api/names.ts'
import { mergePatch } from '../../support/mergepatch.ts'
import { engineMissing, runScript } from './engine.ts'
import { modelServiceObject, passes, statusAfter, type ModelServiceObject } from './objects.ts'

type Actions = Readonly<Record<string, { readonly disabled: boolean; readonly displayName: string }>>

async function enabled(object: object): Promise<readonly string[]> {
  const [actions] = (await runScript('actions/discovery.lua', [object])) as readonly Actions[]
  return Object.entries(actions ?? {})
    .filter(([, { disabled }]) => !disabled)
    .map(([name]) => name)
    .sort()
}

/** What Argo CD sends to the API server: the difference between each object and what the script made of it. */
async function patchesBy(action: string, objects: readonly ModelServiceObject[]) {
  const changed = (await runScript(`actions/${action}.lua`, objects)) as readonly ModelServiceObject[]
  return objects.map((object, index) => mergePatch(object, { ...changed[index] }))
}

const patchBy = async (action: string, object: ModelServiceObject) => (await patchesBy(action, [object]))[0] ?? {}

describe.skipIf(engineMissing)('the actions offered for a ModelService', () => {
  it.each([
    ['at work', {}, ['reconcile-now', 'suspend']],
    ['whose spec says that it is not suspended', { spec: { suspend: false } }, ['reconcile-now', 'suspend']],
    ['suspended', { spec: { suspend: true } }, ['reconcile-now', 'resume']],
    ['being deleted', { metadata: { deletionTimestamp: '2026-11-23T12:00:00Z' } }, []],
  ])('for one %s are those that make sense', async (_, parts, names) => {
    expect(await enabled(modelServiceObject(parts))).toEqual(names)
  })

  it('have a name for people, each', async () => {
    const [actions] = (await runScript('actions/discovery.lua', [modelServiceObject()])) as readonly Actions[]
    expect(Object.values(actions ?? {}).map(({ displayName }) => displayName)).toEqual(
      expect.arrayContaining(['Reconcile now', 'Suspend', 'Resume']),
    )
  })

  it('are found without an error, whatever the object looks like', async () => {
    const odd = fc.record(
      { metadata: fc.jsonValue(), spec: fc.jsonValue(), status: fc.jsonValue() },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(odd, { minLength: 20, maxLength: 60 }), async (objects) => {
        const found = (await runScript('actions/discovery.lua', objects)) as readonly Actions[]
        for (const actions of found) expect(Object.keys(actions).sort()).toEqual(['reconcile-now', 'resume', 'suspend'])
      }),
      { numRuns: 10, seed: 20261123 },
    )
  })
})

describe.skipIf(engineMissing)('an action', () => {
  const status = statusAfter(passes.drifted)

  it.each([
    ['no annotations', {}],
    ['others', { annotations: { 'argocd.argoproj.io/tracking-id': 'models:ai.zstack.io/ModelService:models/chat' } }],
    ['an older request', { annotations: { [reconcileRequestedAt]: '2020-01-01T00:00:00Z' } }],
  ])(
    'reconcile-now on an object with %s sets the request to the present time, and nothing else',
    async (_, metadata) => {
      const before = Date.now()
      const patch = await patchBy('reconcile-now', modelServiceObject({ metadata, status }))
      expect(patch).toEqual({ metadata: { annotations: { [reconcileRequestedAt]: expect.any(String) as string } } })
      const { annotations } = patch.metadata as { annotations: Record<string, string> }
      expect(annotations[reconcileRequestedAt]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      const requested = Date.parse(annotations[reconcileRequestedAt] ?? '')
      // Whole seconds, cut.
      expect(requested).toBeGreaterThan(before - 1000)
      expect(requested).toBeLessThanOrEqual(Date.now())
    },
  )

  it('suspend sets spec.suspend, and nothing else', async () => {
    expect(await patchBy('suspend', modelServiceObject({ status }))).toEqual({ spec: { suspend: true } })
    const unsuspended = modelServiceObject({ spec: { suspend: false }, status })
    expect(await patchBy('suspend', unsuspended)).toEqual({ spec: { suspend: true } })
  })

  it('resume takes spec.suspend away, and nothing else', async () => {
    const suspended = modelServiceObject({ spec: { suspend: true }, status })
    expect(await patchBy('resume', suspended)).toEqual({ spec: { suspend: null } })
  })

  it('resume ends a suspension that has an end too', async () => {
    const metadata = { annotations: { [suspendUntil]: '2999-01-01T00:00:00Z', [suspendReason]: 'why', other: 'x' } }
    const patch = await patchBy('resume', modelServiceObject({ metadata, status }))
    expect(patch).toEqual({ metadata: { annotations: { [suspendUntil]: null, [suspendReason]: null } } })
  })

  it.each(['reconcile-now', 'suspend', 'resume'])('%s leaves every declared value as it was', async (action) => {
    const values: readonly unknown[] = [
      '',
      'x',
      0,
      17179869184,
      9007199254740991,
      false,
      [],
      {},
      [8000],
      { A: '' },
      { 1: 'x' },
      [{ a: {} }],
    ]
    const objects = values.map((value) => {
      const spec = Object.fromEntries(fieldNames.map((field) => [field, value]))
      return modelServiceObject({ spec: { ...spec, suspend: true }, status })
    })
    for (const patch of await patchesBy(action, objects)) {
      expect(Object.keys((patch.spec as object | undefined) ?? {}).filter((key) => key !== 'suspend')).toEqual([])
      expect(patch).not.toHaveProperty('status')
    }
  })
})
