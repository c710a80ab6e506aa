/** Writes the CRD and its field reference from the schema in src/api: `npm run generate`. */
import { writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { customResourceDefinition } from '../src/api/crd.ts'
import { reference } from './reference.ts'

export const crdFile = new URL('ai.zstack.io_modelservices.yaml', import.meta.url)
export const referenceFile = new URL('README.md', import.meta.url)

/** The generated files, by URL. */
export function generatedFiles(): ReadonlyMap<URL, string> {
  const crd = customResourceDefinition()
  const header = '# Generated from src/api by "npm run generate"; edits are lost.\n'
  return new Map([
    [crdFile, header + stringify(crd, { lineWidth: 120 })],
    [referenceFile, reference(crd)],
  ])
}

if (import.meta.main) for (const [file, content] of generatedFiles()) writeFileSync(file, content)
