import { beforeAll, describe, expect, it } from 'vitest'
import { type Manifest, ofKind } from './manifest.ts'
import { helmMissing, kubectlMissing, kustomize, minimalValues, renderChart } from './render.ts'

const missing = kubectlMissing ?? helmMissing
const system = 'modelservice-system'

/** Labels and annotations that say how an object was installed, not what it does. */
const provenance = /^(helm\.sh\/|checksum\/)|^app\.kubernetes\.io\/(instance|version|managed-by)$/

/** What an object does, whoever installed it: without provenance and with the cluster-wide names of the base. */
function effectOf(manifest: Manifest): unknown {
  const withoutProvenance = (_: string, value: unknown): unknown => {
    if (typeof value === 'string') return value.replace(`${system}-modelservice-operator`, 'modelservice-operator')
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const kept = Object.entries(value as Record<string, object>).filter(([key]) => !provenance.test(key))
    // An annotation map that held nothing else is as good as none.
    return Object.fromEntries(kept.filter(([key, each]) => key !== 'annotations' || hasOther(each)))
  }
  return JSON.parse(JSON.stringify(manifest, withoutProvenance))
}

const hasOther = (annotations: object) => Object.keys(annotations).some((key) => !provenance.test(key))

describe.skipIf(missing !== undefined)('the chart with minimal values', () => {
  let base: Manifest[]
  let chart: Manifest[]

  beforeAll(async () => {
    ;[base, chart] = await Promise.all([kustomize('base'), renderChart(minimalValues)])
  })

  it.for([
    'CustomResourceDefinition',
    'ServiceAccount',
    'ClusterRole',
    'ClusterRoleBinding',
    'Role',
    'RoleBinding',
    'Deployment',
    'Service',
    'PodDisruptionBudget',
    'NetworkPolicy',
  ])('has the same %s as deploy/base', (kind) => {
    const effectsIn = (manifests: Manifest[]) => ofKind(manifests, kind).map(effectOf)
    expect(effectsIn(chart)).not.toEqual([])
    // Helm sorts by name what the base has in the order of its files.
    expect(new Set(effectsIn(chart))).toEqual(new Set(effectsIn(base)))
    expect(effectsIn(chart)).toHaveLength(effectsIn(base).length)
  })

  it('has nothing beside, but the ConfigMap that deploy/base leaves to the person; the namespace is Helm’s', () => {
    const kinds = (manifests: Manifest[]) => manifests.map(({ kind }) => kind)
    expect(kinds(chart).filter((kind) => !kinds(base).includes(kind))).toEqual(['ConfigMap'])
    expect(kinds(base).filter((kind) => !kinds(chart).includes(kind))).toEqual(['Namespace'])
  })
})
