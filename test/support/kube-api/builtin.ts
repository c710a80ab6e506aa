import { age } from './age.ts'
import { isObject, listAt, objectAt, textAt, type Json } from '../../../src/cli/validation/json.ts'
import type { Kind } from './kinds.ts'
import type { KubeObject } from './object.ts'
import type { Schema } from '../../../src/cli/validation/schema.ts'
import type { FieldError } from '../../../src/cli/validation/field-error.ts'
import { AGE_COLUMN, type Column } from './table.ts'

const TEXT: Schema = { type: 'string' }
const NUMBER: Schema = { type: 'integer' }
const FLAG: Schema = { type: 'boolean' }
const TIME: Schema = { type: 'string', format: 'date-time', nullable: true }
const TEXTS: Schema = { type: 'object', additionalProperties: TEXT }
const ANYTHING: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

const METADATA_FIELDS = ['metadata.name', 'metadata.namespace']

function objectSchema(properties: Record<string, Schema>): Schema {
  return { type: 'object', properties }
}

function builtIn(kind: Partial<Kind> & Pick<Kind, 'kind' | 'plural' | 'schema'>): Kind {
  return {
    group: '',
    version: 'v1',
    listKind: `${kind.kind}List`,
    singular: kind.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    custom: false,
    status: false,
    generation: false,
    unconditionalUpdate: true,
    createOnUpdate: false,
    columns: [AGE_COLUMN],
    selectableFields: METADATA_FIELDS,
    prepare: () => undefined,
    validate: () => [],
    ...kind,
  }
}

function column(name: string, cell: (object: KubeObject) => Json, priority = 0, type = 'string'): Column {
  return { name, type, description: '', priority, cell }
}

const NAMESPACE = builtIn({
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  status: true,
  schema: objectSchema({
    spec: objectSchema({ finalizers: { type: 'array', items: TEXT } }),
    status: ANYTHING,
  }),
  columns: [column('Status', (object) => textAt(object.status, 'phase')), AGE_COLUMN],
  prepare(object) {
    object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name ?? '' }
    object.spec = { finalizers: ['kubernetes'] }
    object.status ??= { phase: 'Active' }
  },
})

const SECRET = builtIn({
  kind: 'Secret',
  plural: 'secrets',
  schema: objectSchema({ data: TEXTS, stringData: TEXTS, type: TEXT, immutable: FLAG }),
  selectableFields: [...METADATA_FIELDS, 'type'],
  columns: [
    column('Type', (object) => textAt(object, 'type')),
    column('Data', (object) => Object.keys(objectAt(object, 'data')).length),
    AGE_COLUMN,
  ],
  prepare(object, old) {
    const plain = Object.entries(objectAt(object, 'stringData'))
    delete object.stringData
    const encoded = plain.map(([key, value]) => [key, Buffer.from(value as string).toString('base64')])
    if (plain.length > 0) object.data = { ...objectAt(object, 'data'), ...(Object.fromEntries(encoded) as object) }
    object.type ??= old?.type ?? 'Opaque'
  },
  validate(object, old) {
    const changed = old !== undefined && old.type !== object.type
    const message = `Invalid value: ${JSON.stringify(object.type)}: field is immutable`
    return changed ? [{ reason: 'FieldValueInvalid', field: 'type', message }] : []
  },
})

const CONFIG_MAP = builtIn({
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  schema: objectSchema({ data: TEXTS, binaryData: TEXTS, immutable: FLAG }),
  columns: [
    column('Data', (object) => Object.keys({ ...objectAt(object, 'data'), ...objectAt(object, 'binaryData') }).length),
    AGE_COLUMN,
  ],
})

const LEASE = builtIn({
  group: 'coordination.k8s.io',
  kind: 'Lease',
  plural: 'leases',
  unconditionalUpdate: false,
  createOnUpdate: true,
  schema: objectSchema({
    spec: objectSchema({
      holderIdentity: TEXT,
      leaseDurationSeconds: NUMBER,
      acquireTime: TIME,
      renewTime: TIME,
      leaseTransitions: NUMBER,
      strategy: TEXT,
      preferredHolder: TEXT,
    }),
  }),
  columns: [column('Holder', (object) => textAt(object.spec, 'holderIdentity')), AGE_COLUMN],
  validate(object) {
    const spec = objectAt(object, 'spec')
    const errors: FieldError[] = []
    const checkMin = (field: string, min: number, text: string) => {
      const value = spec[field]
      if (typeof value !== 'number' || value >= min) return
      errors.push({ reason: 'FieldValueInvalid', field: `spec.${field}`, message: `Invalid value: ${value}: ${text}` })
    }
    checkMin('leaseDurationSeconds', 1, 'must be greater than 0')
    checkMin('leaseTransitions', 0, 'must be greater than or equal to 0')
    return errors
  },
})

