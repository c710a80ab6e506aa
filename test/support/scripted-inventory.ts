import type { Result } from '../../src/decide/failure.ts'
import type { Json } from '../../src/api/json.ts'
import type { UpdateOutcome, Inventory } from '../../src/reconcile/ports.ts'
import { createBodyShapePreference } from '../../src/zstack/bodyshape.ts'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import { createInventory } from '../../src/zstack/inventory.ts'
import { clientOver, endpoint } from './client.ts'
import { createManualClock, type ManualClock } from './clock.ts'
import {
  answered,
  createScriptedHttp,
  isLogIn,
  isProbe,
  session,
  type Respond,
  type ScriptedHttp,
} from './scripted-http.ts'

export type ScriptedInventory = {
  readonly http: ScriptedHttp
  readonly clock: ManualClock
  readonly inventory: Inventory
}

/** The real inventory over answers by hand, counted without log-ins and probes, which succeed by themselves. */
export function scripted(
  respond: Respond,
  shape: 'auto' | 'envelope' = 'envelope',
  probed: HttpAnswer | Promise<HttpAnswer> = listed(),
): ScriptedInventory {
  let count = 0
  const http = createScriptedHttp((request) =>
    isLogIn(request) ? session('s1') : isProbe(request) ? probed : respond(request, ++count),
  )
  const clock = createManualClock()
  const client = clientOver(http, { clock })
  return {
    http,
    clock,
    inventory: createInventory(
      client,
      createBodyShapePreference(shape, () => undefined),
      clock,
      endpoint,
    ),
  }
}

export const service = (uuid: string, values: Readonly<Record<string, Json>> = {}) => ({ uuid, name: 'n', ...values })
export const listed = (...services: Json[]) => answered(200, { inventories: services })
export const updated = (uuid: string, values: Readonly<Record<string, Json>>) =>
  answered(200, { inventory: service(uuid, values) })

/** The CPUs that an update's end shows, or the answer itself where it shows none. */
export const cpuOf = (answer: Result<UpdateOutcome>) =>
  answer.ok && answer.value.kind === 'done' ? answer.value.observation?.live.values.get('requestCpu') : answer
