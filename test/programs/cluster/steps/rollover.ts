import { setTimeout as sleep } from 'node:timers/promises'
import type { Edit } from '../model-services.ts'
import type { Installation } from '../installation.ts'
import { pods } from '../pods.ts'
import type { Report } from '../report.ts'
import { inSeconds } from '../wait.ts'
import type { Environment } from '../environment.ts'

/** No object is edited again before its last edit had this long to arrive, times the number of objects. */
const betweenEditsMs = 250

/** Every pod is replaced while somebody edits all the time: each edit arrives. */
export async function testRollover(
  { kubernetes, models }: Environment,
  report: Report,
  installation: Installation,
  how: string,
): Promise<void> {
  await report.step(`${how} under constant edits loses none`, async () => {
    const namesOf = async () => (await pods(kubernetes)).map(({ metadata }) => metadata.name)
    const before = await namesOf()
    const edits: Edit[] = []
    const rolling = new AbortController()
    const started = performance.now()
    const keepEditing = async () => {
      while (!rolling.signal.aborted) {
        edits.push(await models.edit())
        await sleep(betweenEditsMs)
      }
    }
    await Promise.all([installation.rollOver().finally(() => rolling.abort()), keepEditing()])
    const took = performance.now() - started
    const { slowestMs, repeated } = await models.arrived(edits, 60)
    const left = (await namesOf()).filter((name) => before.includes(name))
    if (left.length > 0) throw new Error(`${left.join(', ')} was there before the rollout`)
    await models.ready(60)
    const twice = repeated === 0 ? 'each sent once' : `${repeated} sent twice`
    return `${edits.length} edits in ${inSeconds(took)}, all in ZStack, ${twice}, the slowest after ${inSeconds(slowestMs)}`
  })
}
