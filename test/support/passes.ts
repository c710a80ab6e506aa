/** Passes over one object with nothing around them: read, compare, plan, let ZStack take it, report. */
import type { FieldName, Policy } from '../../src/api/modelservice.ts'
import type { Status } from '../../src/api/status.ts'
import { assess, reassess, type Assessment } from '../../src/decide/assess.ts'
import type { Outcome, Comparison } from '../../src/decide/outcome.ts'
import { plan, type Patch, type Plan } from '../../src/decide/plan.ts'
import { statusAfter } from '../../src/decide/status.ts'
import { encoded, read, take, type Server } from './arbitrary.ts'
import { afterRestart, circumstances, intent, uid, type Declared, type LiveValues } from './decide-inputs.ts'

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
  let generation = 1

  function see(judge: (observation: Comparison['observation']) => Assessment): Comparison {
    const observation = read(server, service)
    return { observation, assessment: judge(observation) }
  }

  function pass({ requested } = { requested: false }): Patch | undefined {
    const desired = encoded(declared)
    const remembered = afterRestart(status)
    const { policy = 'Enforce', suspend = false } = declared
    const before = see((observation) => assess(desired, observation, remembered, uid))
    const decision = plan(desired, before.assessment, intent({ policy, suspend, requested }))
    const at = circumstances({ generation, suspend })
    if (decision.kind !== 'update') {
      status = statusAfter(outcomeOf(decision, before, policy), status, at)
      return undefined
    }
    service = take(server, service, stores(decision.patch))
    const fields = Object.keys(decision.patch) as FieldName[]
    const after = see((observation) => reassess(desired, observation, remembered, fields, uid))
    const rest = plan(desired, after.assessment, intent({ policy, suspend }))
    const update = { fields, cause: decision.cause, attempts: 0 }
    status = statusAfter(outcomeOf(rest, after, policy), status, { ...at, update })
    return decision.patch
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

function outcomeOf(decision: Plan, seen: Comparison, policy: Policy): Outcome {
  switch (decision.kind) {
    case 'nothing':
      return { kind: 'inSync', seen }
    case 'report':
      return { kind: 'drifted', seen, policy }
    case 'suspended':
      return { kind: 'suspended', seen }
    case 'hold':
      return { kind: 'ineffective', seen, retryInMs: 1 }
    case 'update':
      return { kind: 'updating', seen }
  }
}
