/** The ZStack simulator in a process of its own: `node zstack-child.ts SERVICES LATENCY`, which sends over IPC what requests it got. */
import { yamlOf } from './manifest.ts'
import { seedServices } from '../../support/zstack/model.ts'
import { startZStackSimulator } from '../../support/zstack/simulator.ts'

const [services = 0, latencyMillis = 0] = process.argv.slice(2).map(Number)
// What ZStack holds before is of the size of what is declared.
const seeded = seedServices(services).map((service, index) => ({ ...service, yaml: yamlOf(index + services) }))
const simulator = await startZStackSimulator({ services: seeded, moods: { latencyMillis } })
simulator.onRequest(({ operation, uuid, at }) => process.send?.({ operation, uuid, at }))
process.once('disconnect', () => process.exit())
process.send?.({ url: simulator.url })
