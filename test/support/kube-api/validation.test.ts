import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCrds } from './crd-files.ts'
import {
  startFixture,
  widget,
  WIDGET_CRD,
  widgetCrd,
  WIDGETS,
  type Answered,
  type Client,
  type Definition,
} from './fixture.ts'
import { startStandInApi, type StandInApi } from './server.ts'

let api: StandInApi
let client: Client
beforeAll(async () => {
  ;({ api, client } = await startFixture())
  await client.post(WIDGETS, widget('old', { cpu: 1 }))
})
afterAll(() => api.close())

const UNCHECKED =
  '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'

/** Spec fields beside a good uuid, and the messages of a real kube-apiserver 1.36. */
const REFUSED: [situation: string, spec: object, ...messages: string[]][] = [
  ['a missing field', { uuid: undefined }, 'spec.uuid: Required value', UNCHECKED],
  ['a null where none may be', { uuid: null }, 'spec.uuid: Required value', UNCHECKED],
  [
    'another type',
    { cpu: '4' },
    'spec.cpu: Invalid value: "string": spec.cpu in body must be of type integer: "string"',
    UNCHECKED,
  ],
  [
    'a boolean as text',
    { suspend: 'yes' },
    'spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean: "string"',
    UNCHECKED,
  ],
  [
    'too small a number',
    { cpu: -1 },
    'spec.cpu: Invalid value: -1: spec.cpu in body should be greater than or equal to 0',
  ],
  [
    'too large a number',
    { cpu: 99 },
    'spec.cpu: Invalid value: 99: spec.cpu in body should be less than or equal to 64',
  ],
  [
    'a value outside the enum',
    { policy: 'Foo' },
    'spec.policy: Unsupported value: "Foo": supported values: "Enforce", "Observe"',
    UNCHECKED,
  ],
  ['too short a text', { name: '' }, 'spec.name: Invalid value: "": spec.name in body should be at least 1 chars long'],
  ['too long a text', { name: 'abcdefghi' }, 'spec.name: Too long: may not be more than 8 bytes', UNCHECKED],
  [
    'a text off the pattern',
    { name: 'A1' },
    `spec.name: Invalid value: "A1": spec.name in body should match '^[a-z]*$'`,
  ],
  ['too few items', { ports: [] }, 'spec.ports: Invalid value: 0: spec.ports in body should have at least 1 items'],
  [
    'too many items',
    { images: [{ arch: 'a' }, { arch: 'b' }, { arch: 'c' }] },
    'spec.images: Too many: 3: must have at most 2 items',
    UNCHECKED,
  ],
  [
    'an item outside its range',
    { ports: [0] },
    'spec.ports[0]: Invalid value: 0: spec.ports[0] in body should be greater than or equal to 1',
  ],
  ['a value twice in a set', { ports: [1, 2, 1] }, 'spec.ports[2]: Duplicate value: 1'],
  [
    'a key twice in a keyed list',
    { images: [{ arch: 'a' }, { arch: 'a', image: 'i' }] },
    'spec.images[1]: Duplicate value: {"arch":"a"}',
  ],
  ['an item without its key', { images: [{ image: 'i' }] }, 'spec.images[0].arch: Required value', UNCHECKED],
  [
    'a number in a map of texts',
    { env: { A: 1 } },
    'spec.env.A: Invalid value: "integer": spec.env.A in body must be of type string: "integer"',
    UNCHECKED,
  ],
  [
    'a boolean for int-or-string',
    { memory: true },
    'spec.memory: Invalid value: "boolean": spec.memory in body must be of type integer,string: "boolean"',
    UNCHECKED,
  ],
  ['a text that CEL refuses', { uuid: 'xyz' }, 'spec.uuid: Invalid value: "xyz": must be 4 hex digits'],
  ['a negative number that CEL refuses', { memory: -1 }, 'spec.memory: Invalid value: -1: must be whole bytes'],
  ['a quantity of less than one byte', { memory: '100m' }, 'spec.memory: Invalid value: "100m": must be whole bytes'],
  ['no quantity at all', { memory: '5 potatoes' }, 'spec.memory: Invalid value: "5 potatoes": must be whole bytes'],
  ['a rule with a computed message', { ports: [22] }, 'spec: Invalid value: port 22 of abcd is taken'],
  [
    'several at once',
    { cpu: -1, name: 'A' },
    'spec.cpu: Invalid value: -1: spec.cpu in body should be greater than or equal to 0',
    `spec.name: Invalid value: "A": spec.name in body should match '^[a-z]*$'`,
  ],
]

test.each(REFUSED)('%s is refused in the real words', async (_, spec, ...messages) => {
  const { body } = await client.post(WIDGETS, widget('bad', spec))
  expect(body).toMatchObject({
    code: 422,
    reason: 'Invalid',
    details: { name: 'bad', group: 'test.example.com', kind: 'Widget' },
  })
  const text = messages.length === 1 ? messages[0] : `[${messages.join(', ')}]`
  expect(body.message).toBe(`Widget.test.example.com "bad" is invalid: ${text ?? ''}`)
  expect(body.details.causes).toHaveLength(messages.length)
})

test.each([
  ['int-or-string as a number', { memory: 1024 }],
  ['int-or-string as a quantity', { memory: '16Gi' }],
  ['a decimal quantity that is whole', { memory: '1.5Gi' }],
  ['anything where unknown fields are kept', { free: { deep: { er: [1, { a: null }] } } }],
])('%s is taken as it is', async (_, spec) => {
  const { status, body } = await client.post(`${WIDGETS}?dryRun=All`, widget('good', spec))
  expect(status).toBe(201)
  expect(body.spec).toEqual({ uuid: 'abcd', ...spec })
})

