/** ZStack's answers as failures: error codes, plain text of its REST layer, pages of proxies, silence. */
import * as z from 'zod'
import { kindByCode, type Failure, type FailureKind } from '../decide/failure.ts'
import { noAction, saysNoAction } from './bodyshape.ts'
import type { HttpAnswer } from './http.ts'

const text = z.string().optional().catch(undefined)
const errorCode = z.looseObject({ code: z.string(), description: text, details: text, cause: z.unknown().optional() })

type ErrorCode = z.infer<typeof errorCode>

/** Deeper than any real chain of causes. */
const maxCauseDepth = 10

export type RequestInfo = {
  readonly endpoint: string
  /** Whether carrying the request out twice, or without our knowing, matters. */
  readonly writes: boolean
  /** Texts that must not come back in a message, should ZStack repeat them. */
  readonly secrets: readonly string[]
}

/** A job that ZStack has forgotten: an answer in its own right, whose effect shows in a read. */
export function isExpiredJob({ status, text }: { readonly status: number; readonly text: string }): boolean {
  return status === 404 && text.includes('the job has been expired')
}

/** The failure an answer stands for, or nothing where it is 200 with JSON, 202, or tells of an expired job. */
export function failureOf(answer: HttpAnswer, asked: RequestInfo): Failure | undefined {
  const { endpoint, writes } = asked
  if (answer.kind === 'unanswered')
    return {
      kind: 'unavailable',
      message: `ZStack at ${endpoint} does not answer: ${answer.reason}; check ZSTACK_ENDPOINT, the network and the management node`,
      ...(writes && answer.sent && { ambiguous: true }),
    }
  const { status } = answer
  const error = errorIn(answer.json)
  if (error) return ofCode(error, asked)
  if (isExpiredJob(answer)) return undefined
  // A job that still runs is 202 with nothing in it.
  if (status === 202) return undefined
  if (status === 200 && answer.json !== null && typeof answer.json === 'object') return undefined
  if (status < 300) return unreadable(status, asked)
  return ofStatus(answer, asked)
}

function errorIn(json: unknown): ErrorCode | undefined {
  // Almost every answer holds none, and to tell so costs a schema more than a success.
  if (typeof json !== 'object' || json === null || !('error' in json)) return undefined
  return errorCode.safeParse(json.error).data
}

function unreadable(status: number, { endpoint, writes }: RequestInfo): Failure {
  return {
    kind: 'protocol',
    message: `ZStack at ${endpoint} answered ${status} without readable JSON; is ZSTACK_ENDPOINT the management node, and is a proxy cutting answers?`,
    ...(writes && { ambiguous: true }),
  }
}

function ofStatus(answer: HttpAnswer & { kind: 'answered' }, asked: RequestInfo): Failure {
  const { endpoint } = asked
  const { status } = answer
  // What tells the body shapes apart is kept whole, whatever a secret may read like.
  const words = saysNoAction(answer.text) ? `: ${noAction}` : quote(answer.text, asked.secrets)
  if (status >= 300 && status < 400)
    return {
      kind: 'endpoint',
      message: `${endpoint} redirects${answer.location === undefined ? '' : ` to ${originOf(answer.location)}`} and the operator follows no redirect; set ZSTACK_ENDPOINT to the address of ZStack itself`,
    }
  if (status === 404)
    return {
      kind: 'endpoint',
      message: `there is no ZStack API at ${endpoint} (404${words}); ZSTACK_ENDPOINT is the base URL, as a rule http://HOST:8080/zstack`,
    }
  if (status === 403 && answer.text.includes('requestTimeTooSkewed'))
    return {
      kind: 'clock',
      message: `ZStack at ${endpoint} refuses the signature for its date: the two clocks differ by more than 15 minutes; set the clock of the operator's node or of ZStack`,
    }
  if (status === 401 || status === 403)
    return { kind: 'credentials', message: `${endpoint} refuses the credentials (${status}${words}); correct them` }
  if (status === 400 && answer.text.includes("missing header 'Authorization'"))
    return {
      kind: 'endpoint',
      message: `a proxy before ZStack at ${endpoint} takes the Authorization header away; let it pass, or set ZSTACK_ENDPOINT to the address of ZStack itself`,
    }
  if (status === 400 && answer.text.includes('accessKey format'))
    return { kind: 'credentials', message: `ZStack at ${endpoint} cannot read the access key; correct the Secret` }
  if (status === 408 || status === 429 || status >= 500)
    return {
      kind: 'unavailable',
      message: `ZStack at ${endpoint} is not available: ${status} from the node or a proxy before it; look at both`,
      ...(asked.writes && status !== 429 && { ambiguous: true }),
    }
  return { kind: 'rejected', message: `ZStack refuses the request (${status}${words})` }
}

