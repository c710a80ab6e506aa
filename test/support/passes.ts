/** Passes over one object with nothing around them: read, compare, plan, let ZStack take it, report. */
import type { FieldName } from '../../src/api/modelservice.ts'
import type { Status } from '../../src/api/status.ts'
import { createEquality } from '../../src/reconcile/equality.ts'
import { decide, type DecisionState } from '../../src/decide/decide.ts'
import { restoreHold, statusOfHold, type UpdateHold } from '../../src/decide/hold.ts'
import type { Outcome } from '../../src/decide/outcome.ts'
import type { Patch } from '../../src/decide/plan.ts'
import { statusAfter, type StatusContext } from '../../src/decide/status.ts'
import { encoded, read, take, type Server } from './arbitrary.ts'
import { afterRestart, circumstances, uid, type Declared, type LiveValues } from './decide-inputs.ts'

export interface Passes {
  /** A person changes the object. */
  edit(spec: Declared): void
  /** Somebody changes the service in ZStack. */
  drift(values: LiveValues): void
  /** One pass by a process that knows nothing but the status; the patch that it sent, if any. */
  pass(request?: { readonly requested: boolean }): Patch | undefined
  readonly status: Status
  readonly live: LiveValues
}

export type Start = {
  readonly spec?: Declared
  readonly live?: LiveValues
  readonly server?: Server
  /** How the server stores what it takes. */
  readonly stores?: (patch: Patch) => Patch
}

export function createPasses({
  spec = {},
  live = {},
  server = { isOld: false },
  stores = (patch) => patch,
}: Start): Passes {
  let declared = spec
  let service = live
  let status: Status = {}
  const equality = createEquality()
  let generation = 1

  function pass({ requested } = { requested: false }): Patch | undefined {
    const desired = encoded(declared)
    const { policy = 'Enforce', suspend = false } = declared
    const at = circumstances({ generation, suspension: suspend ? { kind: 'spec' } : undefined })
    const state: DecisionState = {
      generation,
      owner: uid,
      sources: new Map(),
      hashes: afterRestart(status),
      hold: restoreHold(status, at.now.getTime()),
      equality,
      policy,
      suspend,
      requested,
      now: at.now.getTime(),
    }
    const before = decide(desired, read(server, service), state)
    if (before.next.kind === 'report') {
      status = statusAfter(before.next.outcome, status, withHold(at, before.hold))
      return undefined
    }
    const { patch, cause } = before.next
    service = take(server, service, stores(patch))
    const fields = Object.keys(patch) as FieldName[]
    const expected = before.comparison.assessment.differences.filter(({ field }) => field in patch)
    const after = decide(desired, read(server, service), {
      ...state,
      requested: false,
      attempt: { patch, cause, expected },
    })
    const outcome: Outcome =
      after.next.kind === 'report' ? after.next.outcome : { kind: 'updating', comparison: after.comparison }
    status = statusAfter(outcome, status, { ...withHold(at, after.hold), update: { fields, cause } })
    return patch
  }

  return {
    edit(next) {
      declared = next
      generation++
    },
    drift: (values) => void (service = { ...service, ...values }),
    pass,
    get status() {
      return status
    },
    get live() {
      return service
    },
  }
}

function withHold(at: StatusContext, hold: UpdateHold | undefined): StatusContext {
  return { ...at, ...(hold && { hold: statusOfHold(hold) }) }
}
