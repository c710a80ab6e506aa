import { operatorNamespace, paths } from '../names.ts'
import { pods } from '../pods.ts'
import type { Report } from '../report.ts'
import { inSeconds, until } from '../until.ts'
import type { World } from '../world.ts'

type Lease = { readonly spec: { readonly holderIdentity?: string } }

/** The leader's pod is deleted: the other one goes on. */
export async function showTakeover({ kubernetes, fleet }: World, report: Report): Promise<void> {
  const leader = async () => {
    const [pod = ''] = ((await kubernetes.get<Lease>(paths.lease))?.spec.holderIdentity ?? '').split('_')
    return pod
  }
  await report.step("the leader's pod is deleted, and the other one takes over", async () => {
    const first = await leader()
    const before = (await pods(kubernetes)).map(({ metadata }) => metadata.name)
    if (!before.includes(first))
      throw new Error(`the lease names ${first || 'nobody'}, the pods are ${before.join(', ')}`)
    const started = performance.now()
    await kubernetes.kubectl(['-n', operatorNamespace, 'delete', 'pod', first, '--wait=false'])
    const edit = await fleet.edit()
    const next = await until("another pod's name in the lease", async () => {
      const now = await leader()
      return now !== '' && now !== first ? now : undefined
    })
    const tookOver = performance.now() - started
    if (!before.includes(next)) throw new Error(`${next} leads, which was not there before: ${before.join(', ')}`)
    const { slowestMs } = await fleet.arrived([edit], 60)
    return `it leads after ${inSeconds(tookOver)}; an edit of that moment is in ZStack after ${inSeconds(slowestMs)}`
  })
  await report.step('a new pod stands by', async () => {
    await kubernetes.kubectl(['-n', operatorNamespace, 'rollout', 'status', 'deployment/modelservice-operator'])
    await fleet.ready(60)
    return undefined
  })
}
