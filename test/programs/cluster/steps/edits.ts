import type { Report } from '../report.ts'
import { inSeconds } from '../wait.ts'
import type { Environment } from '../environment.ts'

/** A spec reaches ZStack outside the cluster; `requestCpu` is one that ZStack does not have yet. */
export async function testEdits(
  { models, zstack, endpoint }: Environment,
  report: Report,
  requestCpu: number,
): Promise<void> {
  await report.step(`kubectl apply of ${models.size} ModelServices reaches ZStack at ${endpoint}`, async () => {
    await models.apply(requestCpu)
    const started = performance.now()
    await models.ready(120).catch((error: unknown) => {
      if (zstack.counters.total > 0) throw error
      throw new Error('no request came out of the cluster: give --host-address, and open --port to it', {
        cause: error,
      })
    })
    return `all Ready ${inSeconds(performance.now() - started)} after kubectl was done`
  })
  await report.step('a single edit follows', async () => {
    const { slowestMs } = await models.arrived([await models.edit()], 30)
    return `in ZStack after ${Math.round(slowestMs)} ms`
  })
}
