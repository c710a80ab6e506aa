/** What a node makes of an update before it stores it: its columns, its spelling of frameworks, its yaml. */
import { parse, stringify } from 'yaml'
import { apiError, Refused } from './answers.ts'
import type { Moods } from './moods.ts'
import { isObject } from './updates.ts'

type Fields = Readonly<Record<string, unknown>>
type StoringMoods = Pick<Moods, 'stores' | 'images' | 'renamesFrameworks' | 'overlongText' | 'foldsIntoYaml'>

/** The length of each text column in characters. */
const COLUMNS: Readonly<Record<string, number>> = {
  name: 255,
  framework: 255,
  description: 2048,
  startCommand: 1024,
  type: 32,
  source: 32,
  pythonVersion: 32,
  gpuComputeCapability: 32,
}
const DOCKER_IMAGE_LENGTH = 255
/** `yaml` is a mediumtext, which is measured in bytes. */
const YAML_BYTES = 2 ** 24 - 1

const RENAMED_FRAMEWORKS: Readonly<Record<string, string>> = {
  'llama.cpp': 'LlamaCpp',
  sentence_transformers: 'SentenceTransformers',
}

/** Where the yaml holds a write-only field: a key of its first service, or `env` at the top. */
const YAML_KEYS: Readonly<Record<string, string>> = {
  serviceName: 'name',
  servicePorts: 'ports',
  serviceLivez: 'livez',
  serviceReadyz: 'readyz',
  serviceBootupTime: 'serviceBootupTime',
}

/** The spelling that newer nodes have for a framework. */
export function renamedFramework(value: unknown): unknown {
  return typeof value === 'string' ? (RENAMED_FRAMEWORKS[value] ?? value) : value
}

/**
 * The values to be stored for an update, by field; `shownYaml` is the yaml that the service has so far. Throws Refused
 * where the database of the node would not take a value.
 */
export function valuesToStore(uuid: string, given: Fields, shownYaml: unknown, moods: StoringMoods): Fields {
  const values: Record<string, unknown> = {}
  for (const [field, sent] of Object.entries(given)) values[field] = moods.stores(field, sent)
  if (moods.renamesFrameworks && 'framework' in values) values.framework = renamedFramework(values.framework)
  if ('architectureImages' in values) values.architectureImages = imagesToStore(uuid, values.architectureImages, moods)
  const folded = Object.entries(values).filter(([field]) => moods.foldsIntoYaml.some((name) => name === field))
  if (folded.length > 0) values.yaml = foldedYaml(values.yaml ?? shownYaml, folded)
  for (const [field, value] of Object.entries(values)) values[field] = fitting(field, value, moods.overlongText)
  return values
}

function fitting(field: string, value: unknown, overlongText: Moods['overlongText']): unknown {
  if (typeof value !== 'string') return value
  if (field === 'yaml') {
    if (Buffer.byteLength(value) <= YAML_BYTES) return value
    return overlong(field, overlongText, value, () => Buffer.from(value).subarray(0, YAML_BYTES).toString())
  }
  return fittingText(field, COLUMNS[field] ?? Infinity, value, overlongText)
}

/** Characters are counted as the database counts them: each as one, whatever it takes in UTF-16. */
function fittingText(column: string, length: number, value: string, overlongText: Moods['overlongText']): string {
  if (value.length <= length) return value
  const characters = Array.from(value)
  if (characters.length <= length) return value
  return overlong(column, overlongText, value, () => characters.slice(0, length).join(''))
}

/** A strict database refuses a text that is longer than its column; one that is not strict cuts it without a word. */
function overlong(column: string, overlongText: Moods['overlongText'], value: string, cut: () => string): string {
  if (overlongText === 'stored') return value
  if (overlongText === 'cut') return cut()
  throw refusedByDatabase(overlongText, `Data truncation: Data too long for column '${column}' at row 1`)
}

function imagesToStore(uuid: string, sent: unknown, { images: kind, overlongText }: StoringMoods): unknown {
  if (!Array.isArray(sent)) return sent
  const seen = new Set<string>()
  return sent.filter(isObject).map(({ dockerImage, ...image }) => {
    const { cpuArchitecture, vmImageUuid, ...rest } = image
    const architecture = String(cpuArchitecture).toLowerCase()
    if (kind === 'one-per-architecture' && seen.has(architecture)) {
      const entry = `Duplicate entry '${uuid}-${architecture}' for key 'ukModelServiceImageVO'`
      throw refusedByDatabase('SYS.1000', entry)
    }
    seen.add(architecture)
    const fits =
      typeof dockerImage === 'string'
        ? fittingText('dockerImage', DOCKER_IMAGE_LENGTH, dockerImage, overlongText)
        : dockerImage
    return { cpuArchitecture, vmImageUuid, dockerImage: fits, ...(kind === 'several' && rest) }
  })
}

function refusedByDatabase(code: string, reason: string): Refused {
  return new Refused(apiError(code, `org.hibernate.exception.DataException: could not execute statement, ${reason}`))
}

/** The yaml with these fields in it; a yaml that does not parse is written anew. */
function foldedYaml(shown: unknown, fields: readonly (readonly [string, unknown])[]): string {
  const document = readYaml(shown)
  const services: unknown[] = Array.isArray(document.services) ? document.services : []
  const [first, ...others] = services
  const service: Record<string, unknown> = isObject(first) ? first : {}
  for (const [field, value] of fields) {
    if (field === 'environmentParameters') document.env = isObject(value) ? pairs(value) : []
    else service[YAML_KEYS[field] ?? field] = value
  }
  return stringify({ ...document, services: [service, ...others] })
}

function pairs(map: Record<string, unknown>): string[] {
  return Object.entries(map).map(([key, value]) => `${key}:${String(value)}`)
}

function readYaml(text: unknown): Record<string, unknown> {
  try {
    const document: unknown = typeof text === 'string' ? parse(text) : undefined
    return isObject(document) ? document : {}
  } catch {
    return {}
  }
}
