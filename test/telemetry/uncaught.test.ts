import { execFile } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createUncaughtErrors } from '../../src/telemetry/uncaught.ts'
import { createCapturedLog } from '../support/captured-log.ts'

const source = new URL('../../src/telemetry/uncaught.ts', import.meta.url).href

function uncaughtErrors() {
  const { log, entries } = createCapturedLog()
  const uncaught = createUncaughtErrors(log)
  const rejected: (string | undefined)[] = []
  uncaught.onRejection((key) => rejected.push(key))
  return { uncaught, rejected, entries }
}

describe('an unhandled rejection', () => {
  it('is logged with the object in whose pass it began, long after the pass', async () => {
    const { uncaught, rejected, entries } = uncaughtErrors()
    const later = uncaught.runInPass('default/a', () =>
      setImmediate().then(() => uncaught.handleRejection(new Error('a bug'))),
    )
    await uncaught.runInPass('default/b', () => Promise.resolve('all is well'))
    await later
    expect(rejected).toEqual(['default/a'])
    expect(entries).toEqual([expect.objectContaining({ level: 'error', namespace: 'default', name: 'a' })])
    expect(entries[0]).toMatchObject({
      msg: 'an unhandled rejection, which is a bug; the object is tried again',
      err: { message: 'a bug' },
    })
  })

  it('outside of any pass is logged without an object', () => {
    const { uncaught, rejected, entries } = uncaughtErrors()
    uncaught.handleRejection(new Error('a bug'))
    expect(rejected).toEqual([undefined])
    expect(entries[0]).toMatchObject({ msg: 'an unhandled rejection, which is a bug; the operator goes on' })
    expect(entries[0]).not.toHaveProperty('name')
  })
})

describe('an uncaught exception', () => {
  it('is one fatal line with the object in whose pass it began, and no rejection', () => {
    const { uncaught, rejected, entries } = uncaughtErrors()
    uncaught.runInPass('default/a', () => uncaught.handleException(new Error('a bug')))
    expect(rejected).toEqual([])
    expect(entries).toEqual([
      expect.objectContaining({
        level: 'fatal',
        namespace: 'default',
        name: 'a',
        msg: expect.stringMatching(/ends/) as string,
      }),
    ])
    expect(entries[0]).toMatchObject({ err: { message: 'a bug' } })
  })
})

it('Node tells of both in the context of the pass in which they began', async () => {
  const script = `
    import { createUncaughtErrors } from ${JSON.stringify(source)}
    const tell = ({ err, namespace, name }) => console.log(namespace + '/' + name, err.message)
    const uncaught = createUncaughtErrors({ error: tell, fatal: tell })
    process.on('unhandledRejection', (reason) => uncaught.handleRejection(reason))
    process.on('uncaughtException', (error) => uncaught.handleException(error))
    uncaught.runInPass('default/a', () => void Promise.reject(new Error('floating')))
    uncaught.runInPass('default/b', () => setTimeout(() => { throw new Error('in a timer') }, 1))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  expect(stdout.trim().split('\n')).toEqual(['default/a floating', 'default/b in a timer'])
})
