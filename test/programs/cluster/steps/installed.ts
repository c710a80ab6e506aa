import type { Installation } from '../installation.ts'
import type { KubeObject } from '../kubernetes.ts'
import { operatorNamespace, paths } from '../names.ts'
import { type Arrival, lookInside, startOf, watchArrivals } from '../pods.ts'
import type { Report } from '../report.ts'
import type { World } from '../world.ts'

const replicas = 2

export async function showInstalled({ kubernetes }: World, report: Report, installation: Installation): Promise<void> {
  let arrivals: readonly Arrival[] = []
  await report.step(`${installation.how}, and both pods are Ready`, async () => {
    const [, arrived] = await Promise.all([installation.install(), watchArrivals(kubernetes, replicas)])
    arrivals = arrived
    return undefined
  })

  await report.step('its namespace enforces Pod Security restricted', async () => {
    const namespace = await kubernetes.get<KubeObject>(paths.namespace)
    const level = namespace?.metadata.labels?.['pod-security.kubernetes.io/enforce']
    if (level !== 'restricted') throw new Error(`the namespace enforces ${level ?? 'nothing'}`)
    const careless = ['-n', operatorNamespace, 'run', 'careless', '--image=careless', '--dry-run=server']
    const refusal = await kubernetes.kubectl(careless).then(
      () => 'a careless pod is taken',
      (error: unknown) => String(error),
    )
    if (!refusal.includes('violates PodSecurity "restricted')) throw new Error(refusal)
    return 'a careless pod is refused'
  })

  await report.step('not root, nothing it can write, no shell, no npm', async () => {
    for (const { pod } of arrivals) {
      const { uid, canWrite, programs } = await lookInside(kubernetes, pod)
      if (uid === 0 || canWrite || programs.length > 0)
        throw new Error(
          `uid ${uid}, /app ${canWrite ? 'can' : 'cannot'} be written, has ${programs.join(', ') || 'none'}`,
        )
    }
    return undefined
  })

  await report.step('they start fast, though together', async () => {
    const times = await Promise.all(arrivals.map((arrival) => startOf(kubernetes, arrival)))
    return times.join('; ')
  })
}
