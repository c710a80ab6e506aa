import { expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import type { LogLine } from '../support/operator-process.ts'
import { startFixture } from '../support/process-fixture.ts'
import { modelService } from '../support/zstack/simulator.ts'

const uuid = 'a'.repeat(32)
const startOne = () => startFixture({ services: [modelService({ uuid, requestCpu: 4 })] })

/** Runs the script in the operator's process before the operator itself: the built program holds no hook for tests. */
const withPreload = (script: string) => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}`,
})
const isFatal = ({ level }: LogLine) => level === 'fatal'

it.each(['json', 'pretty'])(
  'an uncaught exception ends the operator with 1 after one fatal line (%s)',
  async (format) => {
    const fixture = await startOne()
    const operator = fixture.start({
      ...withPreload(`process.once('SIGUSR2', () => { throw new Error('nobody expects this') })`),
      LOG_FORMAT: format,
    })
    await fixture.create('a', { uuid, requestCpu: 8 })
    await fixture.converged()
    operator.signal('SIGUSR2')
    expect(await operator.exited).toBe(1)
    // For people, the stack follows its entry in lines of its own.
    const entries = format === 'json' ? operator.log : operator.log.filter(({ msg }) => msg?.startsWith('['))
    const fatal = entries.filter(({ level, msg }) => level === 'fatal' || msg?.includes('FATAL') === true)
    expect(fatal).toHaveLength(1)
    expect(entries.at(-1)).toBe(fatal[0])
    expect(fatal[0]?.msg).toContain('an uncaught exception')
    expect(JSON.stringify(operator.log)).toContain('nobody expects this')
  },
)

it('an uncaught exception leaves the lease as it is, and the next process of the pod goes on at once', async () => {
  const fixture = await startOne()
  const env = { LEADER_ELECTION: 'true', POD_NAME: 'one', POD_UID: 'uid-of-one' }
  const operator = fixture.start({
    ...env,
    ...withPreload(`process.once('SIGUSR2', () => { throw new Error('nobody expects this') })`),
  })
  await operator.logged(({ msg }) => msg === 'leading')
  operator.signal('SIGUSR2')
  expect(await operator.exited).toBe(1)
  expect(operator.log.filter(isFatal)).toHaveLength(1)
  const lease = await fetch(
    `${fixture.api.url}/apis/coordination.k8s.io/v1/namespaces/default/leases/modelservice-operator`,
  )
  expect(await lease.json()).toMatchObject({ spec: { holderIdentity: 'one_uid-of-one' } })

  fixture.start(env)
  await fixture.create('a', { uuid, requestCpu: 8 })
  await fixture.converged()
})

it('a rejection that nobody handled costs its pass alone: it is logged with its object, counted, and all goes on', async () => {
  const fixture = await startOne()
  const port = String(await freePort())
  // The channel calls its subscribers in the context of the pass that sends the request.
  const operator = fixture.start({
    ...withPreload(`
      import { subscribe, unsubscribe } from 'node:diagnostics_channel'
      subscribe('undici:request:create', function reject({ request }) {
        if (request.method !== 'PUT' || !request.path.includes('model-services')) return
        unsubscribe('undici:request:create', reject)
        void Promise.reject(new Error('nobody awaits this'))
      })`),
    METRICS_PORT: port,
  })
  await fixture.create('a', { uuid, requestCpu: 8 })
  const line = await operator.logged(({ msg }) => msg?.startsWith('an unhandled rejection') === true)
  expect(line).toMatchObject({
    level: 'error',
    namespace: 'default',
    name: 'a',
    err: { message: 'nobody awaits this' },
  })
  await fixture.converged()
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  expect(metrics).toMatch(/^zstack_operator_uncaught_errors_total 1$/m)
  await fixture.edit('a', { requestCpu: 16 })
  await fixture.converged()
  expect(fixture.zstack.read(uuid)).toMatchObject({ requestCpu: 16 })
  expect(operator.log.filter(isFatal)).toEqual([])
  expect(await operator.stop()).toBe(0)
})
