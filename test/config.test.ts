import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { effectiveSettings, parseConfig, type Environment } from '../src/config.ts'
import { configOf, enough, fileWith, problemsOf } from './support/environment.ts'
import { withPlainSecrets } from './support/plain-secrets.ts'

/** With its secrets as plain text. */
function plainConfigOf(env: Environment) {
  const config = configOf(env)
  return { ...config, credentials: withPlainSecrets(config.credentials) }
}

describe('the configuration', () => {
  it('needs an endpoint and credentials; the rest has defaults', () => {
    expect(plainConfigOf({})).toEqual({
      endpoint: 'http://zstack.example.com:8080/zstack',
      credentials: { kind: 'account', name: 'admin', password: 'hunter2' },
      ca: undefined,
      insecureSkipTlsVerify: false,
      requestBody: 'auto',
      requestTimeoutMs: 30_000,
      maxInFlight: 16,
      pollIntervalMs: 60_000,
      watchNamespaces: [],
      watchLabelSelector: undefined,
      maxConcurrentReconciles: 32,
      leaderElection: false,
      leaderElectionNamespace: undefined,
      pod: undefined,
      metricsPort: 8080,
      healthPort: 8081,
      logLevel: 'info',
      logFormat: 'json',
    })
  })

  it('takes every variable', () => {
    expect(
      configOf({
        ZSTACK_CA_FILE: fileWith('-----BEGIN CERTIFICATE-----\n'),
        ZSTACK_INSECURE_SKIP_TLS_VERIFY: 'true',
        ZSTACK_REQUEST_BODY: 'flat',
        ZSTACK_REQUEST_TIMEOUT: '1.5s',
        ZSTACK_MAX_IN_FLIGHT: '12',
        POLL_INTERVAL: '5m',
        WATCH_NAMESPACES: 'one, two,one,',
        WATCH_LABEL_SELECTOR: 'shard=1',
        MAX_CONCURRENT_RECONCILES: '8',
        LEADER_ELECTION: 'true',
        LEADER_ELECTION_NAMESPACE: 'operators',
        POD_NAME: 'operator-0',
        POD_UID: '3f2504e0',
        METRICS_PORT: '0',
        HEALTH_PORT: '9000',
        LOG_LEVEL: 'debug',
        LOG_FORMAT: 'pretty',
      }),
    ).toMatchObject({
      ca: '-----BEGIN CERTIFICATE-----\n',
      insecureSkipTlsVerify: true,
      requestBody: 'flat',
      requestTimeoutMs: 1_500,
      maxInFlight: 12,
      pollIntervalMs: 300_000,
      watchNamespaces: ['one', 'two'],
      watchLabelSelector: 'shard=1',
      maxConcurrentReconciles: 8,
      leaderElection: true,
      leaderElectionNamespace: 'operators',
      pod: { name: 'operator-0', uid: '3f2504e0' },
      metricsPort: 0,
      healthPort: 9000,
      logLevel: 'debug',
      logFormat: 'pretty',
    })
  })

  it('takes an empty variable for one that is not set', () => {
    const unset = { POLL_INTERVAL: '', WATCH_LABEL_SELECTOR: '', ZSTACK_HOST: '' }
    expect(plainConfigOf(unset)).toEqual(plainConfigOf({}))
  })

  it('elects a leader in a cluster by default', () => {
    const inCluster = { KUBERNETES_SERVICE_HOST: '10.0.0.1' }
    expect(configOf(inCluster).leaderElection).toBe(true)
    expect(configOf({ ...inCluster, LEADER_ELECTION: 'false' }).leaderElection).toBe(false)
  })

  it.each([{}, { POD_NAME: 'operator-0' }, { POD_UID: '3f2504e0' }, { POD_NAME: 'operator-0', POD_UID: '' }])(
    'knows no pod by %o',
    (given) => {
      expect(configOf(given).pod).toBeUndefined()
    },
  )

  it('writes the log for people on a terminal by default', () => {
    expect(configOf({}, true).logFormat).toBe('pretty')
    expect(configOf({ LOG_FORMAT: 'json' }, true).logFormat).toBe('json')
  })
})