const INVOLVED = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath']

const EVENT = builtIn({
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  createOnUpdate: true,
  schema: objectSchema({
    involvedObject: objectSchema(Object.fromEntries(INVOLVED.map((field) => [field, TEXT]))),
    related: ANYTHING,
    reason: TEXT,
    message: TEXT,
    type: TEXT,
    action: TEXT,
    source: objectSchema({ component: TEXT, host: TEXT }),
    firstTimestamp: TIME,
    lastTimestamp: TIME,
    eventTime: TIME,
    count: NUMBER,
    series: ANYTHING,
    reportingComponent: TEXT,
    reportingInstance: TEXT,
  }),
  selectableFields: [
    ...METADATA_FIELDS,
    ...INVOLVED.map((field) => `involvedObject.${field}`),
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  columns: [
    column('Last Seen', (object) =>
      age(object.lastTimestamp ?? objectAt(object, 'series').lastObservedTime ?? object.eventTime),
    ),
    column('Type', (object) => textAt(object, 'type')),
    column('Reason', (object) => textAt(object, 'reason')),
    column('Object', (object) => involvedText(object)),
    column('Subobject', (object) => textAt(object.involvedObject, 'fieldPath'), 1),
    column('Source', (object) => sourceText(object), 1),
    column('Message', (object) => textAt(object, 'message').trim()),
    column('First Seen', (object) => age(object.firstTimestamp ?? object.eventTime), 1),
    column('Count', (object) => (typeof object.count === 'number' && object.count > 0 ? object.count : 1), 1),
    column('Name', (object) => object.metadata.name ?? '', 1),
  ],
  prepare(object) {
    object.source ??= {}
    object.firstTimestamp ??= null
    object.lastTimestamp ??= null
    object.eventTime ??= null
    object.reportingComponent ??= ''
    object.reportingInstance ??= ''
  },
  validate(object) {
    const namespace = textAt(object.involvedObject, 'namespace')
    const fits =
      namespace === object.metadata.namespace || (namespace === '' && object.metadata.namespace === 'default')
    const message = `Invalid value: ${JSON.stringify(namespace)}: does not match event.namespace`
    return fits ? [] : [{ reason: 'FieldValueInvalid', field: 'involvedObject.namespace', message }]
  },
})

function involvedText(object: KubeObject): string {
  return `${textAt(object.involvedObject, 'kind').toLowerCase()}/${textAt(object.involvedObject, 'name')}`
}

function sourceText(object: KubeObject): string {
  const component = textAt(object.source, 'component') || textAt(object, 'reportingComponent')
  const host = textAt(object.source, 'host')
  return host === '' ? component : `${component}, ${host}`
}

const CRD = builtIn({
  group: 'apiextensions.k8s.io',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  status: true,
  generation: true,
  unconditionalUpdate: false,
  schema: objectSchema({ spec: ANYTHING, status: ANYTHING }),
  columns: [column('Created At', (object) => object.metadata.creationTimestamp ?? '')],
  prepare(object) {
    const spec = objectAt(object, 'spec')
    const names = objectAt(spec, 'names')
    names.singular ??= textAt(names, 'kind').toLowerCase()
    names.listKind ??= `${textAt(names, 'kind')}List`
    spec.conversion ??= { strategy: 'None' }
    const since = object.metadata.creationTimestamp
    const condition = (type: string, reason: string, message: string) => ({
      ...(since === undefined ? {} : { lastTransitionTime: since }),
      message,
      reason,
      status: 'True',
      type,
    })
    object.status = {
      acceptedNames: { ...names },
      conditions: [
        condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
        condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
      ],
      storedVersions: listAt(spec, 'versions').flatMap((v) =>
        isObject(v) && v.storage === true ? [v.name ?? ''] : [],
      ),
    }
  },
})

/** The resources every server has before the first CustomResourceDefinition. */
export function builtInKinds(): Kind[] {
  return [NAMESPACE, EVENT, SECRET, CONFIG_MAP, LEASE, CRD]
}
