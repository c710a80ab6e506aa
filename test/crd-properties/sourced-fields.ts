/** Fields whose value comes from Secrets and ConfigMaps, and what those hold. */
import type { FieldName } from '../../src/api/modelservice.ts'
import { matching } from './properties.ts'

export const sourcedFields: Readonly<Record<string, FieldName>> = {
  yamlFrom: 'yaml',
  environmentParametersFrom: 'environmentParameters',
  startupParametersFrom: 'startupParameters',
  inferenceParamsFrom: 'inferenceParams',
}

/** The name of one Secret and of one ConfigMap: the one that tries of the schema come up with. */
export const objectName = matching('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')
/** A key of both. */
export const dataKey = matching('^[-._a-zA-Z0-9]+$')
export const secretData = { [dataKey]: 'a: secret', second: 'of a Secret' }
export const configMapData = { [dataKey]: 'a: text', third: 'of a ConfigMap' }

type KeyRef = { readonly name: string; readonly key: string }
type WholeRef = { readonly name: string }
export type Entry = {
  readonly secretRef?: WholeRef
  readonly configMapRef?: WholeRef
  readonly secretKeyRef?: KeyRef
  readonly configMapKeyRef?: KeyRef
  readonly prefix?: string
  readonly as?: string
}

/** What ZStack is to hold of a field that is declared like this, if anything. */
export function expectedOf(declared: unknown): unknown {
  if (declared === undefined || declared === null) return undefined
  if (!Array.isArray(declared)) return Object.values(valuesOf(declared as Entry))[0]
  return declared.length === 0 ? undefined : Object.assign({}, ...(declared as readonly Entry[]).map(valuesOf))
}

function valuesOf({ secretRef, configMapRef, secretKeyRef, configMapKeyRef, prefix = '', as }: Entry) {
  const ref = secretRef ?? configMapRef ?? secretKeyRef ?? configMapKeyRef
  const data: Readonly<Record<string, string>> = (secretRef ?? secretKeyRef) ? secretData : configMapData
  const key = (secretKeyRef ?? configMapKeyRef)?.key
  if (ref?.name !== objectName) return {}
  if (key === undefined) return Object.fromEntries(Object.entries(data).map(([one, text]) => [prefix + one, text]))
  const text = data[key]
  return text === undefined ? {} : { [as ?? key]: text }
}
