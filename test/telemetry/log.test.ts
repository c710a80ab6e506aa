import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
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
  it('is one line with time, level, message and what it is about', () => {
    const { log, lines } = logTo('pretty')
    log.warn({ name: 'a', namespace: 'models', reconcileID: '6c1a5f61', generation: 3 }, 'ZStack refuses the update')
    const text = stripVTControlCharacters(lines.join(''))
    expect(text).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] WARN \(a\): ZStack refuses the update \{"namespace":"models"\}\n$/)
    expect(text.trimEnd()).not.toContain('\n')
    expect(text).not.toContain('6c1a5f61')
  })

  it('never shows a secret either', () => {
    const { log, lines } = logTo('pretty')
    log.info({ password: 'hunter2' }, 'x')
    expect(lines.join('')).not.toContain('hunter2')
  })
})
