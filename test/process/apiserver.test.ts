/**
 * With outages of a minute, and a silence up to the stall limit:
 * `LONG_FAULTS=1 npx vitest run --config test/vitest.config.ts test/process`.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { limits } from '../../src/limits.ts'
import { startTestApiServer, type TestApiServer } from '../support/envtest/api-server.ts'
import { apiServerMissing, sharedApiServer } from '../support/envtest/shared.ts'
import { fillNamespace, taken, updatedAt, type FullNamespace } from '../support/full-namespace.ts'
import { testDirectory } from '../support/kubeconfig.ts'
import { isLong } from '../support/long.ts'
import { inPod } from '../support/operator-process.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

const size = 20
const awayMs = isLong ? 60_000 : 3_000
/** So late a first apply may be seen. */
const noticeMs = 2_000
/** Promised, whatever hangs. */
const stopLimitMs = limits.shutdownGraceMs

const updateOfFirst = (space: FullNamespace, after: number) => updatedAt(space.zstack, space.uuids[0], after)

/** Tries until the API server takes it; the time is when that try was sent. */
async function editWhenBack(space: FullNamespace, spec: object): Promise<number> {
  for (;;) {
    try {
      return await space.edit(0, spec)
    } catch {
      await sleep(5)
    }
  }
}

/** Ends an outage; how long after the first edit that the server took ZStack was asked for it, in milliseconds. */
async function firstApply(space: FullNamespace, server: TestApiServer): Promise<number> {
  const back = server.start()
  const sentAt = await editWhenBack(space, { requestCpu: 16 })
  await expect.poll(() => updateOfFirst(space, sentAt), { timeout: 40_000 }).toBeDefined()
  await back
  return updateOfFirst(space, sentAt)! - sentAt
}

