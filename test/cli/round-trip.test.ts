import * as fc from 'fast-check'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { desiredOf } from '../../src/api/fields.ts'
import type { Spec } from '../../src/api/modelservice.ts'
import { planDocument, planDocumentOf } from '../../src/cli/plan/document.ts'
import { planObjects } from '../../src/cli/plan/plan-objects.ts'
import { planMarkdown } from '../../src/cli/plan/markdown.ts'
import type { Patch } from '../../src/decide/plan.ts'
import { createClaims } from '../../src/reconcile/claims.ts'
import { createConnections } from '../../src/reconcile/connections.ts'
import { createReconciler } from '../../src/reconcile/reconcile.ts'
import { systemClock } from '../../src/clock.ts'
import { createConnection } from '../../src/zstack/connection.ts'
import { fixedCredentials } from '../../src/zstack/credentials.ts'
import { createHttp } from '../../src/zstack/http.ts'
import { updateBody } from '../../src/zstack/wire.ts'
import type { ObjectRef } from '../../src/referenced-object.ts'
import { redacted } from '../../src/redacted.ts'
import { createFakeReferences, type FakeReferences } from '../support/references.ts'
import { specs } from '../support/arbitrary.ts'
import { createCapturedLog } from '../support/captured-log.ts'
import { environmentOf, runCommand } from '../support/cli.ts'
import { createFleet, keyOf } from '../support/fleet.ts'
import { newUuid } from '../support/zstack/model.ts'
import {
  DEFAULT_CREDENTIALS,
  startZStackSimulator,
  type ModelServiceInventory,
  type ZStackSimulator,
} from '../support/zstack/simulator.ts'

let zstack: ZStackSimulator
let directory: string
beforeAll(async () => {
  zstack = await startZStackSimulator({ moods: { overlongText: 'stored' } })
  directory = await mkdtemp(join(tmpdir(), 'round-trip-'))
})
afterAll(async () => {
  await zstack.close()
  await rm(directory, { recursive: true })
})

/** What a node may hold beside what a ModelService can declare. */
const strange = fc.record(
  {
    name: fc.oneof(
      fc.constantFrom('Chat', 'chat', 'chat ', '聊天服务', 'on', '1:30', '-', 'x'.repeat(300), 'a\u001b[2Jb', '\ud800'),
      fc.string({ unit: 'binary', maxLength: 40 }),
    ),
    description: fc.constantFrom(
      '',
      'y'.repeat(2049),
      '~',
      'null',
      'a\r\nb',
      'a\nb \n',
      ' \n',
      '\t',
      '#',
      "'",
      '\u0085\n',
    ),
    yaml: fc.oneof(
      fc.constantFrom(
        'a: 1',
        'a: &a [*a]',
        '\ta: 1\n',
        '  a\nb\n',
        '\n\n',
        '---\n',
        'x\u2028y\n',
        '...\nb\n',
        'a\n\n\n',
      ),
      fc
        .array(fc.constantFrom('a: 1', '- ', ' ', '\t', '#', '|', '"', '...', '---', '\r', '世界'), { maxLength: 9 })
        .map((parts) => parts.join('\n')),
    ),
    requestCpu: fc.constantFrom<unknown>(0, -1, 2 ** 31, 1.5, '4', null),
    requestMemory: fc.oneof(fc.constantFrom<unknown>(0, -1, 1.5, '8Gi', 2 ** 53, 5e9, 1000, 1024), fc.maxSafeNat()),
    pythonVersion: fc.constantFrom(
      '3.10',
      '1e3',
      '0x1F',
      '010',
      '1_000',
      '.inf',
      'yes',
      'n',
      '=',
      '<<',
      '2001-01-01',
      'z'.repeat(33),
    ),
    supportDistributed: fc.constantFrom<unknown>(true, false, 'true'),
    modelServiceImages: fc.constantFrom<unknown>([{}], ['x'], 'x', [
      { cpuArchitecture: 'x86_64', vmImageUuid: 'no uuid' },
    ]),
    vendorToSpecUuidsMap: fc.constantFrom<unknown>(
      { '<<': ['a'.repeat(32)] },
      { yes: ['0'.repeat(32)], '1': ['1'.repeat(32)], __proto__x: [] },
      { NVIDIA: ['no uuid'] },
      JSON.parse('{"__proto__": []}'),
    ),
    system: fc.boolean(),
  },
  { requiredKeys: [] },
)

