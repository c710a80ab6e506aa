/** Turns ZStack's answers into failures: error codes, plain text of its REST layer, pages of proxies, no answer at all. */
import * as z from 'zod'
import type { Failure, FailureKind } from '../decide/failure.ts'
import { noAction, saysNoAction } from './bodyshape.ts'
import { kindByCode, kindOfCode } from './error-codes.ts'
import type { HttpAnswer } from './http.ts'
import { mask } from './mask.ts'
import { limits, spellMs } from '../limits.ts'

const text = z.string().optional().catch(undefined)
const errorCode = z.looseObject({ code: z.string(), description: text, details: text, cause: z.unknown().optional() })

type ErrorCode = z.infer<typeof errorCode>

/** No real chain of causes is as deep; one that is must not cost more to read. */
const maxCauseDepth = 10

export type RequestInfo = {
  readonly endpoint: string
  /**
   * What was asked of ZStack. An update changes something, so that it matters whether ZStack carried it out although it
   * failed. An error code in the answer to `job` is about the update that the job carries out.
   */
  readonly asks: 'query' | 'update' | 'job' | 'logIn'
  /** Texts that no message may hold, in case ZStack repeats them. */
  readonly secrets: readonly string[]
  /** Where the credentials stand, in words. */
  readonly credentialsPlace?: string | undefined
}

const placeOf = ({ credentialsPlace = 'the Secret' }: RequestInfo) => credentialsPlace

/** Whether the answer says that ZStack has forgotten the job. This is no failure: a read shows what the job did. */
function isExpiredJob({ status, text }: { readonly status: number; readonly text: string }): boolean {
  return status === 404 && text.includes('the job has been expired')
}

/** The failure that an answer stands for; `undefined` if it is 200 with JSON, 202, or says that a job has expired. */
export function failureOf(answer: HttpAnswer, asked: RequestInfo): Failure | undefined {
  const { endpoint } = asked
  if (answer.kind === 'unanswered' && answer.isTls)
    return { kind: 'tls', message: `no TLS connection to ZStack at ${endpoint} is made: ${answer.reason}` }
  if (answer.kind === 'unanswered')
    return {
      kind: 'unavailable',
      message: `ZStack at ${endpoint} does not answer: ${answer.reason}; check ZSTACK_ENDPOINT, the network and the management node`,
      ...(answer.sent && writes(asked) && { ambiguous: true }),
    }
  const { status } = answer
  const error = errorIn(answer.json)
  if (error) return ofCode(error, asked)
  if (isExpiredJob(answer)) return undefined
  // While a job runs, its 202 has no body.
  if (status === 202) return undefined
  if (status === 200 && answer.json !== null && typeof answer.json === 'object') return undefined
  if (status < 300) return unreadable(status, asked)
  return ofStatus(answer, asked)
}

const writes = ({ asks }: RequestInfo) => asks === 'update'

function errorIn(json: unknown): ErrorCode | undefined {
  // Almost every answer holds no error, and a schema takes longer to find that out than to accept one.
  if (typeof json !== 'object' || json === null || !('error' in json)) return undefined
  return errorCode.safeParse(json.error).data
}

function unreadable(status: number, asked: RequestInfo): Failure {
  const { endpoint } = asked
  return {
    kind: 'protocol',
    message: `ZStack at ${endpoint} answered ${status} without readable JSON; is ZSTACK_ENDPOINT the management node, and is a proxy cutting answers?`,
    ...(writes(asked) && { ambiguous: true }),
  }
}

function ofStatus(answer: HttpAnswer & { kind: 'answered' }, asked: RequestInfo): Failure {
  const { endpoint } = asked
  const { status } = answer
  // The body shapes are told apart by these words, so they are not masked even if a secret is one of them.
  const words = saysNoAction(answer.text) ? `: ${noAction}` : quote(answer.text, asked.secrets)
  if (status >= 300 && status < 400)
    return {
      kind: 'wrongEndpoint',
      message: `${endpoint} redirects${answer.location === undefined ? '' : ` to ${originOf(answer.location)}`} and the operator follows no redirect; set ZSTACK_ENDPOINT to the address of ZStack itself`,
    }
  if (status === 404)
    return {
      kind: 'wrongEndpoint',
      message: `there is no ZStack API at ${endpoint} (404${words}); ZSTACK_ENDPOINT is the base URL, as a rule http://HOST:8080/zstack`,
    }
  if (status === 403 && answer.text.includes('requestTimeTooSkewed'))
    return {
      kind: 'clockSkew',
      message: `ZStack at ${endpoint} refuses the signature for its date: the two clocks differ by more than 15 minutes; set the clock of the operator's node or of ZStack`,
    }
  if (status === 401 || status === 403) return refusedByPage(`${status}${words}`, asked)
  if (status === 400 && answer.text.includes("missing header 'Authorization'"))
    return {
      kind: 'wrongEndpoint',
      message: `a proxy before ZStack at ${endpoint} takes the Authorization header away; let it pass, or set ZSTACK_ENDPOINT to the address of ZStack itself`,
    }
  if (status === 400 && answer.text.includes('accessKey format'))
    return {
      kind: 'credentials',
      message: `ZStack at ${endpoint} cannot read the access key; correct ${placeOf(asked)}`,
    }
  if (status === 408 || status === 429 || status >= 500)
    return {
      kind: 'unavailable',
      message: `ZStack at ${endpoint} is not available: ${status} from the node or a proxy before it; look at both`,
      ...(writes(asked) && status !== 429 && { ambiguous: true }),
    }
  return { kind: 'rejected', message: `ZStack refuses the request (${status}${words})` }
}

