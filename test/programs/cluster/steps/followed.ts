import type { Report } from '../report.ts'
import { inSeconds } from '../until.ts'
import type { World } from '../world.ts'

/** A spec reaches ZStack outside the cluster; `requestCpu` is one that ZStack does not have yet. */
export async function showFollowed(
  { fleet, zstack, endpoint }: World,
  report: Report,
  requestCpu: number,
): Promise<void> {
  await report.step(`kubectl apply of ${fleet.size} ModelServices reaches ZStack at ${endpoint}`, async () => {
    await fleet.apply(requestCpu)
    const started = performance.now()
    await fleet.ready(120).catch((error: unknown) => {
      if (zstack.counters.total > 0) throw error
      throw new Error('no request came out of the cluster: give --host-address, and open --port to it', {
        cause: error,
      })
    })
    return `all Ready ${inSeconds(performance.now() - started)} after kubectl was done`
  })
  await report.step('a single edit follows', async () => {
    const { slowestMs } = await fleet.arrived([await fleet.edit()], 30)
    return `in ZStack after ${Math.round(slowestMs)} ms`
  })
}
