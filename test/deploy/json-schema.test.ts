import { readFileSync, readdirSync } from 'node:fs'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { crdFolder } from '../../deploy/paths.ts'
import { everyField } from '../support/every-field.ts'

const crds = readdirSync(crdFolder)
  .filter((name) => name.startsWith('ai.zstack.io_'))
  .map((name) => parse(readFileSync(new URL(name, crdFolder), 'utf8')) as Crd)

type Crd = {
  readonly spec: {
    readonly group: string
    readonly names: { readonly kind: string }
    readonly versions: readonly { readonly name: string }[]
  }
}

/** Where kubeconform looks with -schema-location 'crds/schemas/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json'. */
const places = crds.flatMap(({ spec: { group, names, versions } }) =>
  versions.map(({ name }) => `schemas/${group}/${names.kind.toLowerCase()}_${name}.json`),
)

const read = (place: string) => JSON.parse(readFileSync(new URL(place, crdFolder), 'utf8')) as object

/** Strict: a word that JSON Schema does not know is an error. */
const compile = (schema: object) =>
  new Ajv({ strict: true, allowUnionTypes: true, allErrors: true, formats: { 'date-time': true } }).compile(schema)

it.each(places)('crds/%s is a JSON schema, and knows its own kind alone', (place) => {
  const validate = compile(read(place))
  expect(validate({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } })).toBe(false)
  expect(validate.errors?.map(({ instancePath }) => instancePath)).toEqual(
    expect.arrayContaining(['/apiVersion', '/kind']),
  )
})

describe('the JSON schema of a ModelService', () => {
  const validate = compile(read('schemas/ai.zstack.io/modelservice_v1alpha1.json'))
  const uuid = '6c1a5f6167944aa1886294842075279f'
  const manifest = (spec: object) => ({
    apiVersion: 'ai.zstack.io/v1alpha1',
    kind: 'ModelService',
    metadata: { name: 'chat', namespace: 'models', labels: { a: 'b' } },
    spec: { uuid, ...spec },
  })
  const mistakesIn = (object: object) => {
    validate(object)
    return (validate.errors ?? []).map(({ instancePath, message, params }) =>
      [instancePath, message, ...Object.values(params as Record<string, unknown>)].join(' '),
    )
  }

  const samples = new URL('../../deploy/samples/', import.meta.url)
  const modelServices = readdirSync(samples, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => [file, parse(readFileSync(new URL(file, samples), 'utf8')) as { kind: string }] as const)
    .filter(([, { kind }]) => kind === 'ModelService')
  it.each(modelServices)('takes the sample %s', (_, object) => {
    expect(mistakesIn(object)).toEqual([])
  })

  it('takes every field', () => {
    expect(mistakesIn(manifest(everyField))).toEqual([])
  })

  it.each([1, '16Gi', '64e9', '17179869184'])('takes memory as %j', (requestMemory) => {
    expect(mistakesIn(manifest({ requestMemory }))).toEqual([])
  })

  it.each<[string, object, RegExp]>([
    ['an unknown field', { requestGpu: 1 }, /^\/spec must NOT have additional properties requestGpu$/],
    ['a wrong type', { requestCpu: '8' }, /^\/spec\/requestCpu must be integer/],
    ['a negative number', { requestCpu: -1 }, /^\/spec\/requestCpu must be >= 0/],
    ['a uuid with dashes', { uuid: '6c1a5f61-6794-4aa1-8862-94842075279f' }, /^\/spec\/uuid must match pattern/],
    ['an unknown policy', { policy: 'Enforced' }, /^\/spec\/policy must be equal to one of the allowed values/],
    ['memory that is no value', { requestMemory: true }, /^\/spec\/requestMemory must be integer,string/],
    ['a port that is none', { servicePorts: [0] }, /^\/spec\/servicePorts\/0 must be >= 1/],
    [
      'a list of maps in place of a map',
      { environmentParameters: [{ name: 'A' }] },
      /^\/spec\/environmentParameters must/,
    ],
    [
      'an unknown field of an image',
      { architectureImages: [{ cpuArchitecture: 'X86_64', vmImageUuid: uuid, dockerImage: 'a', image: 'b' }] },
      /^\/spec\/architectureImages\/0 must NOT have additional properties image$/,
    ],
  ])('names the place of %s', (_, spec, mistake) => {
    expect(mistakesIn(manifest(spec))).toEqual([expect.stringMatching(mistake)])
  })

  it('asks for a uuid', () => {
    expect(mistakesIn({ ...manifest({}), spec: {} })).toEqual([
      expect.stringMatching(/^\/spec must have required property 'uuid'/),
    ])
  })

  it('tells in an editor what only the API server can judge', () => {
    const { properties } = (read('schemas/ai.zstack.io/modelservice_v1alpha1.json') as Schema).properties.spec!
    expect(properties.requestMemory?.description).toContain('It must be a whole, non-negative number of bytes')
    expect(properties.uuid?.description).toContain('It cannot be changed')
  })
})

type Schema = { readonly description?: string; readonly properties: Readonly<Record<string, Schema>> }
