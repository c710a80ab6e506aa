import { describe, expect, it } from 'vitest'
import { type Values, helmMissing, minimalValues, template } from './render.ts'

const { endpoint, credentials } = minimalValues.zstack
const zstack = (changes: object): Values => ({ zstack: { ...minimalValues.zstack, ...changes } })
const beside = (changes: object): Values => ({ ...minimalValues, ...changes })

describe.skipIf(helmMissing !== undefined)('the schema of the values refuses', () => {
  const refused: [string, Values, RegExp][] = [
    ['an unknown value', beside({ replicaCount: 2 }), /replicaCount/],
    ['an unknown value deeper in', zstack({ endpont: endpoint }), /zstack.*endpont/s],
    ['an unknown way to authenticate', zstack({ credentials: { token: 'x' } }), /credentials.*token/s],
    ['a duration as a number', beside({ pollInterval: 60 }), /pollInterval.*string/s],
    ['a port out of range', beside({ metrics: { port: 70000 } }), /metrics\/port.*65,535/s],
    ['an unknown body shape', zstack({ requestBody: 'both' }), /requestBody.*'?envelope/s],
    ['a namespace that cannot be one', beside({ watchNamespaces: ['Models'] }), /watchNamespaces/],
    ['a flag as text', zstack({ insecureSkipTlsVerify: 'yes' }), /insecureSkipTlsVerify.*boolean/s],
  ]
  it.for(refused)('%s', async ([, values, message]) => {
    const { ok, stderr } = await template(values)
    expect({ ok, stderr }).toEqual({ ok: false, stderr: expect.stringMatching(message) as string })
  })
})

describe.skipIf(helmMissing !== undefined)('the render ends with a sentence', () => {
  const inline = { accessKeyId: 'id', accessKeySecret: 's' }
  const ended: [string, Values, string][] = [
    ['without an endpoint', zstack({ endpoint: '' }), 'Set zstack.endpoint to the base URL of ZStack'],
    [
      'with an endpoint that is no URL',
      zstack({ endpoint: 'zstack:8080' }),
      'zstack.endpoint is zstack:8080; it must be',
    ],
    [
      'with credentials in the endpoint',
      zstack({ endpoint: 'http://a:b@z/zstack' }),
      'it must be an http or https URL without',
    ],
    ['with a duration without unit', beside({ pollInterval: '60' }), 'pollInterval is 60; it must be a duration'],
    [
      'with a file name for a PEM',
      zstack({ ca: { pem: '/etc/ssl/ca.crt' } }),
      'zstack.ca.pem holds no PEM certificate',
    ],
    ['with endpoint and host', zstack({ host: 'zstack' }), 'zstack.endpoint and zstack.host are both set'],
    [
      'with one namespace twice among the sources of values',
      beside({ rbac: { valueSources: ['x', 'y'].map((name) => ({ namespace: 'models', secrets: [name] })) } }),
      'rbac.valueSources names namespace models more than once',
    ],
    ...[{}, { secrets: [] }, { all: true, secrets: ['x'] }].map((source): [string, Values, string] => [
      `with ${JSON.stringify(source)} as a source of values`,
      beside({ rbac: { valueSources: [{ namespace: 'models', ...source }] } }),
      'rbac.valueSources of namespace models must have names',
    ]),
    ['without credentials', { zstack: { endpoint } }, 'Set zstack.credentials.existingSecret'],
    [
      'with two ways of credentials',
      zstack({ credentials: { ...credentials, ...inline } }),
      'existingSecret and accessKeyId',
    ],
    ['with both pairs', zstack({ credentials: { ...inline, accountName: 'a' } }), 'accessKeyId and accountName'],
    ['with half an access key', zstack({ credentials: { accessKeyId: 'id' } }), 'one of them is missing'],
    ['with half an account', zstack({ credentials: { accountPassword: 'p' } }), 'one of them is missing'],
    [
      'with two authorities',
      zstack({ ca: { existingSecret: 'a', existingConfigMap: 'b' } }),
      'zstack.ca has more than one',
    ],
    [
      'with replicas that do not agree',
      beside({ replicas: 2, leaderElection: { enabled: false } }),
      'every replica would write',
    ],
    ['with one port for two pages', beside({ health: { port: 8080 } }), 'metrics.port and health.port are the same'],
    [
      'with a ServiceMonitor of nothing',
      beside({ metrics: { port: 0, serviceMonitor: { enabled: true } } }),
      'metrics.serviceMonitor.enabled needs metrics',
    ],
    [
      'with a PodMonitor of nothing',
      beside({ metrics: { port: 0, podMonitor: { enabled: true } } }),
      'metrics.podMonitor.enabled needs metrics',
    ],
    [
      'with two that scrape every pod',
      beside({ metrics: { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } } }),
      'every pod would be scraped twice',
    ],
  ]
  it.for(ended)('%s', async ([, values, sentence]) => {
    const { ok, stderr } = await template(values)
    expect({ ok, stderr }).toEqual({ ok: false, stderr: expect.stringContaining(sentence) as string })
  })
})
