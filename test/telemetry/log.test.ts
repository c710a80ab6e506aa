import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { redacted } from '../../src/redacted.ts'
import { createLog } from '../../src/telemetry/log.ts'

function logTo(format: 'json' | 'pretty', level = 'info') {
  const lines: string[] = []
  const destination = { write: (text: string) => void lines.push(text) }
  return { log: createLog({ level, format, destination }), lines }
}

describe('the log as JSON', () => {
  it('is one object a line, with level, time and message', () => {
    const { log, lines } = logTo('json')
    log.info({ name: 'a' }, 'updated')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^[^\n]*\n$/)
    expect(JSON.parse(lines[0]!)).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      name: 'a',
      msg: 'updated',
    })
  })

  it('leaves out what is below its level', () => {
    const { log, lines } = logTo('json', 'warn')
    log.info('a')
    log.warn('b')
    expect(lines).toHaveLength(1)
  })

  it('tells an error with its message, its stack and its cause', () => {
    const { log, lines } = logTo('json')
    log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed')
    const { err } = JSON.parse(lines[0]!) as { err: { message: string; stack: string } }
    expect(err.message).toContain('outer')
    expect(err.stack).toContain('inner')
    expect(lines).toHaveLength(1)
  })

  it('shows of a secret that there is one, whatever its key and however deep', () => {
    const { log, lines } = logTo('json')
    const pair = { id: 'key', value: redacted('hunter2') }
    log.info({ pair, list: [{ deep: { pair } }] }, 'x')
    log.error({ err: new Error('x', { cause: { pair } }), pair: pair.value }, 'y')
    expect(lines.join('')).not.toContain('hunter2')
    expect(JSON.parse(lines[0]!)).toMatchObject({ pair: { id: 'key', value: '[redacted]' } })
  })

  it.each(['password', 'secret', 'token', 'authorization', 'Authorization', 'session', 'credentials'])(
    'never shows a value under the key %s, at the top or further down',
    (key) => {
      const { log, lines } = logTo('json')
      log.info({ [key]: 'hunter2', a: { [key]: 'hunter2', b: { [key]: 'hunter2' } } }, 'x')
      log.child({ [key]: 'hunter2' }).info('y')
      expect(lines.join('')).not.toContain('hunter2')
      expect(lines).toHaveLength(2)
    },
  )
})

describe('the log for people', () => {
  const about = { controller: 'modelservice', reconcileID: '6c1a', namespace: 'models', name: 'a', generation: 3 }

  it.each([
    [
      'a change',
      { fields: ['yaml', 'type'], cause: 'SpecChanged' },
      'updated',
      'models/a: updated yaml, type (SpecChanged)',
    ],
    ['an outcome', { ready: 'False', reason: 'NotFound' }, 'gone', 'models/a: Ready=False NotFound, gone'],
    ['trouble', { reason: 'HTTP 503', attempts: 2 }, 'broken', 'models/a: broken (HTTP 503) {"attempts":2}'],
  ])('tells %s in one line: when, how bad, of what, what, and the rest', (_, keys, message, sentence) => {
    const { log, lines } = logTo('pretty')
    log.child(about).warn(keys, message)
    const [line = '', ...others] = lines.map((text) => stripVTControlCharacters(text))
    expect(line.replace(/^\[\d\d:\d\d:\d\d\.\d{3}\] /, '')).toBe(`WARN: ${sentence}\n`)
    expect(others).toEqual([])
  })

  it('tells what is about no object without one', () => {
    const { log, lines } = logTo('pretty')
    log.info({ version: '1' }, 'started')
    expect(stripVTControlCharacters(lines.join(''))).toMatch(/\] INFO: started \{"version":"1"\}\n$/)
  })

  it('never shows a secret either', () => {
    const { log, lines } = logTo('pretty')
    log.info({ password: 'hunter2' }, 'x')
    expect(lines.join('')).not.toContain('hunter2')
  })
})
