import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { crdFile, crdFolder } from '../deploy/paths.ts'
import { customResourceDefinition } from '../src/api/crd.ts'
import { fieldNames } from '../src/api/modelservice.ts'
import { conditionTypes } from '../src/api/status.ts'

describe('the CRD', () => {
  it('is read as the definition that it was written from', () => {
    expect(parse(readFileSync(crdFile, 'utf8'))).toEqual(customResourceDefinition())
  })

  it('is far below the size at which a client-side apply fails', () => {
    expect(readFileSync(crdFile).byteLength).toBeLessThan(100_000)
    expect(JSON.stringify(customResourceDefinition()).length).toBeLessThan(100_000)
  })

  it('has a row in its reference for every field and condition type', () => {
    const page = readFileSync(new URL('README.md', crdFolder), 'utf8')
    for (const name of [...fieldNames, 'uuid', 'policy', 'suspend', ...Object.keys(conditionTypes)])
      expect(page).toContain(`| \`${name}\` |`)
  })
})
