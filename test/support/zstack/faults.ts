import { apiError, type Answer } from './answers.ts'
import type { Operation } from './records.ts'

/**
 * How a matching request is answered instead. `lost-answer`, `slow`, `truncated`, `cut` and `leave-out` carry the request
 * out all the same; the others do not.
 */
export type Fault =
  /** 503 with that code; with `nestedCode`, the telling code sits in the `cause`. */
  | { kind: 'error'; code: string; details?: string; nestedCode?: string }
  | { kind: 'status'; status: number; body?: string; contentType?: string; headers?: Record<string, string> }
  /** The connection is reset. */
  | { kind: 'reset' }
  /** No answer until the simulator closes. */
  | { kind: 'hang' }
  /** Half of the answer, then the connection ends. */
  | { kind: 'truncated' }
  /** 200 with a body that is no JSON. */
  | { kind: 'garbage'; body: Buffer | string }
  | { kind: 'lost-answer' }
  | { kind: 'slow'; millis: number }
  /** An update is accepted with 202, and its job ends in that error. */
  | { kind: 'failed-job'; code: string; details?: string }
  /** No answer to a query holds more services than that. */
  | { kind: 'cut'; services: number }
  /** The answer to a query holds none of these services. */
  | { kind: 'leave-out'; uuids: readonly string[] }

/** A 403 as a web application firewall in front of ZStack gives it. */
export const firewallPage = {
  kind: 'status',
  status: 403,
  body: '<html><head><title>403 Forbidden</title></head><body><h1>Request blocked</h1></body></html>',
} as const satisfies Fault

/**
 * A rule without `operation`, `uuid` or `uuids` matches all of them; with `percent`, that share of the requests that it
 * would match, drawn at random. A query of services or tags concerns each uuid that its URL names.
 */
export type FaultRule = {
  operation?: Operation
  uuid?: string
  uuids?: readonly string[]
  times?: number
  percent?: number
  fault: Fault
}

/** What the rules look at. */
export type Subject = { readonly operation: Operation; readonly uuid?: string; readonly url: string }

/** What becomes of an answer on its way to the client. */
export type Delivery = {
  readonly how: 'whole' | 'half' | 'reset' | 'never'
  readonly answer?: Answer
  readonly late: number
}

/** The faults in force; the last one added that matches a request wins. */
export interface Faults {
  add(rule: FaultRule): () => void
  clear(): void
  /** The fault for this request, if any; uses up one of its `times`. */
  take(subject: Subject): Fault | undefined
}

export function createFaults(random: () => number = Math.random): Faults {
  let rules: { rule: FaultRule; left: number }[] = []
  const isDrawn = ({ percent = 100 }: FaultRule) => percent >= 100 || random() * 100 < percent
  return {
    add(rule) {
      const entry = { rule, left: rule.times ?? Infinity }
      rules.push(entry)
      return () => {
        rules = rules.filter((other) => other !== entry)
      }
    },
    clear() {
      rules = []
    },
    take(subject) {
      const entry = rules.findLast(({ rule, left }) => left > 0 && matches(rule, subject) && isDrawn(rule))
      if (!entry) return undefined
      entry.left -= 1
      return entry.rule.fault
    },
  }
}

/**
 * Decides what to send; `carryOut` runs at most once, and only for faults that do the work. It is given the error that a
 * job must end in.
 */
export function deliver(fault: Fault | undefined, carryOut: (failedJob?: Answer) => Answer): Delivery {
  switch (fault?.kind) {
    case undefined:
      return { how: 'whole', answer: carryOut(), late: 0 }
    case 'slow':
      return { how: 'whole', answer: carryOut(), late: fault.millis }
    case 'truncated':
      return { how: 'half', answer: carryOut(), late: 0 }
    case 'lost-answer':
      carryOut()
      return { how: 'reset', late: 0 }
    case 'failed-job':
      return { how: 'whole', answer: carryOut(apiError(fault.code, fault.details)), late: 0 }
    case 'cut':
      return { how: 'whole', answer: fewer(carryOut(), (_, index) => index < fault.services), late: 0 }
    case 'leave-out':
      return { how: 'whole', answer: fewer(carryOut(), ({ uuid }) => !fault.uuids.includes(uuid)), late: 0 }
    case 'reset':
      return { how: 'reset', late: 0 }
    case 'hang':
      return { how: 'never', late: 0 }
    case 'error':
      return { how: 'whole', answer: apiError(fault.code, fault.details, fault.nestedCode), late: 0 }
    case 'garbage':
      return { how: 'whole', answer: { status: 200, body: fault.body }, late: 0 }
    case 'status':
      return { how: 'whole', answer: statusAnswer(fault), late: 0 }
  }
}

/** An answer with a list of inventories, with some of them alone. */
function fewer(answer: Answer, keeps: (inventory: { uuid: string }, index: number) => boolean): Answer {
  if (answer.status !== 200) return answer
  const body = JSON.parse(answer.body.toString()) as { inventories?: { uuid: string }[] }
  return body.inventories
    ? { ...answer, body: JSON.stringify({ ...body, inventories: body.inventories.filter(keeps) }) }
    : answer
}

function statusAnswer(fault: Extract<Fault, { kind: 'status' }>): Answer {
  const { status, body = '', headers = {} } = fault
  return { status, body, contentType: fault.contentType ?? guessType(body), headers }
}

function guessType(body: string): string {
  return body.startsWith('<') ? 'text/html' : 'text/plain;charset=UTF-8'
}

function matches({ operation, uuid, uuids }: FaultRule, subject: Subject): boolean {
  if (operation !== undefined && operation !== subject.operation) return false
  if (uuid === undefined && uuids === undefined) return true
  const isAsked = subject.operation === 'query' || subject.operation === 'tags'
  return [uuid, ...(uuids ?? [])].some(
    (one) => one !== undefined && (one === subject.uuid || (isAsked && subject.url.includes(one))),
  )
}
