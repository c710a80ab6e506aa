import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../src/config.ts'
import { limits } from '../src/limits.ts'
import { configOf, enough, fileWith, problemsOf } from './support/environment.ts'

describe('what is wrong', () => {
  it('is reported together, each by the name of its variable, and no secret is repeated', () => {
    const problems = problemsOf({
      ZSTACK_ENDPOINT: 'http://admin:hunter2@zstack/',
      ZSTACK_ACCESS_KEY_SECRET: 'hunter2',
      ZSTACK_ACCOUNT_PASSWORD: 'hunter2',
      ZSTACK_CA_FILE: '/nonexistent/ca.pem',
      ZSTACK_INSECURE_SKIP_TLS_VERIFY: 'yes',
      ZSTACK_PORT: 'http',
      ZSTACK_REQUEST_BODY: 'round',
      ZSTACK_REQUEST_TIMEOUT: '30',
      ZSTACK_MAX_IN_FLIGHT: '0',
      POLL_INTERVAL: 'soon',
      WATCH_NAMESPACES: 'good,Bad_one',
      WATCH_LABEL_SELECTOR: 'a b',
      MAX_CONCURRENT_RECONCILES: '1e3',
      LEADER_ELECTION: '1',
      LEADER_ELECTION_NAMESPACE: 'Bad_one',
      METRICS_PORT: '65536',
      HEALTH_PORT: '-1',
      LOG_LEVEL: 'loud',
      LOG_FORMAT: 'xml',
    })
    const named = problems.map((problem) => problem.split(/[ ,]/, 1)[0])
    expect(new Set(named)).toEqual(
      new Set([
        ...['ZSTACK_ENDPOINT', 'ZSTACK_CREDENTIALS_DIR', 'ZSTACK_CA_FILE', 'ZSTACK_PORT'],
        ...['ZSTACK_INSECURE_SKIP_TLS_VERIFY', 'ZSTACK_REQUEST_BODY', 'ZSTACK_REQUEST_TIMEOUT', 'ZSTACK_MAX_IN_FLIGHT'],
        ...['POLL_INTERVAL', 'WATCH_NAMESPACES', 'WATCH_LABEL_SELECTOR', 'MAX_CONCURRENT_RECONCILES'],
        ...['LEADER_ELECTION', 'LEADER_ELECTION_NAMESPACE', 'METRICS_PORT', 'HEALTH_PORT', 'LOG_LEVEL', 'LOG_FORMAT'],
      ]),
    )
    expect(problems.join('\n')).not.toContain('hunter2')
  })

  it('is, of nothing at all, the two things that have no default', () => {
    expect(problemsOf({})).toEqual([
      expect.stringMatching(/^ZSTACK_ENDPOINT is missing/),
      expect.stringMatching(/^ZSTACK_ACCESS_KEY_ID and ZSTACK_ACCESS_KEY_SECRET are missing/),
    ])
  })

  it.each(['500ms', '1441m', '25h', '1d', '-1s', '1 s', 'NaNs', '1e3s', '٣s', ''.padEnd(12, '9') + 's'])(
    'is an interval of %s',
    (given) => {
      expect(problemsOf({ ...enough, POLL_INTERVAL: given })).toEqual([
        'POLL_INTERVAL must be a duration such as 30s or 5m, from 1s to 24h',
      ])
    },
  )

  it.each(['91s', '2m', '1h', '50ms'])('is a request timeout of %s, for a pass would end before it', (given) => {
    expect(problemsOf({ ...enough, ZSTACK_REQUEST_TIMEOUT: given })).toEqual([
      'ZSTACK_REQUEST_TIMEOUT must be a duration such as 30s, from 100ms to 90s',
    ])
  })

  it('is no request timeout that leaves a pass the time to report it', () => {
    expect(configOf({ ZSTACK_REQUEST_TIMEOUT: '90s' }).requestTimeoutMs).toBe(limits.maxRequestTimeoutMs)
    expect(limits.maxRequestTimeoutMs).toBeLessThan(limits.passMs)
  })

  it.each([
    ['1s', 1_000],
    ['1000ms', 1_000],
    ['24h', 86_400_000],
    ['0.5m', 30_000],
  ])('is not an interval of %s', (given, ms) => {
    expect(configOf({ POLL_INTERVAL: given }).pollIntervalMs).toBe(ms)
  })

  it('is one port for both pages, unless it is none', () => {
    expect(problemsOf({ ...enough, METRICS_PORT: '8081' })).toEqual([expect.stringContaining('HEALTH_PORT')])
    const none = { METRICS_PORT: '0', HEALTH_PORT: '0' }
    expect(problemsOf({ ...enough, ...none })).toEqual([])
    expect(problemsOf({ ...enough, ...none, POLL_INTERVAL: 'soon' })).toHaveLength(1)
  })

  it('is a CA file without a certificate', () => {
    expect(problemsOf({ ...enough, ZSTACK_CA_FILE: fileWith('nothing') })).toEqual([
      expect.stringMatching(/^ZSTACK_CA_FILE names .* which holds no PEM certificate$/),
    ])
  })
})

