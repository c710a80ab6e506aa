import { condition } from '../model-services.ts'
import { credentials } from '../installation.ts'
import { operatorNamespace, secretName } from '../names.ts'
import { pods, restartsOf } from '../pods.ts'
import type { Report } from '../report.ts'
import { inSeconds, waitFor } from '../wait.ts'
import type { Environment } from '../environment.ts'

const rotated = 'autumn-2026'

/** The kubelet brings a changed Secret into a pod within its sync period and the time its cache may lag: a minute or two. */
const timeoutSeconds = 240

/** The password changes in ZStack first, in the Secret later; the pods that run stay. */
export async function testRotation({ kubernetes, zstack, models }: Environment, report: Report): Promise<void> {
  const before = await pods(kubernetes)
  await report.step('a password that was changed in ZStack alone shows on the objects', async () => {
    zstack.setAccount('admin', rotated)
    zstack.dropSessions()
    await models.apply(17)
    return waitFor('the reason CredentialsRejected', async () => {
      const { reason, message } = condition((await models.one())!, 'Ready') ?? {}
      if (reason !== 'CredentialsRejected') throw new Error(`${reason ?? 'no reason'}: ${message ?? ''}`)
      return message
    })
  })
  await report.step('the Secret follows, and the pods see it without a restart', async () => {
    const metadata = { name: secretName, namespace: operatorNamespace }
    await kubernetes.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: credentials(rotated) })
    const started = performance.now()
    await models.ready(timeoutSeconds)
    const took = performance.now() - started
    const now = await pods(kubernetes)
    const fresh = now.filter(({ metadata: { uid } }) => !before.some((pod) => pod.metadata.uid === uid))
    if (fresh.length > 0 || restartsOf(now) !== restartsOf(before)) throw new Error('a pod was replaced or restarted')
    return `all Ready again ${inSeconds(took)} after kubectl apply`
  })
}
