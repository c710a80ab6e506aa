import { format, inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { redacted } from '../src/redacted.ts'

describe('a secret', () => {
  const secret = redacted('hunter2')

  it('gives its text to whoever asks for it by name', () => {
    expect(secret.reveal()).toBe('hunter2')
  })

  it.each([
    ['a message', () => `${String(secret)} ${secret.toString()}`],
    ['a joined list', () => [secret].join(' ')],
    ['JSON', () => JSON.stringify({ deep: [{ secret }] })],
    ['JSON of a copy', () => JSON.stringify({ ...secret })],
    ['the console', () => format('%s %o %j', { deep: { secret } }, secret, secret)],
    ['a debugger', () => inspect({ secret }, { depth: 9, showHidden: true })],
    ['an error and its cause', () => inspect(new Error(String(secret), { cause: { secret } }), { showHidden: true })],
    ['a stringified object', () => String(Object.entries(secret))],
  ])('does not show it in %s', (_, show) => {
    expect(show()).not.toContain('hunter2')
  })

  it('says that there is something', () => {
    expect([String(secret), JSON.stringify(secret), inspect(secret)]).toEqual([
      '[redacted]',
      '"[redacted]"',
      '[redacted]',
    ])
  })

  it('cannot be opened by another hand', () => {
    expect(() => Object.assign(secret, { toString: () => secret.reveal() })).toThrow(TypeError)
  })
})
