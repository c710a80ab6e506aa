import { reasonOf, StatusError } from './status-error.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete'

/** Which requests to refuse, and how. What is left out matches everything; without `times` it lasts until undone. */
export type Refusal = {
  verb?: Verb
  resource?: string
  subresource?: string
  namespace?: string
  status: number
  message?: string
  times?: number
  retryAfterSeconds?: number
}

export type Asked = {
  readonly verb: string
  readonly resource: string
  readonly subresource: string | undefined
  readonly namespace: string | undefined
}

export interface Refusals {
  /** Answers the undoing. */
  add(rule: Refusal): () => void
  /** The oldest rule that matches strikes: throws its StatusError. */
  strike(asked: Asked): void
}

export function createRefusals(): Refusals {
  const rules = new Set<{ readonly rule: Refusal; left: number }>()
  return {
    add(rule) {
      const entry = { rule, left: rule.times ?? Infinity }
      rules.add(entry)
      return () => rules.delete(entry)
    },
    strike(asked) {
      for (const entry of rules) {
        const { verb, resource, subresource, namespace, status, message, retryAfterSeconds } = entry.rule
        if (verb !== undefined && verb !== asked.verb) continue
        if (resource !== undefined && resource !== asked.resource) continue
        if (subresource !== undefined && subresource !== (asked.subresource ?? '')) continue
        if (namespace !== undefined && namespace !== asked.namespace) continue
        entry.left -= 1
        if (entry.left <= 0) rules.delete(entry)
        const details = retryAfterSeconds === undefined ? undefined : { retryAfterSeconds }
        throw new StatusError(status, reasonOf(status), message ?? `refused by a fault rule with ${status}`, details)
      }
    },
  }
}
