/** Writes the CRD and its field reference from the schema in src/api: `npm run generate`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { customResourceDefinition } from '../src/api/crd.ts'
import { reasonTable, reference } from './reference.ts'

export const crdFile = new URL('ai.zstack.io_modelservices.yaml', import.meta.url)
export const referenceFile = new URL('README.md', import.meta.url)
export const readmeFile = new URL('../README.md', import.meta.url)

/** The generated files, by URL. */
export function generatedFiles(): ReadonlyMap<URL, string> {
  const crd = customResourceDefinition()
  const header = '# Generated from src/api by "npm run generate"; edits are lost.\n'
  return new Map([
    [crdFile, header + stringify(crd, { lineWidth: 120 })],
    [referenceFile, reference(crd)],
    [readmeFile, withReasons(readFileSync(readmeFile, 'utf8'))],
  ])
}

/** The README with its table of reasons brought up to date. */
function withReasons(readme: string): string {
  return readme.replace(
    /(<!-- reasons -->\n)[\s\S]*?(<!-- \/reasons -->)/,
    (_, start: string, end: string) => `${start}${reasonTable()}\n${end}`,
  )
}

if (import.meta.main) for (const [file, content] of generatedFiles()) writeFileSync(file, content)