const inventories = fc.array(
  fc.record({ declared: specs, strange }).map(({ declared, strange: odd }): ModelServiceInventory => {
    const values = Object.fromEntries(desiredOf(declared as Spec))
    return { name: 'a service', ...values, ...odd, uuid: newUuid() }
  }),
  { minLength: 1, maxLength: 4 },
)

function hold(services: readonly ModelServiceInventory[]): () => void {
  zstack.add(...services)
  return () => services.forEach(({ uuid }) => zstack.remove(uuid))
}

describe('import', () => {
  it('of any inventory gives manifests of which a plan is empty', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(inventories, async (services) => {
        const release = hold(services)
        try {
          const imported = await runCommand(['import', '--all', '--include-system'], { env: environmentOf(zstack) })
          expect(imported).toMatchObject({ code: 0, err: expect.stringContaining('proven:') as string })
          const names = parseAllDocuments(imported.out).map((document) => String(document.getIn(['metadata', 'name'])))
          expect(new Set(names).size).toBe(services.length)
          const plan = await runCommand(['plan', '-f', '-', '-o', 'json'], {
            env: environmentOf(zstack),
            stdin: imported.out,
          })
          const { objects } = planDocument.parse(JSON.parse(plan.out))
          expect(objects.map(({ result }) => result)).toEqual(services.map(() => 'same'))
          expect(plan.code).toBe(0)
        } finally {
          release()
        }
      }),
      { numRuns: 100 },
    )
  })

  it('into a directory writes one file for each', async () => {
    const release = hold([
      { uuid: newUuid(), name: 'One' },
      { uuid: newUuid(), name: 'Two' },
    ])
    try {
      const { code } = await runCommand(['import', '--all', '--out', directory], { env: environmentOf(zstack) })
      expect(code).toBe(0)
      expect(await readdir(directory)).toEqual(['one.yaml', 'two.yaml'])
    } finally {
      release()
    }
  })
})

/** Takes every field of the spec away that the next edit does not declare. */
const withoutFields = (spec: unknown) => Object.fromEntries(Object.keys(spec ?? {}).map((field) => [field, undefined]))

/** Stands in every value that a spec takes from elsewhere. */
const confidential = 'hunter2'
const confidentialText = fc.constantFrom('', 'é\n', '"quoted"', '<b>&').map((text) => `${confidential}${text}`)
const hub = { name: 'hub' }
const entry = fc.oneof(
  fc.record({ secretRef: fc.constant(hub), prefix: fc.constantFrom('A_', 'B_') }),
  fc.record({ configMapRef: fc.constant(hub), prefix: fc.constantFrom('A_', 'C_') }),
  fc.record({ secretKeyRef: fc.constant({ ...hub, key: 'token' }), as: fc.constantFrom('TOKEN', 'A_token') }),
  fc.record({ configMapKeyRef: fc.constant({ ...hub, key: 'nothing' }), optional: fc.constant(true) }),
)
const entries = fc.array(entry, { minLength: 1, maxLength: 3 })
const textRef = fc.constantFrom('secretKeyRef', 'configMapKeyRef').map((ref) => ({ [ref]: { ...hub, key: 'yaml' } }))
/** References of a spec; a yaml of its own stands aside for one from elsewhere. */
const sources = fc.record(
  {
    environmentParametersFrom: entries,
    startupParametersFrom: entries,
    inferenceParamsFrom: entries,
    yamlFrom: textRef,
  },
  { requiredKeys: [] },
)
const texts = fc.record({
  token: confidentialText,
  yaml: confidentialText.map((text) => `a: ${JSON.stringify(text)}\n`),
})

function writeSources(references: FakeReferences, data: Readonly<Record<string, string>>) {
  references.write({ kind: 'Secret', name: 'hub' }, data)
  references.write({ kind: 'ConfigMap', name: 'hub' }, data)
}

