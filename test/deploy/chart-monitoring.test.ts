import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { chartFolder } from '../../deploy/paths.ts'
import { type Manifest, ofKind, podTemplate, theOnly } from './manifest.ts'
import { fullValues, helmMissing, kubectlMissing, kustomize, minimalValues, renderChart } from './render.ts'

const fileOf = (name: string) => readFileSync(new URL(`files/${name}`, chartFolder), 'utf8')
const dashboards = (manifests: Manifest[]) =>
  ofKind(manifests, 'ConfigMap').filter(({ metadata }) => metadata.labels?.grafana_dashboard === '1')

describe.skipIf(helmMissing !== undefined)('monitoring by the chart', () => {
  it('is off by default', async () => {
    const manifests = await renderChart(minimalValues)
    const kinds = ['ServiceMonitor', 'PodMonitor', 'PrometheusRule']
    expect(kinds.flatMap((kind) => ofKind(manifests, kind))).toEqual([])
    expect(dashboards(manifests)).toEqual([])
  })

  it('scrapes the metrics port of the service', async () => {
    const manifests = await renderChart(fullValues)
    const service = theOnly(manifests, 'Service')
    const monitor = theOnly(manifests, 'ServiceMonitor')
    const { selector, endpoints } = monitor.spec as {
      selector: { matchLabels: object }
      endpoints: { port: string; interval: string }[]
    }
    expect(service.metadata.labels).toMatchObject(selector.matchLabels)
    expect(monitor.metadata.labels).toMatchObject({ release: 'prometheus' })
    expect(endpoints).toMatchObject([{ port: 'metrics', interval: '15s', scrapeTimeout: '5s' }])
    expect(service.spec?.ports).toContainEqual({ name: 'metrics', port: 9090, targetPort: 'metrics' })
    const [container] = podTemplate(theOnly(manifests, 'Deployment')).spec.containers
    expect(container.ports).toContainEqual({ name: 'metrics', containerPort: 9090 })
  })

  it('scrapes the pods alike where a PodMonitor is asked for', async () => {
    const { serviceMonitor, ...others } = fullValues.metrics
    const metrics = {
      ...others,
      podMonitor: { ...serviceMonitor, metricRelabelings: [{ action: 'labeldrop', regex: 'a' }] },
    }
    const manifests = await renderChart({ ...fullValues, metrics })
    expect(ofKind(manifests, 'ServiceMonitor')).toEqual([])
    const { metadata, spec } = theOnly(manifests, 'PodMonitor')
    expect(metadata.labels).toMatchObject({ release: 'prometheus' })
    const { selector, podMetricsEndpoints } = spec as {
      selector: { matchLabels: object }
      podMetricsEndpoints: unknown
    }
    expect(podTemplate(theOnly(manifests, 'Deployment')).metadata.labels).toMatchObject(selector.matchLabels)
    const [endpoint] = theOnly(await renderChart(fullValues), 'ServiceMonitor').spec?.endpoints as [object]
    expect(podMetricsEndpoints).toEqual([{ ...endpoint, metricRelabelings: [{ action: 'labeldrop', regex: 'a' }] }])
  })

  it('has the alerts of files/alerts.yaml, placeholders of Prometheus included', async () => {
    const rule = theOnly(await renderChart(fullValues), 'PrometheusRule')
    expect(rule.spec).toEqual(parse(fileOf('alerts.yaml')))
    expect(rule.metadata.labels).toMatchObject({ release: 'prometheus' })
  })

  it('gives Grafana the dashboard of files/dashboard.json', async () => {
    const [dashboard] = dashboards(await renderChart(fullValues))
    expect(dashboard?.metadata.annotations).toEqual({ grafana_folder: 'ZStack' })
    const texts = Object.values(dashboard?.data ?? {})
    expect(texts.map((text) => JSON.parse(text) as unknown)).toEqual([JSON.parse(fileOf('dashboard.json'))])
  })
})

describe.skipIf(kubectlMissing !== undefined)('monitoring by kustomize', () => {
  it('has the alerts of the chart, and scrapes the metrics port of the service', async () => {
    const manifests = await kustomize('components/monitoring')
    expect(theOnly(manifests, 'PrometheusRule').spec).toEqual(parse(fileOf('alerts.yaml')))
    const { selector, endpoints } = theOnly(manifests, 'ServiceMonitor').spec as {
      selector: { matchLabels: object }
      endpoints: { port: string }[]
    }
    const service = theOnly(await kustomize('base'), 'Service')
    expect(service.metadata.labels).toMatchObject(selector.matchLabels)
    const { ports } = service.spec as { ports: { name: string }[] }
    expect(ports.map(({ name }) => name)).toEqual(expect.arrayContaining(endpoints.map(({ port }) => port)))
    expect(manifests.map(({ metadata }) => metadata.namespace)).toEqual(manifests.map(() => service.metadata.namespace))
  })

  it('has a PodMonitor in place of the ServiceMonitor where both components are named', async () => {
    const manifests = await kustomize('components/monitoring', 'components/pod-monitor')
    expect(manifests.map(({ kind }) => kind).sort()).toEqual(['PodMonitor', 'PrometheusRule'])
    const { selector, podMetricsEndpoints } = theOnly(manifests, 'PodMonitor').spec as {
      selector: { matchLabels: object }
      podMetricsEndpoints: object[]
    }
    const { metadata, spec } = podTemplate(theOnly(await kustomize('base'), 'Deployment'))
    expect(metadata.labels).toMatchObject(selector.matchLabels)
    expect(spec.containers[0].ports).toContainEqual({ name: 'metrics', containerPort: 8080 })
    const [scrape] = theOnly(await kustomize('components/monitoring'), 'ServiceMonitor').spec?.endpoints as object[]
    expect(podMetricsEndpoints).toEqual([scrape])
  })
})
