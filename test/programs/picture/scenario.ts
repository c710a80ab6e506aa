/** What happens in the run that the picture shows: a fleet, people at work, and one trouble after the other. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { crdFile } from '../../../deploy/paths.ts'
import { freePort } from '../../support/free-port.ts'
import { startStandInApi } from '../../support/kube-api/server.ts'
import { startOperator, type OperatorProcess } from '../../support/operator-process.ts'
import { namedUuid } from '../../support/zstack/model.ts'
import { modelService, startZStackSimulator } from '../../support/zstack/simulator.ts'

const size = 40
const collection = '/apis/ai.zstack.io/v1alpha1/namespaces/default/modelservices'
const nameOf = (index: number) => `service-${index}`
const uuidOf = (index: number) => namedUuid(nameOf(index))

/** Objects with a part of their own, beside those that are edited and drift all the time. */
const [watched, unknown, greedy] = [size, size + 1, size + 2]

export type Scenario = Awaited<ReturnType<typeof startScenario>>

/** What happens, by the second at which it begins. */
export async function startScenario() {
  const zstack = await startZStackSimulator({
    moods: { latencyMillis: 5 },
    services: [...Array(size).keys(), watched, greedy].map((index) => modelService({ uuid: uuidOf(index) })),
  })
  const api = await startStandInApi({ crds: [parse(await readFile(crdFile, 'utf8')) as object] })
  const directory = await mkdtemp(join(tmpdir(), 'modelservice-picture-'))
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(kubeconfig, api.kubeconfig)
  const ports = [await freePort(), await freePort()] as const
  const replicas: [OperatorProcess?, OperatorProcess?] = []

  async function send(method: string, path: string, body: object) {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const init = { method, body: JSON.stringify(body), headers: { 'content-type': type } }
    const response = await fetch(api.url + collection + path, init)
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  }
  const create = (index: number, spec: object) =>
    send('POST', '', {
      apiVersion: 'ai.zstack.io/v1alpha1',
      kind: 'ModelService',
      metadata: { name: nameOf(index) },
      spec: { uuid: uuidOf(index), ...spec },
    })
  const edit = (index: number, spec: object) => send('PATCH', `/${nameOf(index)}`, { spec })
  const start = (replica: 0 | 1) => {
    replicas[replica] = startOperator({
      KUBECONFIG: kubeconfig,
      ZSTACK_ENDPOINT: zstack.url,
      ZSTACK_ACCOUNT_NAME: 'admin',
      ZSTACK_ACCOUNT_PASSWORD: 'password',
      POLL_INTERVAL: '5s',
      LEADER_ELECTION: 'true',
      LEADER_ELECTION_NAMESPACE: 'default',
      METRICS_PORT: String(ports[replica]),
    })
  }
  let endFault: () => void = () => undefined

  const steps: Readonly<Record<number, () => unknown>> = {
    5: () => start(0),
    10: () => start(1),
    15: () => Promise.all([...Array(size).keys()].map((index) => create(index, { requestCpu: 8 }))),
    20: () => Promise.all([create(watched, { requestCpu: 4, policy: 'Observe' }), create(greedy, { requestCpu: 8 })]),
    60: () => zstack.drift(uuidOf(watched), { requestCpu: 2, name: 'renamed' }),
    80: () => create(unknown, { requestCpu: 4 }),
    120: () => zstack.set({ latencyMillis: 300 }),
    150: () => zstack.set({ latencyMillis: 5 }),
    180: () => (endFault = zstack.fault({ fault: { kind: 'status', status: 503 } })),
    215: () => endFault(),
    265: () => {
      endFault = api.faults.refuse({ verb: 'watch', status: 500 })
      api.faults.dropWatches()
    },
    280: () => endFault(),
    300: () => {
      zstack.set({ stores: (field, value) => (field === 'requestCpu' ? Math.min(Number(value), 64) : value) })
      return edit(greedy, { requestCpu: 128 })
    },
    350: () => replicas[0]?.signal('SIGTERM'),
    365: () => start(0),
    390: () => edit(greedy, { requestCpu: 64 }),
  }

  let edits = 0
  return {
    seconds: 420,
    targets: ports.map((port) => `127.0.0.1:${port}`),
    caption: [
      `${size + 3} ModelServices, two replicas of the built operator, a ZStack simulator, seven minutes`,
      'all the time: an edit every 2 s, drift every 5 s · 0:15 the fleet is created · 1:00 drift under policy Observe · 1:20 an unknown uuid',
      '2:00 ZStack slow (300 ms) · 3:00 to 3:35 ZStack answers 503 · 4:25 watches break for 15 s · 5:00 a value ZStack does not keep · 5:50 the leader is stopped',
    ],
    /** What happens in this second. */
    async run(second: number) {
      await steps[second]?.()
      if (second < 40) return
      if (second % 2 === 0) await edit(edits++ % (size / 2), { requestCpu: 8 + (edits % 7) })
      if (second % 5 === 0) zstack.drift(uuidOf(size / 2 + (second % (size / 2))), { requestCpu: 1 + (second % 3) })
    },
    async end() {
      for (const replica of replicas) replica?.signal('SIGKILL')
      await Promise.all(replicas.flatMap((replica) => (replica ? [replica.exited] : [])))
      await Promise.all([zstack.close(), api.close(), rm(directory, { recursive: true })])
    },
  }
}
