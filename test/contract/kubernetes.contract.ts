import { afterAll, beforeAll, beforeEach, describe } from 'vitest'
import { openFixture, type ContractFixture, type KubernetesServer } from './kubernetes/fixture.ts'
import { describeLeadingAndTelling } from './kubernetes/leading.ts'
import { describeWatching } from './kubernetes/watching.ts'
import { describeReadingAndWriting } from './kubernetes/writing.ts'

/** What the Kubernetes client promises, whichever API server it speaks to. */
export function describeKubernetesClient(name: string, openServer: () => Promise<KubernetesServer>): void {
  describe(`the Kubernetes client on ${name}`, () => {
    let server: KubernetesServer
    let opened: ContractFixture
    const fixture = () => opened

    beforeAll(async () => {
      server = await openServer()
    })
    afterAll(() => server.close())
    beforeEach(async () => {
      opened = await openFixture(server)
      return () => opened.cluster.close()
    })

    describeReadingAndWriting(fixture)
    describeWatching(fixture)
    describeLeadingAndTelling(fixture)
  })
}
