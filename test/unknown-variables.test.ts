import { describe, expect, it } from 'vitest'
import { effectiveSettings, parseConfig } from '../src/config.ts'
import { configOf, enough } from './support/environment.ts'

const warningsFor = (name: string, value = 'x') => parseConfig({ ...enough, [name]: value }, false).warnings

describe('a variable that nothing reads', () => {
  it.each([
    ['POLL_INTERVALL', 'POLL_INTERVAL'],
    ['ZSTACK_TIMEOUT', 'ZSTACK_REQUEST_TIMEOUT'],
    ['ZSTACK_PASSWORD', 'ZSTACK_ACCOUNT_PASSWORD'],
    ['ZSTACK_ENDPIONT', 'ZSTACK_ENDPOINT'],
    ['ZSTACK_ACCESS_KEY', 'ZSTACK_ACCESS_KEY_ID'],
    ['ZSTACK_INSECURE', 'ZSTACK_INSECURE_SKIP_TLS_VERIFY'],
    ['WATCH_NAMESPACE', 'WATCH_NAMESPACES'],
    ['MAX_RECONCILES', 'MAX_CONCURRENT_RECONCILES'],
    ['LEADER_ELECT', 'LEADER_ELECTION'],
    ['METRIC_PORT', undefined],
    ['LOG_LEVLE', 'LOG_LEVEL'],
  ])('%s is told by name, and %s with it', (name, meant) => {
    expect(warningsFor(name)).toEqual(
      meant === undefined ? [] : [`${name} is set, and nothing reads it; ${meant} may be meant`],
    )
  })

  it('that is like no other is told by name alone', () => {
    expect(warningsFor('ZSTACK_XYZZY')).toEqual(['ZSTACK_XYZZY is set, and nothing reads it'])
  })

  it.each(['POD_IP', 'PATH', 'HTTP_PROXY', 'KUBERNETES_PORT'])('%s is of others, and not told', (name) => {
    expect(warningsFor(name)).toEqual([])
  })

  it('is not told if it is empty, and its value never is', () => {
    expect(warningsFor('ZSTACK_PASSWORD', '')).toEqual([])
    expect(warningsFor('ZSTACK_PASSWORD', 'hunter2').join()).not.toContain('hunter2')
  })
})

describe('a Service called zstack, metrics or health', () => {
  it.each([
    ['ZSTACK_SERVICE_HOST', '10.0.0.1'],
    ['ZSTACK_SERVICE_PORT', '8080'],
    ['ZSTACK_SERVICE_PORT_HTTP', '8080'],
    ['ZSTACK_PORT_8080_TCP', 'tcp://10.0.0.1:8080'],
    ['ZSTACK_PORT_8080_TCP_ADDR', '10.0.0.1'],
    ['ZSTACK_PORT', 'tcp://10.0.0.1:8080'],
    ['METRICS_PORT', 'tcp://10.0.0.1:9090'],
    ['HEALTH_PORT', 'udp://[fd00::1]:53'],
  ])('brings %s=%s, which is neither a setting nor a mistake', (name, value) => {
    expect(warningsFor(name, value)).toEqual([])
    expect(effectiveSettings(configOf({ [name]: value }))).toEqual(effectiveSettings(configOf({})))
  })
})
