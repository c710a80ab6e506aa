import { describe, expect, it } from 'vitest'
import { type Manifest, type PodTemplate, podTemplate, theOnly } from './manifest.ts'
import { fullValues, helmMissing, minimalValues, renderChart, renderChartTest } from './render.ts'

type Selector = { readonly matchLabels: Readonly<Record<string, string>> }

const selects = (selector: Selector['matchLabels'], labels: Readonly<Record<string, string>>) =>
  Object.entries(selector).every(([name, value]) => labels[name] === value)

describe.skipIf(helmMissing !== undefined)('helm test', () => {
  const both = [
    ['minimal', minimalValues],
    ['all', fullValues],
  ] as const

  it.each(both)('with %s values checks the connection with what the operator has', async (_, values) => {
    const pod = theOnly(await renderChartTest(values), 'Pod') as unknown as PodTemplate
    const operator = podTemplate(theOnly(await renderChart(values), 'Deployment')).spec
    const [check] = pod.spec.containers
    const [container] = operator.containers
    expect(check).toMatchObject({ args: ['check'], image: container.image, envFrom: container.envFrom })
    const ofThePod = ['LEADER_ELECTION_NAMESPACE', 'POD_NAME', 'POD_UID', 'POD_NAMESPACE']
    expect(check.env).toEqual(container.env.filter(({ name }) => !ofThePod.includes(name)))
    expect(check.volumeMounts).toEqual(container.volumeMounts)
    expect(pod.spec.volumes).toEqual(operator.volumes)
    expect(pod.spec).toMatchObject({ restartPolicy: 'Never', automountServiceAccountToken: false })
  })

  it.each(both)('with %s values is taken for no pod of the operator, and may reach ZStack', async (_, values) => {
    const [installed, test] = [await renderChart(values), await renderChartTest(values)]
    const { labels = {} } = theOnly(test, 'Pod').metadata
    const { spec: service } = theOnly(installed, 'Service')
    const selectors = [
      service?.selector as Selector['matchLabels'],
      (theOnly(installed, 'Deployment').spec?.selector as Selector).matchLabels,
      (theOnly(installed, 'PodDisruptionBudget').spec?.selector as Selector).matchLabels,
    ]
    for (const selector of selectors) expect(selects(selector, labels)).toBe(false)

    const own = theOnly(test, 'NetworkPolicy')
    expect(selects((own.spec?.podSelector as Selector).matchLabels, labels)).toBe(true)
    const egressOf = (policy: Manifest) => (policy.spec?.egress as object[]).map((rule) => JSON.stringify(rule))
    const allowed = egressOf(theOnly(installed, 'NetworkPolicy'))
    expect(allowed).toEqual(expect.arrayContaining(egressOf(own)))
    // All but the API server, which the check does not ask.
    expect(egressOf(own)).toHaveLength(allowed.length - 1)
  })

  it('goes with its network policy where those are off', async () => {
    const test = await renderChartTest({ ...minimalValues, networkPolicy: { enabled: false } })
    expect(test.map(({ kind }) => kind)).toEqual(['Pod'])
  })
})
