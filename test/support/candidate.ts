import { onTestFinished } from 'vitest'
import type { ApiRequest } from '../../src/kube/cluster.ts'
import type { ServiceAccount } from '../../src/kube/service-account.ts'
import { acquireLease, type Leadership } from '../../src/kube/lease.ts'
import { createCapturedLog } from './captured-log.ts'
import { createManualClock, type ManualClock } from './clock.ts'
import { createLeaseApi, type Fate, type LeaseApi } from './lease-api.ts'
import { createStoppable } from './stoppable.ts'

/** Time and an API, with no lease yet. */
export function createLeaseWorld({ account }: { account?: ServiceAccount } = {}) {
  const clock = createManualClock()
  return { clock, api: createLeaseApi(clock, account) }
}

/** A process that wants the lease, from now on until the test ends. */
export function candidate(
  identity: string,
  { clock, api, fate }: { clock: ManualClock; api: LeaseApi; fate?: (request: ApiRequest) => Fate },
) {
  const { log, entries } = createCapturedLog()
  const stop = new AbortController()
  let leadership: Leadership | undefined
  let problem: string | undefined
  const onProblem = (told: string | undefined) => (problem = told)
  const process = createStoppable(clock, api.clusterFor(fate))
  const asked = acquireLease(
    { ...process, namespace: 'test', name: 'leader', identity, random: () => 1, log, onProblem },
    stop.signal,
  ).then((acquired) => {
    leadership = acquired
    return acquired
  })
  onTestFinished(() => stop.abort())
  return {
    asked,
    stop,
    /** Stops it until the returned function is called. */
    freeze: () => process.stop(),
    entries,
    /** Why the lease is refused to it, as it told last. */
    problem: () => problem,
    isHeld: () => leadership?.isHeld() === true,
    leadership: () => leadership!,
  }
}

export const specOf = (api: LeaseApi) => api.lease()?.spec ?? {}
/** What another process wrote, long ago by its own clock. */
export const foreign = (renewTime = '2001-01-01T00:00:00.000000Z', leaseDurationSeconds = 15) => ({
  holderIdentity: 'other',
  leaseDurationSeconds,
  renewTime,
  acquireTime: renewTime,
  leaseTransitions: 3,
})
