import { operatorNamespace, paths } from '../names.ts'
import { type PodStart, pods, startOf, watchPodStarts } from '../pods.ts'
import type { Report } from '../report.ts'
import { inSeconds, waitFor } from '../wait.ts'
import type { Environment } from '../environment.ts'

type Lease = { readonly spec: { readonly holderIdentity?: string } }

/** The leader's pod is deleted: another goes on. */
export async function testTakeover({ kubernetes, models }: Environment, report: Report): Promise<void> {
  const leader = async () => {
    const [pod = ''] = ((await kubernetes.get<Lease>(paths.lease))?.spec.holderIdentity ?? '').split('_')
    return pod
  }
  const before = (await pods(kubernetes)).map(({ metadata }) => metadata.name)
  let starting: Promise<readonly PodStart[]> = Promise.resolve([])
  await report.step("the leader's pod is deleted, and another takes over", async () => {
    const first = await leader()
    if (!before.includes(first))
      throw new Error(`the lease names ${first || 'nobody'}, the pods are ${before.join(', ')}`)
    const started = performance.now()
    await kubernetes.kubectl(['-n', operatorNamespace, 'delete', 'pod', first, '--wait=false'])
    const edit = await models.edit()
    starting = watchPodStarts(kubernetes, before.length)
    // Awaited in the next step, unless this one fails.
    starting.catch(() => undefined)
    const next = await waitFor("another pod's name in the lease", async () => {
      const now = await leader()
      return now !== '' && now !== first ? now : undefined
    })
    const tookOver = performance.now() - started
    const { slowestMs } = await models.arrived([edit], 60)
    // The pod that replaces the deleted one starts fast enough to come first at times.
    const which = before.includes(next) ? 'the one that stood by' : 'the new one'
    return `${which} leads after ${inSeconds(tookOver)}; an edit of that moment is in ZStack after ${inSeconds(slowestMs)}`
  })
  await report.step('a new pod stands by', async () => {
    const fresh = (await starting).find(({ pod }) => !before.includes(pod))
    await models.ready(60)
    return fresh && startOf(kubernetes, fresh)
  })
}