describe('a label selector', () => {
  it.each(['a', '!a', 'a=b', 'a==b', 'a!=b', 'a=', 'a in (b, c)', 'a notin (b)', 'example.com/team = ml , !b,c>4'])(
    'is %s',
    (given) => {
      expect(configOf({ WATCH_LABEL_SELECTOR: given }).watchLabelSelector).toBe(given)
    },
  )

  it.each(['a b', 'a=b c', '=b', 'a in b', 'a in (b', 'a,', ',a', 'a=b/c', 'A B', '-a', 'a=-b'])(
    'is not %s',
    (given) => {
      expect(problemsOf({ ...enough, WATCH_LABEL_SELECTOR: given })).toEqual([
        expect.stringMatching(/^WATCH_LABEL_SELECTOR must be a label selector/),
      ])
    },
  )
})

const variables = [
  ...['ZSTACK_ENDPOINT', 'ZSTACK_HOST', 'ZSTACK_PORT', 'ZSTACK_CREDENTIALS_DIR', 'ZSTACK_CA_FILE'],
  ...['ZSTACK_ACCESS_KEY_ID', 'ZSTACK_ACCESS_KEY_SECRET', 'ZSTACK_ACCOUNT_NAME', 'ZSTACK_ACCOUNT_PASSWORD'],
  ...['ZSTACK_INSECURE_SKIP_TLS_VERIFY', 'ZSTACK_REQUEST_BODY', 'ZSTACK_REQUEST_TIMEOUT', 'ZSTACK_MAX_IN_FLIGHT'],
  ...['POLL_INTERVAL', 'WATCH_NAMESPACES', 'WATCH_LABEL_SELECTOR', 'MAX_CONCURRENT_RECONCILES', 'LEADER_ELECTION'],
  ...[
    'LEADER_ELECTION_NAMESPACE',
    'POD_NAME',
    'POD_UID',
    'POD_NAMESPACE',
    'ZSTACK_CREDENTIALS_SECRET',
    'METRICS_PORT',
    'HEALTH_PORT',
    'LOG_LEVEL',
    'LOG_FORMAT',
  ],
]

it('whatever the environment holds is a configuration, or problems that each name a variable', () => {
  const pieces = [
    '',
    ' ',
    '0',
    '1',
    '9'.repeat(20),
    '-1',
    '1e3',
    '30s',
    '5m',
    'true',
    'a',
    'a,b',
    'a=b',
    '/',
    '..',
    '[::1]',
  ]
  const odd = [
    '\0',
    '\n',
    '\ud800',
    '🚀',
    '%',
    ':',
    '@',
    '#',
    'http://',
    'https://h',
    '__proto__',
    'json',
    'x'.repeat(9_999),
  ]
  const value = fc.oneof(
    fc.constantFrom(...pieces, ...odd),
    fc.array(fc.constantFrom(...pieces, ...odd), { maxLength: 4 }).map((list) => list.join('')),
    fc.string({ unit: 'binary', maxLength: 300 }),
  )
  const environment = fc.dictionary(fc.constantFrom(...variables), value, { maxKeys: variables.length })
  fc.assert(
    fc.property(environment, fc.boolean(), (env, isTerminal) => {
      const result = parseConfig(env, isTerminal)
      if (result.ok) return
      expect(result.problems).not.toEqual([])
      for (const problem of result.problems) expect(variables).toContain(/^\w+/.exec(problem)?.[0])
    }),
    { numRuns: 500, seed: 20261123 },
  )
})
