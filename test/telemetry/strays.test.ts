import { execFile } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createStrays } from '../../src/telemetry/strays.ts'
import { createCapturedLog } from '../support/captured-log.ts'

const source = new URL('../../src/telemetry/strays.ts', import.meta.url).href

describe('an error that nobody caught', () => {
  it('is told with the object in whose pass it began, long after the pass', async () => {
    const { log, entries } = createCapturedLog()
    const strays = createStrays(log)
    const told: (string | undefined)[] = []
    strays.onStray((key) => told.push(key))
    const later = strays.within('default/a', () =>
      setImmediate().then(() => strays.caught('rejection', new Error('a bug'))),
    )
    await strays.within('default/b', () => Promise.resolve('all is well'))
    await later
    expect(told).toEqual(['default/a'])
    expect(entries).toEqual([
      expect.objectContaining({ level: 'error', namespace: 'default', name: 'a', msg: 'an unhandled rejection' }),
    ])
    expect(entries[0]).toMatchObject({ err: { message: 'a bug' } })
  })

  it('outside of any pass is told without an object', () => {
    const { log, entries } = createCapturedLog()
    const strays = createStrays(log)
    const told: (string | undefined)[] = []
    strays.onStray((key) => told.push(key))
    strays.caught('exception', new Error('a bug'))
    expect(told).toEqual([undefined])
    expect(entries[0]).toMatchObject({ msg: 'an uncaught exception', err: { message: 'a bug' } })
  })

  it('does not end the process, and Node tells of it in the context of its pass', async () => {
    const script = `
      import { createStrays } from ${JSON.stringify(source)}
      const strays = createStrays({ error: ({ err, namespace, name }) => console.log(namespace + '/' + name, err.message) })
      process.on('unhandledRejection', (error) => strays.caught('rejection', error))
      process.on('uncaughtException', (error) => strays.caught('exception', error))
      strays.within('default/a', () => void Promise.reject(new Error('floating')))
      strays.within('default/b', () => setTimeout(() => { throw new Error('in a timer') }, 1))
      setTimeout(() => console.log('still there'), 50)`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    expect(stdout.trim().split('\n')).toEqual(['default/a floating', 'default/b in a timer', 'still there'])
  })
})
