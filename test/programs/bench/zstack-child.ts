/** The ZStack simulator in a process of its own: `node zstack-child.ts SERVICES LATENCY`, which sends over IPC what requests it got. */
import { seedServices } from '../../support/zstack/model.ts'
import { startZStackSimulator } from '../../support/zstack/simulator.ts'

const [services = 0, latencyMillis = 0] = process.argv.slice(2).map(Number)
const simulator = await startZStackSimulator({ services: seedServices(services), moods: { latencyMillis } })
simulator.onRequest(({ operation, uuid, at }) => process.send?.({ operation, uuid, at }))
process.once('disconnect', () => process.exit())
process.send?.({ url: simulator.url })
