/** A manifest that declares what a service holds. */
import { Document, Scalar, visit } from 'yaml'
import { fields } from '../../api/fields.ts'
import type { Json } from '../../api/json.ts'
import { fieldNames, isUuid, spec as specSchema, type FieldName } from '../../api/modelservice.ts'
import { group, kind, version } from '../../api/names.ts'
import type { Service } from '../../zstack/wire.ts'
import { printable } from '../terminal.ts'
import { quantityOf } from './quantity.ts'

/** What was left out of a manifest, and why. */
export type PassedOver = { readonly field: FieldName; readonly reason: string }

export type ImportedManifest = {
  readonly name: string
  readonly uuid: string
  readonly text: string
  readonly passedOver: readonly PassedOver[]
}

export type ManifestOptions = { readonly namespace: string | undefined; readonly isObserved: boolean }

/** An object in etcd may have 1.5 MiB, its status and the fields of the server included. */
const maxTextBytes = 2 ** 20

/** Whether an object can speak for the service at all. */
export function isImportable({ uuid }: Service): boolean {
  return isUuid(uuid)
}

export function manifestOf(service: Service, name: string, options: ManifestOptions): ImportedManifest {
  const passedOver: PassedOver[] = []
  const spec: Record<string, unknown> = { uuid: service.uuid }
  if (options.isObserved) spec.policy = 'Observe'
  for (const field of fieldNames) {
    const live = service.live.values.get(field)
    if (live === undefined) continue
    const value = specValue(field, live)
    const reason = refusalOf(field, value)
    if (reason === undefined) spec[field] = value
    else passedOver.push({ field, reason })
  }
  const { namespace } = options
  const object = {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    spec,
  }
  const comments = passedOver.map(({ field, reason }) => `# ${field} is left out: ${printable(reason)}\n`)
  return { name, uuid: service.uuid, text: comments.join('') + yamlOf(object), passedOver }
}

/** Fields that no service shows, so that nobody knows whether they hold anything. */
export const unseenFields = fieldNames.filter((field) => fields[field].visibility === 'hidden')

function specValue(field: FieldName, live: Json): unknown {
  return field === 'requestMemory' && typeof live === 'number' ? quantityOf(live) : live
}

function refusalOf(field: FieldName, value: unknown): string | undefined {
  const judged = specSchema.shape[field].safeParse(value)
  if (!judged.success) {
    const [issue] = judged.error.issues
    const at = issue?.path.length ? `${issue.path.join('.')} ` : ''
    return `${at}${issue?.message ?? 'is not what a ModelService takes'}`
  }
  const text = JSON.stringify(value)
  if (text.includes('"__proto__"')) return 'holds a key __proto__, which cannot be sent'
  // What JSON.stringify escapes of surrogates stands alone.
  if (/\\ud[89a-f]/i.test(text)) return 'holds half a character, which Kubernetes does not store'
  if (Buffer.byteLength(text) > maxTextBytes) return 'is larger than what Kubernetes stores'
  return undefined
}

/**
 * Texts that YAML 1.1, which kubectl reads, takes for something else are quoted; longer ones are blocks, unless a block
 * would not give them back to the letter.
 */
function yamlOf(object: object): string {
  const document = new Document(object, {
    version: '1.1',
    // Whoever names a vendor so does not mean to merge anything: a key that is quoted is a text to kubectl.
    customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:merge'),
    aliasDuplicateObjects: false,
  })
  visit(document, {
    Scalar(key, node) {
      const { value } = node
      if (typeof value !== 'string') return
      if (key === 'key' && value === '<<') node.type = Scalar.QUOTE_SINGLE
      else if (!isPlain(value)) node.type = Scalar.QUOTE_DOUBLE
      else if (value.includes('\n')) node.type = hasBlankLine(value) ? Scalar.QUOTE_DOUBLE : Scalar.BLOCK_LITERAL
    },
  })
  // A quoted text of several lines may come back without the blank space that a line consists of.
  return document.toString({ lineWidth: 0, singleQuote: true, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER })
}

/** In a block, a first line without text, or blank space alone on a line, would be lost or taken for indentation. */
function hasBlankLine(text: string): boolean {
  return /^\s*\n|\n[ \t]+(?:\n|$)/.test(text)
}

/** Line ends other than a line feed, and what cannot be printed, would not come back. */
function isPlain(text: string): boolean {
  return !/[^\n\t\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u.test(text)
}
