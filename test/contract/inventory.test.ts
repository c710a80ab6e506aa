import { expect } from 'vitest'
import { connectionOver, httpTo } from '../support/client.ts'
import { systemClock } from '../../src/clock.ts'
import { createFakeInventory } from '../support/inventory.ts'
import { startZStackSimulator, type Moods } from '../support/zstack/simulator.ts'
import { inventoryContract, type Subject, type Traits } from './inventory.contract.ts'

const changesNothing = 'this server changes nothing'
const isOld = 'this server hides the newer fields'
const answersAtOnce = 'this server answers updates at once'
const newer = ['framework', 'source', 'containerCommand', 'containerArgs', 'vendorToSpecUuidsMap']
const silence = { kind: 'unavailable', message: 'ZStack does not answer' } as const

function startFake(options: { isOld?: boolean; isIneffective?: boolean } = {}): Promise<Subject> {
  const inventory = createFakeInventory({ clock: systemClock, ...options })
  let end: 'done' | 'expired' | 'failed' = 'done'
  const refused = { fails: { kind: 'operation', code: 'SYS.1006', message: 'the update failed' } } as const
  return Promise.resolve({
    inventory,
    place: (uuid, values) => inventory.place(uuid, values),
    remove: (uuid) => inventory.remove(uuid),
    held: (uuid) => inventory.held(uuid),
    loseNextUpdate: () => inventory.next('update', { fails: { ...silence, ambiguous: true }, carriedOut: true }),
    failNextRead: () => inventory.next('read', { fails: silence }),
    jobs: {
      next(wanted) {
        end = wanted
        inventory.next('update', { job: true })
      },
      ended() {
        inventory.endJobs(end === 'failed' ? refused : end)
        return Promise.resolve()
      },
    },
    close: () => Promise.resolve(),
  })
}

async function startSimulator(moods: Partial<Moods>): Promise<Subject> {
  const sim = await startZStackSimulator({ moods: { ...moods, jobMillis: 5 } })
  const { inventory, close } = connectionOver({ endpoint: sim.url, http: httpTo(sim.url), clock: systemClock })
  return {
    inventory,
    place(uuid, values) {
      if (sim.read(uuid)) sim.drift(uuid, values)
      else sim.add({ ...values, uuid, name: typeof values.name === 'string' ? values.name : uuid })
    },
    remove: (uuid) => sim.remove(uuid),
    held: (uuid) => sim.read(uuid) && { ...sim.read(uuid), ...sim.hidden(uuid) },
    loseNextUpdate: () => sim.fault({ operation: 'update', times: 1, fault: { kind: 'lost-answer' } }),
    failNextRead: () => sim.fault({ operation: 'query', times: 2, uuids: ['a'.repeat(32)], fault: { kind: 'reset' } }),
    ...(moods.answer === 'async' && {
      jobs: {
        next: (end) => sim.set({ jobMillis: 150, jobOutcome: end }),
        // The simulator itself is asked, so that the client is not the first to hear of the end.
        ended: ({ uuid }) =>
          expect.poll(async () => (await fetch(`${sim.url}/v1/api-jobs/${uuid}`)).status).not.toBe(202),
      },
    }),
    async close() {
      await close()
      await sim.close()
    },
  }
}

inventoryContract('the scripted fake', () => startFake())
inventoryContract('the scripted fake of an older server', () => startFake({ isOld: true }), { hidesNewer: isOld })
inventoryContract('the scripted fake without effect', () => startFake({ isIneffective: true }), {
  ineffective: changesNothing,
  noJobs: changesNothing,
})

for (const bodyShape of ['envelope', 'flat', 'single-api'] as const)
  for (const answer of ['sync', 'async', 'bare'] as const) {
    const traits: Traits = answer === 'async' ? {} : { noJobs: answersAtOnce }
    inventoryContract(
      `the client to a simulator, ${bodyShape} and ${answer}`,
      () => startSimulator({ bodyShape, answer }),
      traits,
    )
  }

const older: Partial<Moods> = { hides: newer, images: 'one-per-architecture', apiTimeoutMillis: null }
inventoryContract('the client to an older simulator', () => startSimulator(older), {
  hidesNewer: isOld,
  noJobs: answersAtOnce,
})
inventoryContract('the client to an older simulator with jobs', () => startSimulator({ ...older, answer: 'async' }), {
  hidesNewer: isOld,
})
inventoryContract(
  'the client to a newer simulator with a strict database and unique sessions',
  () => startSimulator({ renamesFrameworks: true, overlongText: 'SYS.1000', uniqueSessions: true }),
  { noJobs: answersAtOnce },
)
for (const bodyShape of ['envelope', 'flat', 'single-api'] as const)
  inventoryContract(
    `the client to a simulator without effect, ${bodyShape}`,
    () => startSimulator({ bodyShape, effective: false }),
    { ineffective: changesNothing, noJobs: answersAtOnce },
  )
