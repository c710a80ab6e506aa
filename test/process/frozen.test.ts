import { expect, it } from 'vitest'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { fillNamespace, taken } from '../support/full-namespace.ts'

const size = 100

it.skipIf(apiServerMissing() !== undefined)(
  'frozen in the middle of its work until another leads, and woken, an operator writes nothing more and ends in 1',
  async ({ annotate }) => {
    const space = await fillNamespace({
      size,
      spec: () => ({ requestCpu: 8, userTags: ['x'] }),
      moods: { latencyMillis: 300 },
    })
    const { zstack, start, elected, objects, converged, lease } = space
    const frozen = start(elected)
    await expect.poll(() => taken(zstack).length, { timeout: 20_000 }).toBeGreaterThan(size / 10)
    frozen.signal('SIGSTOP')
    const { holderIdentity } = await lease()
    start(elected)
    await expect.poll(async () => (await lease()).holderIdentity, { timeout: 40_000 }).not.toBe(holderIdentity)
    await converged()
    const versions = async () => (await objects()).map(({ metadata }) => metadata.resourceVersion)
    const [updates, before] = [zstack.counters.update, await versions()]

    const wokenAt = Date.now()
    frozen.signal('SIGCONT')
    expect(await frozen.exited).toBe(1)
    await annotate(`ended ${Date.now() - wokenAt} ms after it was woken`)
    expect(frozen.log.at(-1)).toMatchObject({ level: 'error', msg: expect.stringContaining('lease is lost') as string })
    expect(zstack.counters.update).toBe(updates)
    expect(await versions()).toEqual(before)
    expect((await lease()).holderIdentity).not.toBe(holderIdentity)
  },
  120_000,
)
