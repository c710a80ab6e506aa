import { afterAll, beforeAll, beforeEach, describe } from 'vitest'
import { openPlot, type KubernetesBed, type Plot } from './kubernetes/bed.ts'
import { describeLeadingAndTelling } from './kubernetes/leading.ts'
import { describeWatching } from './kubernetes/watching.ts'
import { describeReadingAndWriting } from './kubernetes/writing.ts'

/** What the Kubernetes client promises, whichever API server it speaks to. */
export function describeKubernetesClient(server: string, openBed: () => Promise<KubernetesBed>): void {
  describe(`the Kubernetes client on ${server}`, () => {
    let bed: KubernetesBed
    let opened: Plot
    const plot = () => opened

    beforeAll(async () => {
      bed = await openBed()
    })
    afterAll(() => bed.close())
    beforeEach(async () => {
      opened = await openPlot(bed)
      return () => opened.cluster.close()
    })

    describeReadingAndWriting(plot)
    describeWatching(plot)
    describeLeadingAndTelling(plot)
  })
}
