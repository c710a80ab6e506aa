import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { etcdVersion, kubernetesVersion } from '../support/envtest/versions.ts'
import { toolModules } from '../support/tools/tools.ts'

type CustomManager = {
  readonly managerFilePatterns: readonly [string]
  readonly matchStrings: readonly [string]
  readonly depNameTemplate?: string
}
type PackageRule = {
  readonly matchPackageNames?: readonly string[]
  readonly matchManagers?: readonly string[]
  readonly matchFileNames?: readonly string[]
  readonly matchUpdateTypes?: readonly string[]
  readonly enabled?: boolean
}
type Renovate = {
  readonly enabledManagers: readonly string[]
  readonly ignorePaths: readonly string[]
  readonly packageRules: readonly PackageRule[]
  readonly customManagers: readonly CustomManager[]
}

const text = readFileSync(new URL('../../.github/renovate.json', import.meta.url), 'utf8')
const { enabledManagers, ignorePaths, packageRules, customManagers } = JSON.parse(text) as Renovate
const root = new URL('../../', import.meta.url)

/** The file of this repository that each manager of Renovate finds here. */
const managed: Readonly<Record<string, string>> = {
  npm: 'package.json',
  dockerfile: 'Dockerfile',
  'github-actions': '.github/workflows/ci.yml',
  gomod: 'test/support/tools/lua/go.mod',
  'custom.regex': 'test/support/envtest/versions.ts',
}

/** What a custom manager reads out of its file. */
function found({ managerFilePatterns: [pattern], matchStrings: [match], depNameTemplate }: CustomManager) {
  const file = pattern.replaceAll(/^\/\^|\$\/$|\\/g, '')
  return Array.from(readFileSync(new URL(file, root), 'utf8').matchAll(new RegExp(match, 'g')), ({ groups }) => [
    groups?.depName ?? depNameTemplate,
    groups?.currentValue,
  ])
}

describe('the configuration of Renovate', () => {
  it('enables managers for what is here, and its rules name no other', () => {
    expect([...enabledManagers].sort()).toEqual(Object.keys(managed).sort())
    expect(Object.values(managed).filter((file) => !existsSync(new URL(file, root)))).toEqual([])
    const named = packageRules.flatMap(({ matchManagers = [] }) => matchManagers)
    expect(named.filter((name) => !enabledManagers.includes(name))).toEqual([])
    const files = packageRules.flatMap(({ matchFileNames = [] }) => matchFileNames)
    expect(files.filter((file) => !existsSync(new URL(file, root)))).toEqual([])
  })

  it('finds the versions of the programs that tests are run with', () => {
    expect(customManagers.flatMap(found)).toEqual([
      ['kubernetes/kubernetes', kubernetesVersion],
      ['etcd-io/etcd', etcdVersion],
      ...Object.values(toolModules).map(({ module, version }) => [module, version]),
    ])
  })

  it('looks into test/, which the preset it extends would pass over', () => {
    expect(ignorePaths).toEqual(['**/node_modules/**'])
  })

  it('keeps Node at its major version', () => {
    const rule = packageRules.find(({ matchPackageNames }) => matchPackageNames?.includes('node'))
    expect(rule).toMatchObject({ matchUpdateTypes: ['major'], enabled: false })
    expect(rule?.matchPackageNames).toContain('@types/node')
  })
})