describe('plan', () => {
  it(
    'of any spec, references included, names exactly the update that the operator then sends, and no value from elsewhere',
    { timeout: 120_000 },
    async () => {
      const { endpoint, connection, close } = connect()
      const { log } = createCapturedLog()
      const signal = new AbortController().signal
      const intents = fc.record({
        declared: specs,
        policy: fc.constantFrom(undefined, 'Enforce', 'ApplyChanges', 'Observe'),
        suspend: fc.constantFrom(undefined, undefined, true, false),
        from: fc.oneof(fc.constant({}), sources),
        data: texts,
      })
      /** Edits one after the other, with drift before some: from the second on, the status tells what was sent before. */
      const lives = fc.array(fc.record({ intent: intents, drift: fc.constantFrom(undefined, 77, null) }), {
        minLength: 1,
        maxLength: 3,
      })
      const specOf = (
        { declared, policy, suspend, from }: typeof intents extends fc.Arbitrary<infer T> ? T : never,
        uuid: string,
      ) => ({
        ...declared,
        ...('yamlFrom' in from && { yaml: undefined }),
        ...from,
        uuid,
        ...(policy && { policy }),
        ...(suspend !== undefined && { suspend }),
      })
      try {
        await fc.assert(
          fc.asyncProperty(inventories, lives, async ([service], steps) => {
            const { uuid } = service!
            const release = hold([service!])
            const claims = createClaims()
            const references = createFakeReferences()
            const fleet = createFleet((key, _, after) => void claims.note(key, after, connection))
            for (const [index, { intent, drift }] of steps.entries()) {
              const spec = specOf(intent, uuid)
              writeSources(references, intent.data)
              if (index === 0) fleet.create('one', spec)
              else fleet.edit('one', { ...withoutFields(fleet.get(keyOf('one'))?.spec), ...spec })
              if (drift !== undefined) zstack.drift(uuid, { requestCpu: drift })
              const subject = { source: undefined, object: fleet.get(keyOf('one'))! }
              // Nobody knows anything but what stands in status: neither the plan nor the operator.
              connection.inventory.retain(new Set())
              const options = {
                inventory: connection.inventory,
                endpoint,
                now: Date.now(),
                signal,
                references: (ref: ObjectRef) => references.get(ref),
              }
              const [planned] = await planObjects([subject], options)
              connection.inventory.retain(new Set())
              zstack.resetCounters()
              const ignore = () => undefined
              const reconciler = createReconciler({
                ...{ objects: fleet, claims, connections: createConnections([connection]), clock: systemClock },
                ...{ recordEvent: ignore, onUpdate: ignore, mayRestoreStatus: () => true, staleAfterMs: 300_000 },
                references,
              })
              await reconciler.reconcile(keyOf('one'), { log, signal })
              const [sent] = zstack.requests('update')
              const shown = JSON.stringify(planDocumentOf([planned!], endpoint, 0)) + planMarkdown([planned!], endpoint)
              expect(shown).not.toContain(confidential)
              const patch: Patch = Object.fromEntries(planned!.changes.map(({ field, desired }) => [field, desired]))
              expect(sent?.body).toEqual(planned!.result === 'update' ? updateBody(patch, 'envelope') : undefined)
            }
            release()
            connection.inventory.retain(new Set())
          }),
          { numRuns: 150 },
        )
      } finally {
        await close()
      }
    },
  )

  function connect() {
    const endpoint = zstack.url
    const http = createHttp({
      ...{ baseUrl: endpoint, timeoutMs: 10_000, connections: 8, insecureSkipTlsVerify: false, userAgent: 'test' },
    })
    const { accountName, password } = DEFAULT_CREDENTIALS
    const connection = createConnection({
      ...{ kind: 'Environment', name: 'default', endpoint, http, requestBody: 'envelope', maxInFlight: 4 },
      credentials: fixedCredentials({ kind: 'account', name: accountName, password: redacted(password) }),
      ...{ clock: systemClock, random: Math.random, onShapeLearned: () => undefined },
    })
    return { endpoint, connection, close: () => connection.close() }
  }
})
