/** A fleet divided over three operators by a label: is every object handled, and by one of them alone? */
import { z } from 'zod'
import { expectStatus } from '../../../support/envtest/request.ts'
import type { OperatorProcess } from '../../../support/operator-process.ts'
import type { Figure } from '../figures.ts'
import { inWorld, type Bench, type World } from '../world.ts'

const size = 3_000
/** The last one takes whatever has neither label: together they leave nothing out. */
const selectors = ['shard=a', 'shard=b', 'shard notin (a,b)'] as const

const lease = z.looseObject({ spec: z.looseObject({ holderIdentity: z.string() }) })

export function shards(bench: Bench): Promise<readonly Figure[]> {
  return inWorld(bench, size, async (world) => {
    const began = performance.now()
    const started = await Promise.all(selectors.map((selector, index) => startShard(world, selector, index)))
    const readyAt = await world.watch.allReady(size)
    const handled = started.map(({ operator }) => updatedBy(operator))
    const by = (uuid: string) => handled.filter((uuids) => uuids.includes(uuid)).length
    const holders = await Promise.all(started.map(({ holder }) => holder()))
    const what = `${size} objects in ${selectors.length} shards`
    const none: Pick<Figure, 'unit' | 'max'> = { unit: '', max: 0 }
    const { uuids } = world.zstack
    return [
      { name: `${what}: start to all Ready`, value: (readyAt - began) / 1000, unit: 's' },
      {
        ...{ name: `${what}: forgotten`, value: uuids.filter((uuid) => by(uuid) === 0).length, ...none },
        note: `handled ${handled.map(({ length }) => length).join(', ')}`,
      },
      { name: `${what}: handled twice`, value: uuids.filter((uuid) => by(uuid) > 1).length, ...none },
      { name: `${what}: leases missing`, value: selectors.length - new Set(holders).size, ...none },
    ]
  })
}

async function startShard(world: World, selector: string, index: number) {
  const { server } = world
  const namespace = `bench-shard-${index}`
  await expectStatus(
    server.request('POST', '/api/v1/namespaces', { metadata: { name: namespace } }),
    'a namespace',
    201,
    409,
  )
  const { operator } = world.startOperator('built', {
    WATCH_LABEL_SELECTOR: selector,
    LEADER_ELECTION: 'true',
    LEADER_ELECTION_NAMESPACE: namespace,
    POD_NAME: `shard-${index}`,
  })
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/modelservice-operator`
  const holder = async () =>
    lease.parse(await expectStatus(server.request('GET', path), 'a lease', 200)).spec.holderIdentity
  return { operator, holder }
}

/** The services that an operator sent an update to, by its own audit, once for each update. */
function updatedBy({ log }: OperatorProcess): readonly string[] {
  return log.flatMap(({ msg, uuid }) => (msg === 'update sent' && typeof uuid === 'string' ? [uuid] : []))
}
