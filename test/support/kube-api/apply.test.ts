import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startFixture, widget, WIDGETS, type Client } from './fixture.ts'
import type { StandInApi } from './server.ts'

let api: StandInApi
let client: Client
beforeAll(async () => {
  ;({ api, client } = await startFixture())
})
beforeEach(async () => {
  await client.delete(WIDGETS)
})
afterAll(() => api.close())

function apply(manager: string, spec: object, more = '') {
  return client.patch(`${WIDGETS}/a?fieldManager=${manager}${more}`, widget('a', spec), 'application/apply-patch+yaml')
}

test('applying creates the object and says whose the fields are', async () => {
  const { status, body } = await apply('flux', { cpu: 1, images: [{ arch: 'x', image: 'i' }] })
  expect(status).toBe(201)
  expect(body.metadata.managedFields).toMatchObject([
    {
      manager: 'flux',
      operation: 'Apply',
      fieldsV1: {
        'f:spec': {
          'f:cpu': {},
          'f:uuid': {},
          'f:images': { 'k:{"arch":"x"}': { '.': {}, 'f:arch': {}, 'f:image': {} } },
        },
      },
    },
  ])
  expect((await apply('flux', { cpu: 1, images: [{ arch: 'x', image: 'i' }] })).body).toEqual(body)
})

test('what a manager no longer applies goes, what another owns stays', async () => {
  await apply('flux', { cpu: 1, env: { A: '1', B: '1' } })
  await client.patch(`${WIDGETS}/a?fieldManager=me`, { spec: { policy: 'Observe', env: { C: '1' } } })
  const { body } = await apply('flux', { env: { B: '1' } })
  expect(body.spec).toEqual({ uuid: 'abcd', policy: 'Observe', env: { B: '1', C: '1' } })
})

test('another value for a field of another manager is a conflict, unless forced', async () => {
  await apply('flux', { cpu: 1, policy: 'Enforce' })
  await client.patch(`${WIDGETS}/a?fieldManager=me`, { spec: { cpu: 2 } })
  const refused = await apply('flux', { cpu: 3, policy: 'Enforce' })
  expect(refused.body).toMatchObject({
    code: 409,
    reason: 'Conflict',
    message: 'Apply failed with 1 conflict: conflict with "me" using test.example.com/v1: .spec.cpu',
    details: { causes: [{ reason: 'FieldManagerConflict', field: '.spec.cpu' }] },
  })
  const forced = await apply('flux', { cpu: 3, policy: 'Enforce' }, '&force=true')
  expect(forced.body.spec.cpu).toBe(3)
  expect(forced.body.metadata.managedFields.map((entry) => entry.manager)).toEqual(['flux'])
})

test('keyed lists merge by key', async () => {
  await apply('flux', { images: [{ arch: 'x', image: 'i' }] })
  const { body } = await apply('other', { images: [{ arch: 'y', image: 'j' }] })
  expect(body.spec.images).toEqual([
    { arch: 'x', image: 'i' },
    { arch: 'y', image: 'j' },
  ])
  const { body: fewer } = await client.patch(
    `${WIDGETS}/a?fieldManager=flux`,
    widget('a'),
    'application/apply-patch+yaml',
  )
  expect(fewer.spec.images).toEqual([{ arch: 'y', image: 'j' }])
})

test('an atomic map is owned, disputed and replaced as one field', async () => {
  const { body: first } = await apply('flux', { whole: { A: '1', B: '1' } })
  expect(first.metadata.managedFields).toMatchObject([{ fieldsV1: { 'f:spec': { 'f:whole': {} } } }])
  const refused = await apply('other', { whole: { C: '1' } })
  expect(refused.body.details).toEqual({ causes: [expect.objectContaining({ field: '.spec.whole' })] })
  const { body } = await apply('other', { whole: { C: '1' } }, '&force=true')
  expect(body.spec).toMatchObject({ whole: { C: '1' } })
  expect(body.spec).not.toMatchObject({ whole: { A: '1' } })
})

test('atomic items of a keyed list are one field each', async () => {
  await apply('flux', {})
  const conditions = [
    { type: 'Ready', status: 'True' },
    { type: 'Synced', status: 'True' },
  ]
  const { body } = await client.patch(
    `${WIDGETS}/a/status?fieldManager=op`,
    { ...widget('a'), status: { conditions } },
    'application/apply-patch+yaml',
  )
  expect(body.status.conditions).toEqual(conditions)
  expect(body.metadata.managedFields).toContainEqual(
    expect.objectContaining({
      fieldsV1: { 'f:status': { 'f:conditions': { 'k:{"type":"Ready"}': {}, 'k:{"type":"Synced"}': {} } } },
    }),
  )
})

test('the status is applied through its own path', async () => {
  await apply('flux', { cpu: 1 })
  const status = { ...widget('a', { cpu: 9 }), status: { observedGeneration: 1 } }
  const { body } = await client.patch(`${WIDGETS}/a/status?fieldManager=op`, status, 'application/apply-patch+yaml')
  expect(body).toMatchObject({ spec: { cpu: 1 }, status: { observedGeneration: 1 } })
  expect(body.metadata.managedFields[1]).toMatchObject({ manager: 'op', subresource: 'status' })
})

test('unknown fields and a missing manager are refused', async () => {
  expect((await apply('flux', { foo: 1 })).body.message).toContain('.spec.foo: field not declared in schema')
  expect((await apply('', {})).body.message).toContain('fieldManager: Required value')
})
