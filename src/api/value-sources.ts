/** Values that a spec takes from Secrets and ConfigMaps: the schema of the references. */
import * as z from 'zod'

const maxNameLength = 253
const maxEntries = 32

/** A name as Kubernetes gives it to Secrets and ConfigMaps: a DNS subdomain. */
const objectName = z
  .string()
  .max(maxNameLength)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'must be the name of an object')
  .describe('Name of the object, in the namespace of the ModelService.')
const dataKey = z
  .string()
  .max(maxNameLength)
  .regex(/^[-._a-zA-Z0-9]+$/, 'must be a key of letters, digits, "-", "_" and "."')
  .describe('Key within the object.')

/** What Kubernetes takes as the name of a variable from a Secret or ConfigMap, or as its beginning. */
export const parameterNamePattern = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/
const parameterName = z
  .string()
  .max(maxNameLength)
  .regex(parameterNamePattern, 'must be letters, digits, "-", "_" and ".", and begin with no digit')

const wholeRef = (kind: string) => z.strictObject({ name: objectName }).describe(`Every key of a ${kind}.`)
const keyRef = (kind: string) => z.strictObject({ name: objectName, key: dataKey }).describe(`One key of a ${kind}.`)

const oneKeyAdvice = 'must have exactly one of configMapKeyRef and secretKeyRef'

/** Where one text comes from. */
export const textSource = (description: string) =>
  z
    .strictObject({
      configMapKeyRef: keyRef('ConfigMap').optional(),
      secretKeyRef: keyRef('Secret').optional(),
    })
    .refine((source) => count(source.configMapKeyRef, source.secretKeyRef) === 1, oneKeyAdvice)
    .describe(description)
    .meta({
      // Otherwise who applies one reference in the place of another, owned by somebody else, would leave both.
      'x-kubernetes-map-type': 'atomic',
      'x-kubernetes-validations': [
        { rule: 'has(self.configMapKeyRef) != has(self.secretKeyRef)', message: oneKeyAdvice },
      ],
    })

const oneRefAdvice = 'must have exactly one of secretRef, configMapRef, secretKeyRef and configMapKeyRef'
const prefixAdvice = 'prefix stands only beside secretRef or configMapRef; name the value of a single key with as'
const asAdvice = 'as stands only beside secretKeyRef or configMapKeyRef; use prefix for all keys of an object'

const mapEntry = z
  .strictObject({
    secretRef: wholeRef('Secret').optional(),
    configMapRef: wholeRef('ConfigMap').optional(),
    secretKeyRef: keyRef('Secret').optional(),
    configMapKeyRef: keyRef('ConfigMap').optional(),
    prefix: parameterName.optional().describe('Put before each key of secretRef or configMapRef.'),
    as: parameterName.optional().describe('Name of the value; the key itself when absent.'),
    optional: z.boolean().optional().describe('Whether the object, or the key, may be missing.'),
  })
  .refine(
    ({ secretRef, configMapRef, secretKeyRef, configMapKeyRef }) =>
      count(secretRef, configMapRef, secretKeyRef, configMapKeyRef) === 1,
    oneRefAdvice,
  )
  .refine((entry) => entry.prefix === undefined || count(entry.secretRef, entry.configMapRef) === 1, prefixAdvice)
  .refine((entry) => entry.as === undefined || count(entry.secretKeyRef, entry.configMapKeyRef) === 1, asAdvice)
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '[has(self.secretRef), has(self.configMapRef), has(self.secretKeyRef), has(self.configMapKeyRef)].filter(x, x).size() == 1',
        message: oneRefAdvice,
      },
      { rule: '!has(self.prefix) || has(self.secretRef) || has(self.configMapRef)', message: prefixAdvice },
      { rule: '!has(self.as) || has(self.secretKeyRef) || has(self.configMapKeyRef)', message: asAdvice },
    ],
  })

/** Where the entries of a map come from. */
export const mapSources = (field: string) =>
  z
    .array(mapEntry)
    .max(maxEntries)
    .describe(
      `Entries of ${field} from Secrets and ConfigMaps of the same namespace. Later ones win, and ${field} itself wins over all.`,
    )
    .meta({ 'x-kubernetes-list-type': 'atomic' })

export type TextSource = z.infer<ReturnType<typeof textSource>>
export type MapEntry = z.infer<typeof mapEntry>

/** What an entry refers to: a whole object, or one of its keys. */
export type Target = { readonly kind: 'Secret' | 'ConfigMap'; readonly name: string; readonly key: string | undefined }

/** The schema lets exactly one of the references be there. */
export function targetOf({ secretRef, configMapRef, secretKeyRef, configMapKeyRef }: MapEntry): Target {
  const secret = secretRef ?? secretKeyRef
  const configMap = configMapRef ?? configMapKeyRef
  const key = secretKeyRef?.key ?? configMapKeyRef?.key
  if (secret) return { kind: 'Secret', name: secret.name, key }
  if (configMap) return { kind: 'ConfigMap', name: configMap.name, key }
  throw new Error('the spec was not parsed: an entry refers to nothing')
}

function count(...references: readonly unknown[]): number {
  return references.filter((reference) => reference !== undefined).length
}