describe.skipIf(apiServerMissing() !== undefined)('an API server', () => {
  let server: TestApiServer
  beforeAll(async () => {
    server = await startTestApiServer()
  })
  afterAll(() => server.close())

  it(`away for ${awayMs / 1000} s and back: the first apply reaches ZStack within ${noticeMs / 1000} s`, async ({
    annotate,
  }) => {
    const space = await fillNamespace({ size, server })
    const operator = space.start()
    await space.converged()
    await server.stop()
    await operator.logged(({ msg }) => msg?.includes('the watch broke') === true)
    // A change in ZStack during the outage is corrected in it: the two have nothing to do with each other.
    space.zstack.drift(space.uuids[1]!, { requestCpu: 2 })
    await sleep(awayMs)
    expect(space.zstack.read(space.uuids[1]!)).toMatchObject({ requestCpu: 8 })

    const tookMs = await firstApply(space, server)
    await annotate(`reached ZStack after ${tookMs} ms`)
    expect(tookMs).toBeLessThan(noticeMs)
    await space.converged()
    expect(taken(space.zstack)).toHaveLength(size + 2)
    expect(operator.log.filter(({ level }) => level === 'fatal')).toEqual([])
  }, 150_000)

  it(`away for ${awayMs / 1000} s, in which the leader is started again in its pod: it is in time all the same`, async ({
    annotate,
  }) => {
    const space = await fillNamespace({ size, server })
    const pod = { ...space.elected, ...inPod('one') }
    const leader = space.start(pod)
    await space.converged()
    await server.stop()
    const stoppedAt = Date.now()
    // Away for longer than a lease, the server need only be waited for.
    if (!isLong) leader.signal('SIGKILL')
    expect(await leader.exited).toBe(isLong ? 1 : null)
    const next = space.start(pod)
    await next.logged(({ msg }) => msg?.includes('the watch broke') === true)
    await sleep(stoppedAt + awayMs - Date.now())

    const tookMs = await firstApply(space, server)
    await annotate(`reached ZStack after ${tookMs} ms`)
    expect(tookMs).toBeLessThan(noticeMs)
    await space.converged()
    expect(taken(space.zstack)).toHaveLength(size + 1)
    expect(next.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
  }, 150_000)

  it.skipIf(!isLong)(
    'away for longer than a lease ends a leader with 1, and one of another pod acts once that lease is over',
    async ({ annotate }) => {
      const space = await fillNamespace({ size, server })
      const leader = space.start({ ...space.elected, ...inPod('one') })
      await space.converged()
      await server.stop()
      expect(await leader.exited).toBe(1)
      space.start({ ...space.elected, ...inPod('two') })
      const tookMs = await firstApply(space, server)
      await annotate(`reached ZStack after ${tookMs} ms`)
      // It saw the lease for the first time when the API server was back, and never believes what others' clocks say.
      expect(tookMs).toBeLessThan(limits.lease.durationMs + noticeMs)
      await space.converged()
    },
    120_000,
  )

  it.skipIf(!isLong)(
    'that hangs keeps no operator from ending in 0 within its limit, logged out',
    async ({ annotate }) => {
      const space = await fillNamespace({ size, server, moods: { latencyMillis: 300 } })
      const operator = space.start(space.elected)
      await expect.poll(() => taken(space.zstack).length, { timeout: 20_000 }).toBeGreaterThan(0)
      server.kill('SIGSTOP')
      onTestFinished(() => server.kill('SIGCONT'))
      const toldAt = Date.now()
      expect(await operator.stop()).toBe(0)
      const tookMs = Date.now() - toldAt
      await annotate(`ended after ${tookMs} ms`)
      expect(tookMs).toBeLessThan(stopLimitMs)
      expect(space.zstack.counters.openSessions).toBe(0)
    },
    90_000,
  )
})

/** The environment of an operator whose only way to the shared API server is the proxy. */
async function throughProxy(): Promise<{ proxy: TcpProxy; env: { KUBECONFIG: string } }> {
  const { url, adminKubeconfig } = await sharedApiServer()
  const proxy = await startTcpProxy(Number(new URL(url).port))
  onTestFinished(() => proxy.close())
  const file = join(await testDirectory(), 'kubeconfig')
  await writeFile(file, (await readFile(adminKubeconfig, 'utf8')).replace(url, `https://127.0.0.1:${proxy.port}`))
  return { proxy, env: { KUBECONFIG: file } }
}

/** An operator at rest whose connections to the API server have just died without a word. */
async function silencedOperator() {
  const { proxy, env } = await throughProxy()
  const space = await fillNamespace({ size })
  const operator = space.start(env)
  await space.converged()
  expect(proxy.silence()).toBeGreaterThan(1)
  const sentAt = await space.edit(0, { requestCpu: 16 })
  return { ...space, proxy, operator, sentAt }
}

describe.skipIf(apiServerMissing() !== undefined)('a watch whose connection dies without a word', () => {
  it(`goes on within ${noticeMs / 1000} s of the first word about it, and has missed nothing`, async ({ annotate }) => {
    const space = await silencedOperator()
    const polls = space.zstack.counters.query
    await expect.poll(() => space.zstack.counters.query, { timeout: 10_000 }).toBeGreaterThan(polls + 1)
    expect(updateOfFirst(space, space.sentAt)).toBeUndefined()
    const toldAt = Date.now()
    space.proxy.reset()
    await expect.poll(() => updateOfFirst(space, space.sentAt), { timeout: 20_000 }).toBeDefined()
    const tookMs = updateOfFirst(space, space.sentAt)! - toldAt
    await annotate(`reached ZStack after ${tookMs} ms`)
    expect(tookMs).toBeLessThan(noticeMs)
    await space.converged()
  }, 60_000)

  it.skipIf(!isLong)(
    'is noticed by the stall limit though no word ever comes',
    async ({ annotate }) => {
      /** The server was to end the watch after 120 s, and 10 s later it is held to be dead. */
      const stallMs = 130_000
      const space = await silencedOperator()
      await expect.poll(() => updateOfFirst(space, space.sentAt), { timeout: stallMs + 30_000 }).toBeDefined()
      const tookMs = updateOfFirst(space, space.sentAt)! - space.sentAt
      await annotate(`reached ZStack after ${tookMs} ms`)
      expect(tookMs).toBeLessThan(stallMs + noticeMs)
      expect(space.operator.log).toContainEqual(
        expect.objectContaining({ msg: 'the watch broke; it is resumed by itself' }),
      )
      await space.converged()
    },
    240_000,
  )
})
