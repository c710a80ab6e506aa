import { apiError, type Answer } from './answers.ts'
import type { Operation } from './records.ts'

/**
 * How a matching request is answered instead. `lost-answer`, `slow` and `truncated` carry the request out all the same;
 * the others do not.
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

/** A rule without `operation` or `uuid` matches all of them. A query of services or tags
 * concerns each uuid that its URL names. */
export type FaultRule = { operation?: Operation; uuid?: string; times?: number; fault: Fault }

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

export function createFaults(): Faults {
  let rules: { rule: FaultRule; left: number }[] = []
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
      const entry = rules.findLast(({ rule, left }) => left > 0 && matches(rule, subject))
      if (!entry) return undefined
      entry.left -= 1
      return entry.rule.fault
    },
  }
}

/** Decides what to send; `carryOut` runs at most once, and only for faults that do the work. */
export function deliver(fault: Fault | undefined, carryOut: () => Answer): Delivery {
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

function statusAnswer(fault: Extract<Fault, { kind: 'status' }>): Answer {
  const { status, body = '', headers = {} } = fault
  return { status, body, contentType: fault.contentType ?? guessType(body), headers }
}

function guessType(body: string): string {
  return body.startsWith('<') ? 'text/html' : 'text/plain;charset=UTF-8'
}

function matches(rule: FaultRule, subject: Subject): boolean {
  if (rule.operation !== undefined && rule.operation !== subject.operation) return false
  if (rule.uuid === undefined || rule.uuid === subject.uuid) return true
  return (subject.operation === 'query' || subject.operation === 'tags') && subject.url.includes(rule.uuid)
}