function ofCode(error: ErrorCode, asked: RequestInfo): Failure {
  const telling = tellingCode(error)
  const code = cut(telling.code, 40)
  const kind = kindByCode[telling.code] ?? 'unavailable'
  const words = quote(telling.details ?? telling.description ?? '', asked.secrets)
  return {
    kind,
    code,
    message: `${lead(kind, asked)} (${code}${words})${advice[kind] ?? ''}`,
    ...(asked.writes && kind === 'unavailable' && { ambiguous: true }),
  }
}

/** The telling code may sit in a nested cause: the deepest one that names more than trouble in general. */
function tellingCode(error: ErrorCode): ErrorCode {
  let telling = error
  let current: ErrorCode | undefined = error
  for (let depth = 0; current && depth < maxCauseDepth; depth++) {
    const kind = kindByCode[current.code]
    if (kind !== undefined && kind !== 'unavailable' && kind !== 'operation') telling = current
    else if (kindByCode[telling.code] === undefined && kind !== undefined) telling = current
    current = errorCode.safeParse(current.cause).data
  }
  return telling
}

function lead(kind: FailureKind, { endpoint, writes }: RequestInfo): string {
  switch (kind) {
    case 'rejected':
      return `ZStack refuses the ${writes ? 'update' : 'request'}`
    case 'operation':
      return 'ZStack could not carry out the update'
    case 'permission':
      return 'the ZStack account may not do this'
    case 'quota':
      return 'the quota of the ZStack account is exceeded'
    case 'credentials':
      return `ZStack at ${endpoint} refuses the credentials`
    case 'sessions':
      return `ZStack at ${endpoint} has no session left for this account`
    default:
      return `ZStack at ${endpoint} is in trouble`
  }
}

const advice: Readonly<Partial<Record<FailureKind, string>>> = {
  unavailable: '; look at the management node',
  operation: '; look at the task in ZStack',
  rejected: '; correct the spec',
  permission: '; grant it the permission to update model services',
  quota: '; raise the quota or lower the request',
  credentials: '; correct the Secret: no more tries until it changes, for they can lock the account',
  sessions: '; log out unused sessions or raise the limit',
}

/** ZStack's own words in one line, cut, and with nothing secret in them. */
function quote(words: string, secrets: readonly string[]): string {
  // A page of a proxy says nothing to a reader of a condition.
  if (words.trim() === '' || words.trimStart().startsWith('<')) return ''
  return `: ${cut(secrets.flatMap(spellings).sort(longestFirst).reduce(mask, words), 300)}`
}

/** A secret as it stands, and as JSON spells it, for ZStack often repeats the value it was sent. */
function spellings(secret: string): string[] {
  return minSecretLength > secret.length ? [] : [secret, JSON.stringify(secret).slice(1, -1)]
}

/** Otherwise the end of a secret that begins with another one would stay. */
const longestFirst = (a: string, b: string) => b.length - a.length
const mask = (words: string, secret: string) => words.replaceAll(secret, '***')
/** To mask anything shorter would make every message unreadable. */
const minSecretLength = 3

function cut(words: string, max: number): string {
  const line = words.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length > max ? `${line.slice(0, max - 1)}…` : line
}

function originOf(location: string): string {
  const { origin } = URL.canParse(location) ? new URL(location) : { origin: 'null' }
  return origin === 'null' ? 'another path' : origin
}