describe('the endpoint', () => {
  const withoutEndpoint = { ...enough, ZSTACK_ENDPOINT: '' }

  it.each([
    ['http://zstack.example.com/zstack/', 'http://zstack.example.com/zstack'],
    ['https://zstack.example.com', 'https://zstack.example.com'],
    ['http://[::1]:8080/zstack', 'http://[::1]:8080/zstack'],
  ])('%s is %s', (given, endpoint) => {
    expect(configOf({ ZSTACK_ENDPOINT: given }).endpoint).toBe(endpoint)
  })

  it('is made of host and port where it is not given', () => {
    expect(configOf({ ZSTACK_ENDPOINT: '', ZSTACK_HOST: 'zstack' }).endpoint).toBe('http://zstack:8080/zstack')
    expect(configOf({ ZSTACK_ENDPOINT: '', ZSTACK_HOST: '10.0.0.1', ZSTACK_PORT: '80' }).endpoint).toBe(
      'http://10.0.0.1:80/zstack',
    )
  })

  it.each([
    'zstack.example.com',
    'ftp://zstack',
    'http://',
    'http://zstack/?a=b',
    'http://zstack/#a',
    'http://user@zstack',
  ])('%s is none', (given) => {
    expect(problemsOf({ ...enough, ZSTACK_ENDPOINT: given })).toEqual([expect.stringMatching(/^ZSTACK_ENDPOINT must/)])
  })

  it.each(['http://zstack', 'zstack:9000', 'zstack/path', 'zstack?a', 'a b', 'user:secret@zstack'])(
    'a host is none that is %s',
    (given) => {
      const problems = problemsOf({ ...withoutEndpoint, ZSTACK_HOST: given })
      expect(problems).toEqual([expect.stringMatching(/^ZSTACK_HOST must/)])
      expect(problems.join()).not.toContain('secret')
    },
  )

  it('cannot be given in both ways', () => {
    expect(problemsOf({ ...enough, ZSTACK_HOST: 'zstack' })).toEqual([expect.stringContaining('ZSTACK_HOST')])
  })
})

