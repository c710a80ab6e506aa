import { isDeepStrictEqual } from 'node:util'
import type { HelmInstallation } from '../chart.ts'
import type { KubectlInstallation } from '../kustomize.ts'
import { services } from '../model-services.ts'
import { paths } from '../names.ts'
import { pods } from '../pods.ts'
import type { Report } from '../report.ts'
import { waitFor } from '../wait.ts'
import type { Environment } from '../environment.ts'

/** From one way of installing to the other and back, as deploy/README.md says: objects and ZStack notice nothing. */
export async function testMove(
  { kubernetes, models, zstack }: Environment,
  report: Report,
  byKubectl: KubectlInstallation,
  byHelm: HelmInstallation,
): Promise<void> {
  const goesOn = async (before: readonly unknown[]) => {
    await models.ready(60)
    const after = services().map(({ uuid }) => zstack.read(uuid))
    if (!isDeepStrictEqual(after, before)) throw new Error('ZStack has changed')
    const edit = await models.edit()
    const { slowestMs } = await models.arrived([edit], 30)
    await models.ready(60)
    return `ZStack as it was, and an edit is there after ${Math.round(slowestMs)} ms`
  }
  const stored = () => services().map(({ uuid }) => zstack.read(uuid))

  await report.step('from kubectl to Helm', async () => {
    const before = stored()
    await byKubectl.leave()
    await byHelm.takeOver()
    return goesOn(before)
  })
  await report.step('from Helm back to kubectl, with no Lease left in between', async () => {
    const before = stored()
    await byHelm.uninstall()
    await waitFor('the pods to go', async () => ((await pods(kubernetes)).length === 0 ? true : undefined))
    await waitFor('the Lease to go', async () => ((await kubernetes.get(paths.lease)) === undefined ? true : undefined))
    await byKubectl.install()
    return goesOn(before)
  })
}
