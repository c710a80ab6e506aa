import type { Installation } from '../installation.ts'
import type { KubeObject } from '../kubernetes.ts'
import { operatorNamespace, paths } from '../names.ts'
import { type PodStart, inspectContainer, pods, restartsOf, startOf, watchPodStarts } from '../pods.ts'
import type { Report } from '../report.ts'
import type { Environment } from '../environment.ts'

const replicas = 2

export async function testInstallation(
  { kubernetes }: Environment,
  report: Report,
  installation: Installation,
): Promise<void> {
  let podStarts: readonly PodStart[] = []
  await report.step(`${installation.how}, and both pods are Ready`, async () => {
    const [, started] = await Promise.all([installation.install(), watchPodStarts(kubernetes, replicas)])
    podStarts = started
    const restarts = restartsOf(await pods(kubernetes))
    if (restarts > 0) throw new Error(`containers were restarted ${restarts} times on the way`)
    return 'at the first try'
  })

  await report.step('its namespace enforces Pod Security restricted', async () => {
    const namespace = await kubernetes.get<KubeObject>(paths.namespace)
    const level = namespace?.metadata.labels?.['pod-security.kubernetes.io/enforce']
    if (level !== 'restricted') throw new Error(`the namespace enforces ${level ?? 'nothing'}`)
    const insecure = ['-n', operatorNamespace, 'run', 'insecure', '--image=insecure', '--dry-run=server']
    const refusal = await kubernetes.kubectl(insecure).then(
      () => 'an insecure pod is taken',
      (error: unknown) => String(error),
    )
    if (!refusal.includes('violates PodSecurity "restricted')) throw new Error(refusal)
    return 'an insecure pod is refused'
  })

  await report.step('not root, nothing it can write, no shell, no npm', async () => {
    for (const { pod } of podStarts) {
      const { uid, canWrite, programs } = await inspectContainer(kubernetes, pod)
      if (uid === 0 || canWrite || programs.length > 0)
        throw new Error(
          `uid ${uid}, /app ${canWrite ? 'can' : 'cannot'} be written, has ${programs.join(', ') || 'none'}`,
        )
    }
    return undefined
  })

  await report.step('they start fast, though together', async () => {
    const times = await Promise.all(podStarts.map((podStart) => startOf(kubernetes, podStart)))
    return times.join('; ')
  })
}