describe('the credentials', () => {
  const endpoint = { ZSTACK_ENDPOINT: enough.ZSTACK_ENDPOINT }

  it('are an account, an access key or a directory', () => {
    const key = { ...endpoint, ZSTACK_ACCESS_KEY_ID: 'id', ZSTACK_ACCESS_KEY_SECRET: 'secret' }
    const directory = { ...endpoint, ZSTACK_CREDENTIALS_DIR: '/var/run/zstack' }
    const kinds = [key, directory].map((env) => {
      const parsed = parseConfig(env, false)
      return parsed.ok && withPlainSecrets(parsed.config.credentials)
    })
    expect(kinds).toEqual([
      { kind: 'accessKey', id: 'id', secret: 'secret' },
      { kind: 'directory', directory: '/var/run/zstack' },
    ])
  })

  it('are not seen where somebody prints the configuration', () => {
    const key = { ...endpoint, ZSTACK_ACCESS_KEY_ID: 'id', ZSTACK_ACCESS_KEY_SECRET: 'hunter2' }
    for (const config of [configOf({}), parseConfig(key, false)])
      expect(JSON.stringify(config) + inspect(config, { depth: 9, showHidden: true })).not.toContain('hunter2')
  })

  it.each([
    ['ZSTACK_ACCESS_KEY_SECRET', { ZSTACK_ACCESS_KEY_ID: 'id' }],
    ['ZSTACK_ACCESS_KEY_ID', { ZSTACK_ACCESS_KEY_SECRET: 'hunter2' }],
    ['ZSTACK_ACCOUNT_PASSWORD', { ZSTACK_ACCOUNT_NAME: 'admin' }],
    ['ZSTACK_ACCOUNT_NAME', { ZSTACK_ACCOUNT_PASSWORD: 'hunter2' }],
  ])('lack %s where only its other half is given', (missing, given) => {
    expect(problemsOf({ ...endpoint, ...given })).toEqual([expect.stringMatching(new RegExp(`^${missing} is missing`))])
  })

  it('cannot be given in two ways', () => {
    expect(problemsOf({ ...enough, ZSTACK_ACCESS_KEY_ID: 'id' })).toEqual([expect.stringContaining('set one')])
  })

  it('of a Secret that stand in the environment are named, with the Secret that they belong into', () => {
    const directory = { ...endpoint, ZSTACK_CREDENTIALS_DIR: '/somewhere' }
    const secret = { ZSTACK_CREDENTIALS_SECRET: 'zstack', POD_NAMESPACE: 'models' }
    expect(problemsOf({ ...directory, ...secret, ZSTACK_ACCOUNT_PASSWORD: 'hunter2' })).toEqual([
      'ZSTACK_ACCOUNT_PASSWORD stands in the environment beside ZSTACK_CREDENTIALS_DIR, where Secret zstack in namespace models is mounted; put it into that Secret, and remove it from the environment and the ConfigMap',
    ])
    expect(problemsOf({ ...enough, ...directory })).toEqual([
      expect.stringMatching(/^ZSTACK_ACCOUNT_NAME, ZSTACK_ACCOUNT_PASSWORD stand in .* where a Secret is mounted/),
    ])
  })

  it('in the endpoint are sent to the Secret, unread', () => {
    expect(problemsOf({ ...enough, ZSTACK_ENDPOINT: 'http://admin:hunter2@zstack/zstack' })).toEqual([
      expect.stringMatching(/^ZSTACK_ENDPOINT must be .* without credentials.*; a password belongs into the Secret$/),
    ])
  })

  it.each([
    ['blank space in a set', `a in (${',  '.repeat(5_000)}!`],
    ['blank space in values', `${'a=  ,'.repeat(5_000)}!`],
    ['blank space', `${' '.repeat(50_000)}!`],
    ['keys', `${'a,'.repeat(5_000)}!`],
    ['a key without end', `${'a-'.repeat(25_000)}!`],
    ['slashes', 'a/'.repeat(5_000)],
  ])('is refused in no time where it is much %s and then no selector', (_, given) => {
    expect(problemsOf({ ...enough, WATCH_LABEL_SELECTOR: given })).toHaveLength(1)
  })
})

describe('a setting that would let what hangs keep all others waiting', () => {
  it('counts as the smallest that does not', () => {
    const given = { ...enough, ZSTACK_MAX_IN_FLIGHT: '1', MAX_CONCURRENT_RECONCILES: '2' }
    expect(configOf(given)).toMatchObject({ maxInFlight: 8, maxConcurrentReconciles: 4 })
  })
})

describe('the settings in effect', () => {
  it('are told under the names of their variables, those that were not set among them, and no secret', () => {
    const settings = effectiveSettings(configOf({ WATCH_NAMESPACES: 'b,a', ZSTACK_REQUEST_TIMEOUT: '1500ms' }))
    expect(settings).toEqual({
      ZSTACK_ENDPOINT: 'http://zstack.example.com:8080/zstack',
      ZSTACK_ACCOUNT_NAME: 'admin',
      ZSTACK_INSECURE_SKIP_TLS_VERIFY: false,
      ZSTACK_REQUEST_BODY: 'auto',
      ZSTACK_REQUEST_TIMEOUT: '1500ms',
      ZSTACK_MAX_IN_FLIGHT: 16,
      POLL_INTERVAL: '60s',
      WATCH_NAMESPACES: 'b,a',
      MAX_CONCURRENT_RECONCILES: 32,
      LEADER_ELECTION: false,
      METRICS_PORT: 8080,
      HEALTH_PORT: 8081,
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'json',
    })
  })

  it('name the way to authenticate, whichever it is', () => {
    const directory = { ZSTACK_ACCOUNT_NAME: '', ZSTACK_ACCOUNT_PASSWORD: '', ZSTACK_CREDENTIALS_DIR: '/somewhere' }
    expect(effectiveSettings(configOf(directory))).toMatchObject({ ZSTACK_CREDENTIALS_DIR: '/somewhere' })
  })
})