/** ZStack says what it has against session or credentials in JSON; a page is of something in front of it. */
function refusedByPage(words: string, asked: RequestInfo): Failure {
  const { endpoint, asks } = asked
  const refuses = `something in front of ZStack at ${endpoint}, a proxy or a firewall, refuses`
  switch (asks) {
    case 'update':
      return { kind: 'rejected', message: `${refuses} the update (${words}); let it pass there, or correct the spec` }
    case 'job':
      return { kind: 'unavailable', message: `${refuses} the question after the job (${words}); let it pass there` }
    case 'query':
      return { kind: 'wrongEndpoint', message: `${refuses} the query (${words}); let it pass there` }
    case 'logIn':
      return {
        kind: 'credentials',
        message: `${endpoint} refuses the credentials (${words}); correct ${placeOf(asked)}`,
      }
  }
}

function ofCode(error: ErrorCode, asked: RequestInfo): Failure {
  const specific = mostSpecific(error)
  const code = cut(specific.code, 40)
  const kind = kindOfCode(specific.code, asked.asks === 'update' || asked.asks === 'job')
  const words = quote(specific.details ?? specific.description ?? '', asked.secrets)
  // Nobody knows how far ZStack had come when it gave a code of unknown meaning.
  const mayBeDone = kind === 'unavailable' || !kindByCode.has(specific.code)
  return {
    kind,
    code,
    message: `${lead(kind, asked)} (${code}${words})${adviceOn(kind, asked)}`,
    ...(writes(asked) && mayBeDone && { ambiguous: true }),
  }
}

/**
 * An error may be wrapped in more general ones: of the chain of causes, the deepest error whose code says more than that
 * something is wrong. If there is none, the first one with a code that is known.
 */
function mostSpecific(error: ErrorCode): ErrorCode {
  let found = error
  let current: ErrorCode | undefined = error
  for (let depth = 0; current && depth < maxCauseDepth; depth++) {
    const kind = kindByCode.get(current.code)
    if (kind !== undefined && kind !== 'unavailable' && kind !== 'operation') found = current
    else if (!kindByCode.has(found.code) && kind !== undefined) found = current
    current = errorCode.safeParse(current.cause).data
  }
  return found
}

function lead(kind: FailureKind, { endpoint, asks }: RequestInfo): string {
  switch (kind) {
    case 'rejected':
      return `ZStack refuses the ${asks === 'update' ? 'update' : 'request'}`
    case 'operation':
      return 'ZStack could not carry out the update'
    case 'permission':
      return 'the ZStack account may not do this'
    case 'readPermission':
      return `the account may not query the model services of ZStack at ${endpoint}`
    case 'quota':
      return 'the quota of the ZStack account is exceeded'
    case 'credentials':
      return `ZStack at ${endpoint} refuses the credentials`
    case 'accountDisabled':
      return `ZStack at ${endpoint} refuses the account, for it is disabled`
    case 'sessionLimit':
      return `ZStack at ${endpoint} has no session left for this account`
    default:
      return `ZStack at ${endpoint} is in trouble`
  }
}

function adviceOn(kind: FailureKind, asked: RequestInfo): string {
  if (kind === 'accountDisabled')
    return `; enable the account in ZStack, or put the credentials of another one into ${placeOf(asked)}`
  if (kind !== 'credentials') return advice[kind] ?? ''
  const pause = spellMs(limits.credentialsPauseMs)
  return `; correct ${placeOf(asked)}: the next try is when that changes, or in ${pause}, for repeated tries can lock the account`
}

const advice: Readonly<Partial<Record<FailureKind, string>>> = {
  unavailable: '; look at the management node',
  operation: '; look at the task in ZStack',
  rejected: '; correct the spec',
  readPermission: '; grant it the permission to query model services',
  permission: '; grant it the permission to update model services',
  quota: '; raise the quota or lower the request',
  sessionLimit: '; log out unused sessions or raise the limit',
}

/** ZStack's own words, on one line, cut to length, and with every secret masked. */
function quote(words: string, secrets: readonly string[]): string {
  // The HTML page of a proxy is of no use to the reader of a condition.
  if (words.trim() === '' || words.trimStart().startsWith('<')) return ''
  return `: ${cut(mask(words, secrets), 300)}`
}

function cut(words: string, max: number): string {
  const line = words.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length > max ? `${line.slice(0, max - 1)}…` : line
}

function originOf(location: string): string {
  const { origin } = URL.canParse(location) ? new URL(location) : { origin: 'null' }
  return origin === 'null' ? 'another path' : origin
}
