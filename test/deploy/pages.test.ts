import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { startPages } from '../support/pages.ts'
import { type Manifest, ofKind, parseManifests, podTemplate, theOnly } from './manifest.ts'
import { fullValues, helmMissing, minimalValues, renderChart } from './render.ts'

const base = ['deployment', 'service', 'network-policy'].flatMap((name) =>
  parseManifests(readFileSync(new URL(`../../deploy/base/${name}.yaml`, import.meta.url), 'utf8')),
)

/** What the operator makes of its environment in such a pod. */
function configIn(manifests: readonly Manifest[]) {
  const [{ env }] = podTemplate(theOnly(manifests, 'Deployment')).spec.containers
  const fixed = env.filter(({ name, value }) => value !== undefined && name !== 'KUBECONFIG')
  const mounted = Object.assign({}, ...ofKind(manifests, 'ConfigMap').map(({ data }) => data)) as object
  const given = Object.fromEntries(fixed.map(({ name, value }) => [name, value]))
  const endpoint = { ZSTACK_ENDPOINT: 'http://zstack.example.com:8080/zstack' }
  const parsed = parseConfig({ ...endpoint, ...mounted, ...given, ZSTACK_CA_FILE: '' }, false)
  if (!parsed.ok) throw new Error(parsed.problems.join('; '))
  return parsed.config
}

type Probe = { readonly httpGet: { readonly path: string; readonly port: string } }

function judge(manifests: readonly Manifest[]) {
  const { metricsPort, healthPort } = configIn(manifests)
  const [container] = podTemplate(theOnly(manifests, 'Deployment')).spec.containers
  const { ports } = theOnly(manifests, 'Service').spec as { ports: { name: string; targetPort: string }[] }
  const { ingress } = theOnly(manifests, 'NetworkPolicy').spec as { ingress: { ports: { port: string }[] }[] }
  const { livenessProbe, readinessProbe } = container as unknown as Record<string, Probe>
  return {
    listens: { metrics: metricsPort, health: healthPort },
    declared: Object.fromEntries(
      (container.ports as { name: string; containerPort: number }[]).map(({ name, containerPort }) => [
        name,
        containerPort,
      ]),
    ),
    served: ports.map(({ targetPort }) => targetPort),
    allowed: ingress.flatMap((rule) => rule.ports.map(({ port }) => port)),
    probes: { live: livenessProbe?.httpGet, ready: readinessProbe?.httpGet },
  }
}

async function expectPagesWhereManifestsSay(manifests: readonly Manifest[]) {
  const { listens, declared, served, allowed, probes } = judge(manifests)
  expect(declared).toEqual(listens)
  expect(served).toEqual(['metrics', 'health'])
  expect(allowed).toEqual(['metrics', 'health'])
  const pages = await startPages()
  for (const probe of [probes.live, probes.ready]) {
    expect(probe?.port).toBe('health')
    expect(await pages.get('health', probe?.path ?? '')).toMatchObject({ status: 200 })
  }
  expect(probes.live?.path).not.toBe(probes.ready?.path)
  // The path that a scrape asks for where nothing else is said.
  expect(await pages.get('metrics', '/metrics')).toMatchObject({ status: 200 })
}

describe('metrics and health are where the manifests say', () => {
  it('in deploy/base, with the defaults of the operator', async () => {
    await expectPagesWhereManifestsSay(base)
  })

  describe.skipIf(helmMissing !== undefined)('by the chart', () => {
    it.each([
      ['with its defaults', minimalValues],
      ['with ports of its own', fullValues],
    ])('%s', async (_, values) => {
      await expectPagesWhereManifestsSay(await renderChart(values))
    })
  })
})
