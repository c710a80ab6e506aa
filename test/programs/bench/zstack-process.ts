/** The ZStack simulator as a process of its own, so that its CPU time is not the bench's or the operator's. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { namedUuid, EXAMPLE_UUID } from '../../support/zstack/model.ts'
import type { RequestCounts } from '../../support/zstack/records.ts'

/** One answered request; `at` is when it arrived, by Date.now(). */
export type Arrival = { readonly operation: string; readonly uuid?: string; readonly at: number }

export interface ZStackProcess {
  readonly url: string
  readonly uuids: readonly string[]
  onRequest(listener: (arrival: Arrival) => void): () => void
  counters(): Promise<RequestCounts>
  /** Every request is answered so, without effect, until {@link recover}. */
  breakWith(status: number): Promise<void>
  recover(): Promise<void>
  /** Somebody changes a service in ZStack. */
  drift(uuid: string, fields: object): Promise<void>
  close(): Promise<void>
}

const latencyMillis = 5

export async function startZStackProcess(services: number): Promise<ZStackProcess> {
  const child = fork(new URL('zstack-child.ts', import.meta.url), [String(services), String(latencyMillis)])
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  const listeners = new Set<(arrival: Arrival) => void>()
  child.on('message', (arrival: Arrival) => listeners.forEach((listener) => listener(arrival)))
  const ask = async (method: string, what: string, body?: object) => {
    // After minutes of silence a kept connection may be closed at the very moment of its use.
    const init = { method, headers: { connection: 'close' }, ...(body && { body: JSON.stringify(body) }) }
    const answer = await fetch(`${new URL(url).origin}/sim/${what}`, init)
    if (!answer.ok) throw new Error(`the simulator answered ${answer.status}: ${await answer.text()}`)
    return answer.json()
  }
  return {
    url,
    uuids: Array.from({ length: services }, (_, index) =>
      index === 0 ? EXAMPLE_UUID : namedUuid(`model-service-${index}`),
    ),
    onRequest(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    counters: async () => (await ask('GET', 'counters')) as RequestCounts,
    async breakWith(status) {
      await ask('POST', 'faults', { fault: { kind: 'status', status } })
    },
    async drift(uuid, fields) {
      await ask('POST', `drift/${uuid}`, fields)
    },
    async recover() {
      await ask('DELETE', 'faults')
    },
    async close() {
      const closed = once(child, 'exit')
      child.disconnect()
      await closed
    },
  }
}
