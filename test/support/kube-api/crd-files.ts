import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { isObject } from '../../../src/cli/validation/json.ts'

/** The CustomResourceDefinitions of this project, from `crds/`; other manifests there are passed over. */
export function readCrds(folder: string = join(import.meta.dirname, '../../../crds')): object[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
  const documents = files.flatMap((name) => parseAllDocuments(readFileSync(join(folder, name), 'utf8')))
  const manifests = documents.map((document): unknown => document.toJS())
  return manifests.filter(isObject).filter((manifest) => manifest.kind === 'CustomResourceDefinition')
}
