import { isDeepStrictEqual } from 'node:util'
import type { Installation } from '../installation.ts'
import { modelsNamespace, paths } from '../names.ts'
import { pods } from '../pods.ts'
import type { Report } from '../report.ts'
import { services } from '../model-services.ts'
import { waitFor } from '../wait.ts'
import type { Environment } from '../environment.ts'

/** What goes, goes from Kubernetes alone. */
export async function testRemoval(environment: Environment, report: Report, installation: Installation): Promise<void> {
  const { kubernetes, zstack, models } = environment
  const stored = () => services().map(({ uuid }) => zstack.read(uuid))
  const last = services().at(-1)!

  await report.step('kubectl delete of a ModelService leaves ZStack as it is', async () => {
    const before = zstack.read(last.uuid)
    await kubernetes.kubectl(['-n', modelsNamespace, 'delete', 'modelservice', last.name])
    // Once a later edit is through, so is the deletion.
    await models.arrived([await models.edit()], 30)
    if (!isDeepStrictEqual(zstack.read(last.uuid), before)) throw new Error('the service in ZStack has changed')
    return undefined
  })

  await report.step('uninstalled: the objects stay, ZStack stays, no session is left in it, and no Lease', async () => {
    const before = stored()
    await installation.uninstall()
    await waitFor('the pods to go', async () => ((await pods(kubernetes)).length === 0 ? true : undefined))
    await waitFor('the session to end', () => {
      const { openSessions } = zstack.counters
      if (openSessions > 0) throw new Error(`${openSessions} open sessions`)
      return true
    })
    await waitFor('the Lease to go', async () => ((await kubernetes.get(paths.lease)) === undefined ? true : undefined))
    const { items = [] } = (await kubernetes.get<{ items: object[] }>(paths.models)) ?? {}
    if (items.length !== models.size - 1) throw new Error(`${items.length} of ${models.size - 1} objects are left`)
    if (!isDeepStrictEqual(stored(), before)) throw new Error('ZStack has changed')
    return `${items.length} objects, ${before.length} services`
  })
}
