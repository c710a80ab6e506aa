import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { crdFile, generatedFiles, referenceFile } from '../crds/generate.ts'
import { customResourceDefinition } from '../src/api/crd.ts'
import { fieldNames } from '../src/api/modelservice.ts'
import { conditionTypes } from '../src/api/status.ts'
import { reasons } from '../src/api/reasons.ts'

const root = new URL('..', import.meta.url).pathname
const files = [...generatedFiles()].map(([file, content]) => ({ name: relative(root, file.pathname), file, content }))

describe('the generated files', () => {
  it.each(files)('$name is what the schema gives: run "npm run generate" if it is not', ({ file, content }) => {
    expect(readFileSync(file, 'utf8')).toBe(content)
  })

  it('the CRD is read as the definition it was written from', () => {
    expect(parse(readFileSync(crdFile, 'utf8'))).toEqual(customResourceDefinition())
  })

  it('the CRD is far below the size at which a client-side apply fails', () => {
    expect(readFileSync(crdFile).byteLength).toBeLessThan(100_000)
    expect(JSON.stringify(customResourceDefinition()).length).toBeLessThan(100_000)
  })

  it('the reference has a row for every field, condition type and reason', () => {
    const page = files.find(({ file }) => file === referenceFile)?.content ?? ''
    for (const name of [
      ...fieldNames,
      'uuid',
      'policy',
      'suspend',
      ...Object.keys(conditionTypes),
      ...Object.keys(reasons),
    ])
      expect(page).toContain(`| \`${name}\` |`)
  })
})
