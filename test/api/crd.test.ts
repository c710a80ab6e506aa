import { describe, expect, it } from 'vitest'
import { customResourceDefinition } from '../../src/api/crd.ts'
import { fieldNames } from '../../src/api/modelservice.ts'

type Schema = { readonly [key: string]: unknown; readonly properties?: Readonly<Record<string, Schema>> }
type Definition = {
  readonly spec: {
    readonly names: { readonly plural: string; readonly shortNames: string[]; readonly categories: string[] }
    readonly scope: string
    readonly versions: readonly {
      readonly name: string
      readonly subresources: object
      readonly additionalPrinterColumns: readonly { readonly name: string; readonly priority?: number }[]
      readonly schema: { readonly openAPIV3Schema: Schema }
    }[]
  }
}

const { spec: definition } = customResourceDefinition() as Definition
const version = definition.versions[0]!
const root = version.schema.openAPIV3Schema
const [spec, status] = [root.properties!.spec!, root.properties!.status!]

/** Every object of a tree with its path. */
function* nodes(value: unknown, path = '$'): Generator<readonly [string, Readonly<Record<string, unknown>>]> {
  if (value === null || typeof value !== 'object') return
  if (!Array.isArray(value)) yield [path, value as Readonly<Record<string, unknown>>]
  for (const [key, part] of Object.entries(value)) yield* nodes(part, `${path}.${key}`)
}

/** Schema nodes alone: what stands under `properties` is named by the product, not by JSON Schema. */
const schemas = [...nodes(root)].filter(([path]) => !path.endsWith('.properties'))
const withKey = (key: string) => schemas.filter(([, node]) => key in node).map(([path]) => path)

describe('the CRD', () => {
  it('has the names that manifests and kubectl rely on', () => {
    expect(definition).toMatchObject({
      group: 'ai.zstack.io',
      scope: 'Namespaced',
      names: { kind: 'ModelService', plural: 'modelservices', shortNames: ['zms'], categories: ['zstack'] },
    })
    expect(version).toMatchObject({ name: 'v1alpha1', served: true, storage: true, subresources: { status: {} } })
  })

  it('declares every field that the operator manages, and no other', () => {
    const declared = Object.keys(spec.properties!)
    const references = ['yamlFrom', 'environmentParametersFrom', 'startupParametersFrom', 'inferenceParamsFrom']
    expect([...declared].sort()).toEqual(['uuid', 'policy', 'suspend', ...references, ...fieldNames].sort())
    expect(spec.required).toEqual(['uuid'])
  })

  it('defaults nothing, so that nothing appears which Git lacks', () => {
    expect(withKey('default')).toEqual([])
  })

  it.each([
    '$schema',
    '$ref',
    '$defs',
    'propertyNames',
    'const',
    'oneOf',
    'definitions',
    'x-kubernetes-preserve-unknown-fields',
  ])('has no %s, which a structural schema must not have or would let anything through', (key) => {
    expect(withKey(key)).toEqual([])
  })

  it('keeps unknown keys out of stored objects everywhere: no node without a type', () => {
    const isTyped = (node: Readonly<Record<string, unknown>>) => 'type' in node || 'x-kubernetes-int-or-string' in node
    const isSchema = (path: string) => /\.(?:properties\.\w+|items|additionalProperties)$/.test(path)
    expect(schemas.filter(([path, node]) => isSchema(path) && !isTyped(node)).map(([path]) => path)).toEqual([])
  })

  it('describes every field of spec', () => {
    for (const [name, field] of Object.entries(spec.properties!)) expect(field.description, name).toMatch(/\.$/)
  })

  it('refuses another uuid later', () => {
    const rules = spec.properties!.uuid!['x-kubernetes-validations']
    expect(rules).toContainEqual(expect.objectContaining({ rule: 'self == oldSelf' }))
  })

  it('merges conditions by their type, and takes images as one list, for nothing tells two of them apart', () => {
    expect(status.properties!.conditions!['x-kubernetes-list-map-keys']).toEqual(['type'])
    expect(spec.properties!.architectureImages!['x-kubernetes-list-type']).toBe('atomic')
    expect(spec.properties!.architectureImages).not.toHaveProperty('x-kubernetes-list-map-keys')
  })

  it('bounds texts as the columns of ZStack do', () => {
    const bounds = schemas.flatMap(([path, node]) =>
      'maxLength' in node && !path.includes('From.') ? [[path.replace(/.*\.properties\./, ''), node.maxLength]] : [],
    )
    expect(Object.fromEntries(bounds)).toMatchObject({
      ...{ name: 255, framework: 255, dockerImage: 255, description: 2048, startCommand: 1024 },
      ...{ type: 32, source: 32, pythonVersion: 32, gpuComputeCapability: 32 },
    })
    expect(spec.properties!.yaml).not.toHaveProperty('maxLength')
  })

  it('lets a newer operator say reasons that this CRD does not know', () => {
    const reasons = schemas.filter(([path]) => path.endsWith('.reason'))
    expect(reasons.map(([path]) => path)).toHaveLength(2)
    for (const [, node] of reasons) expect(node).not.toHaveProperty('enum')
  })

  it('shows what matters first, and the rest when asked for wide output', () => {
    const columns = version.additionalPrinterColumns
    const names = (isWide: boolean) =>
      columns.filter(({ priority = 0 }) => priority > 0 === isWide).map(({ name }) => name)
    expect(names(false)).toEqual(['Ready', 'Synced', 'Reason', 'Policy', 'CPU', 'Memory', 'Age'])
    expect(names(true)).toEqual(['UUID', 'Connection', 'Drift', 'Last Update', 'Message'])
  })
})