test('nulls are dropped unless nullable, defaults are set inside objects that are there', async () => {
  const { body } = await client.post(`${WIDGETS}?dryRun=All`, widget('good', { cpu: null, text: null, mode: {} }))
  expect(body.spec).toEqual({ uuid: 'abcd', text: null, mode: { level: 3 } })
})

test('a transition rule runs on updates alone', async () => {
  const { body } = await client.patch(`${WIDGETS}/old`, { spec: { uuid: 'ffff' } })
  expect(body.message).toBe(
    'Widget.test.example.com "old" is invalid: spec.uuid: Invalid value: "ffff": cannot be changed',
  )
})

test('unknown fields: refused by Strict, dropped with a warning by Warn, dropped by Ignore', async () => {
  const odd = {
    ...widget('odd', { foo: 1, images: [{ arch: 'a', zz: 1 }] }),
    top: 1,
    metadata: { name: 'odd', zork: 1 },
  }
  const strict = await client.post(`${WIDGETS}?fieldValidation=Strict`, odd)
  expect(strict.body).toMatchObject({ code: 400, reason: 'BadRequest' })
  const fields = ['metadata.zork', 'spec.foo', 'spec.images[0].zz', 'top'].map((field) => `unknown field "${field}"`)
  expect(strict.body.message).toBe(
    `Widget in version "v1" cannot be handled as a Widget: strict decoding error: ${fields.join(', ')}`,
  )
  const warned = await client.post(`${WIDGETS}?fieldValidation=Warn&dryRun=All`, odd)
  expect(warned.body.spec).toEqual({ uuid: 'abcd', images: [{ arch: 'a' }] })
  expect(warned.headers.get('warning')).toContain('299 - "unknown field \\"spec.foo\\""')
  const ignored = await client.post(`${WIDGETS}?fieldValidation=Ignore&dryRun=All`, odd)
  expect(ignored.status).toBe(201)
  expect(ignored.headers.get('warning')).toBeNull()
  const patched = await client.patch(`${WIDGETS}/old?fieldValidation=Strict`, { spec: { foo: 1 } })
  expect(patched.body.message).toContain('strict decoding error: unknown field "spec.foo"')
})

test('the status is judged too', async () => {
  const { body } = await client.patch(`${WIDGETS}/old/status`, {
    status: { conditions: [{ type: 'Ready', status: 'Maybe' }] },
  })
  expect(body.message).toContain('status.conditions[0].status: Unsupported value: "Maybe"')
})

test('a document that is no object of the kind is refused by its type', async () => {
  expect((await client.post(WIDGETS, { ...widget('a'), kind: 'Foo' })).body.message).toContain(
    'kind: Invalid value: "Foo": must be Widget',
  )
  expect((await client.post(WIDGETS, { ...widget('a'), apiVersion: 'x/v1' })).body.code).toBe(400)
  expect((await client.post(WIDGETS, '{"a":')).body.reason).toBe('BadRequest')
  expect((await client.post(WIDGETS, widget('Bad_Name'))).body.message).toContain('a lowercase RFC 1123 subdomain')
})

describe('a schema that grew stricter', () => {
  test('still lets a stored object that it refuses be written elsewhere', async () => {
    const { api, client } = await startFixture()
    await client.post(WIDGETS, widget('a', { cpu: 50 }))
    const strict = widgetCrd((fields) => (fields.cpu = { type: 'integer', maximum: 8 }))
    api.applyCrd(strict)
    expect((await client.patch(`${WIDGETS}/a/status`, { status: { observedGeneration: 1 } })).status).toBe(200)
    expect((await client.patch(`${WIDGETS}/a`, { spec: { policy: 'Observe' } })).status).toBe(200)
    expect((await client.patch(`${WIDGETS}/a`, { spec: { cpu: 51 } })).status).toBe(422)
    await api.close()
  })
})

describe('a CustomResourceDefinition', () => {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

  test('over HTTP brings its resource, and takes it away with its objects', async () => {
    const api = await startStandInApi()
    const post = (url: string, body: object) =>
      fetch(api.url + url, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })
    expect((await fetch(api.url + WIDGETS)).status).toBe(404)
    const made = (await (await post(path, WIDGET_CRD)).json()) as Answered
    expect(made.status.conditions).toContainEqual(expect.objectContaining({ type: 'Established', status: 'True' }))
    expect((await post(WIDGETS, widget('a'))).status).toBe(201)
    await fetch(`${api.url}${path}/widgets.test.example.com`, { method: 'DELETE' })
    expect((await fetch(api.url + WIDGETS)).status).toBe(404)
    api.applyCrd(WIDGET_CRD)
    expect(((await (await fetch(api.url + WIDGETS)).json()) as Answered).items).toEqual([])
    await api.close()
  })

  test.each(['self.sign() > 0', '1 +', 'selff == 1', 'quantity(self).sign() > 0', 'size(self)'])(
    'with the rule %s is refused',
    (rule) => {
      const wrong = widgetCrd((fields) => (fields.uuid = { type: 'string', 'x-kubernetes-validations': [{ rule }] }))
      expect(() => api.applyCrd(wrong)).toThrow(/x-kubernetes-validations\[0\].rule: Invalid value/)
    },
  )

  test.each(readCrds().map((crd) => crd as Definition))(
    'of this project, $spec.names.plural, is served',
    async (crd) => {
      const api = await startStandInApi({ crds: [crd] })
      const { group, names, versions } = crd.spec
      const response = await fetch(`${api.url}/apis/${group}/${versions[0]!.name}/${names.plural}`)
      expect(((await response.json()) as Answered).kind).toBe(names.listKind)
      await api.close()
    },
  )
})
