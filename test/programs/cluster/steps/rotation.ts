import { condition } from '../fleet.ts'
import { credentials } from '../installation.ts'
import { operatorNamespace, secretName } from '../names.ts'
import { pods, restartsOf } from '../pods.ts'
import type { Report } from '../report.ts'
import { inSeconds, until } from '../until.ts'
import type { World } from '../world.ts'

const rotated = 'autumn-2026'

/** The kubelet brings a changed Secret into a pod within its sync period and the time its cache may lag: a minute or two. */
const patienceSeconds = 240

/** The password changes in ZStack first, in the Secret later; the pods that run stay. */
export async function showRotation({ kubernetes, zstack, fleet }: World, report: Report): Promise<void> {
  const before = await pods(kubernetes)
  await report.step('a password that was changed in ZStack alone is told by the objects', async () => {
    zstack.setAccount('admin', rotated)
    zstack.dropSessions()
    await fleet.apply(17)
    return until('the reason CredentialsRejected', async () => {
      const { reason, message } = condition((await fleet.one())!, 'Ready') ?? {}
      if (reason !== 'CredentialsRejected') throw new Error(`${reason ?? 'no reason'}: ${message ?? ''}`)
      return message
    })
  })
  await report.step('the Secret follows, and the pods see it without a restart', async () => {
    const metadata = { name: secretName, namespace: operatorNamespace }
    await kubernetes.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: credentials(rotated) })
    const started = performance.now()
    await fleet.ready(patienceSeconds)
    const took = performance.now() - started
    const now = await pods(kubernetes)
    const fresh = now.filter(({ metadata: { uid } }) => !before.some((pod) => pod.metadata.uid === uid))
    if (fresh.length > 0 || restartsOf(now) !== restartsOf(before)) throw new Error('a pod was replaced or restarted')
    return `all Ready again ${inSeconds(took)} after kubectl apply`
  })
}
