/** The CustomResourceDefinition, derived from the zod schemas. */
import * as z from 'zod'
import { modelService } from './modelservice.ts'
import { group, kind, plural, version } from './names.ts'

type JsonSchema = Record<string, unknown>

/** The CRD of ModelService as an object; `npm run generate` writes it to `crds/`. */
export function customResourceDefinition(): JsonSchema {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: 'modelservice',
        shortNames: ['zms'],
        categories: ['zstack'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: printerColumns,
          schema: { openAPIV3Schema: schema() },
        },
      ],
    },
  }
}

const condition = (type: string, part: string) => `.status.conditions[?(@.type=="${type}")].${part}`
const printerColumns = [
  { name: 'Ready', type: 'string', jsonPath: condition('Ready', 'status') },
  { name: 'Synced', type: 'string', jsonPath: condition('Synced', 'status') },
  { name: 'Reason', type: 'string', jsonPath: condition('Ready', 'reason') },
  { name: 'Policy', type: 'string', jsonPath: '.spec.policy' },
  { name: 'CPU', type: 'integer', jsonPath: '.status.live.requestCpu', description: 'CPUs that ZStack last showed' },
  {
    name: 'Memory',
    type: 'string',
    jsonPath: '.status.live.requestMemory',
    description: 'Memory that ZStack last showed',
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'UUID', type: 'string', jsonPath: '.spec.uuid', priority: 1 },
  { name: 'Connection', type: 'string', jsonPath: '.status.connection.name', priority: 1 },
  { name: 'Drift', type: 'string', jsonPath: '.status.drift[*].field', priority: 1 },
  { name: 'Last Update', type: 'date', jsonPath: '.status.lastUpdate.time', priority: 1 },
  { name: 'Message', type: 'string', jsonPath: condition('Ready', 'message'), priority: 1 },
]

function schema(): JsonSchema {
  const generated = z.toJSONSchema(modelService, {
    io: 'input',
    override: ({ jsonSchema }) => makeStructural(jsonSchema),
  })
  const properties = generated.properties as JsonSchema
  return {
    description:
      'A ZStack AI model service and what it shall be like. ZStack holds the service; this object updates it.',
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      ...properties,
    },
  }
}

/** What JSON Schema says and a structural schema must not: the API server forbids or implies it. */
function makeStructural(node: JsonSchema): void {
  delete node.$schema
  delete node.propertyNames
  if (node.additionalProperties === false) delete node.additionalProperties
  if (node['x-kubernetes-int-or-string'] === true) delete node.anyOf
  if (node.type === 'integer') {
    if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum
    if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum
  }
}
