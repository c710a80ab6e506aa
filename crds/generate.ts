/** Writes the CRD, its field reference and the tables of README from what they tell of: `npm run generate`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { customResourceDefinition } from '../src/api/crd.ts'
import { alertTable, metricTable } from '../deploy/tables.ts'
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
    [readmeFile, withTables(readFileSync(readmeFile, 'utf8'))],
  ])
}

/** The README with its tables brought up to date, each between two comments of its name. */
function withTables(readme: string): string {
  const tables = { reasons: reasonTable(), metrics: metricTable(), alerts: alertTable() }
  return Object.entries(tables).reduce((text, [name, table]) => {
    const place = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`)
    if (!place.test(text)) throw new Error(`README.md has no place for its table of ${name}`)
    return text.replace(place, (_, start: string, end: string) => `${start}${table}\n${end}`)
  }, readme)
}

if (import.meta.main) for (const [file, content] of generatedFiles()) writeFileSync(file, content)
