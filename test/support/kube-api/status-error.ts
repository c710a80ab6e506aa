import { invalidMessage, type FieldError } from '../../../src/cli/validation/field-error.ts'
import type { Json, JsonObject } from '../../../src/cli/validation/json.ts'

/** Names a resource in an answer: `modelservices` of `ai.zstack.io`, or a kind. */
export type Subject = { readonly group: string; readonly name: string }

/** An answer other than success: a metav1.Status with its HTTP code. */
export class StatusError extends Error {
  readonly code: number
  readonly reason: string | undefined
  readonly details: JsonObject | undefined
  readonly metadata: JsonObject

  constructor(
    code: number,
    reason: string | undefined,
    message: string,
    details?: JsonObject,
    metadata: JsonObject = {},
  ) {
    super(message)
    this.name = 'StatusError'
    this.code = code
    this.reason = reason
    this.details = details
    this.metadata = metadata
  }
}

export function statusOf(error: StatusError): JsonObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: error.metadata,
    status: 'Failure',
    message: error.message,
    ...(error.reason === undefined ? {} : { reason: error.reason }),
    ...(error.details === undefined ? {} : { details: error.details }),
    code: error.code,
  }
}

/** The reason the real server gives with an HTTP code when nothing more is known. */
export function reasonOf(code: number): string | undefined {
  const reasons: Record<number, string> = {
    400: 'BadRequest',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'NotFound',
    405: 'MethodNotAllowed',
    406: 'NotAcceptable',
    409: 'Conflict',
    410: 'Expired',
    413: 'RequestEntityTooLarge',
    415: 'UnsupportedMediaType',
    422: 'Invalid',
    429: 'TooManyRequests',
    500: 'InternalError',
    503: 'ServiceUnavailable',
    504: 'Timeout',
  }
  return reasons[code]
}

function qualified(subject: Subject): string {
  return subject.group === '' ? subject.name : `${subject.name}.${subject.group}`
}

function detailsOf(subject: Subject, name: string, causes?: Json[]): JsonObject {
  return {
    ...(name === '' ? {} : { name }),
    ...(subject.group === '' ? {} : { group: subject.group }),
    kind: subject.name,
    ...(causes === undefined ? {} : { causes }),
  }
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message)
}

export function notFound(subject: Subject, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualified(subject)} "${name}" not found`, detailsOf(subject, name))
}

export function alreadyExists(subject: Subject, name: string, terminating: boolean): StatusError {
  const message = `${terminating ? 'object is being deleted: ' : ''}${qualified(subject)} "${name}" already exists`
  return new StatusError(409, 'AlreadyExists', message, detailsOf(subject, name))
}

export function conflict(subject: Subject, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(subject)} "${name}": ${why}`
  return new StatusError(409, 'Conflict', message, detailsOf(subject, name))
}

export function stale(subject: Subject, name: string): StatusError {
  return conflict(
    subject,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  )
}

export function forbidden(subject: Subject, name: string, why: string): StatusError {
  const message = `${qualified(subject)} "${name}" is forbidden: ${why}`
  return new StatusError(403, 'Forbidden', message, detailsOf(subject, name))
}

export function invalid(subject: Subject, name: string, errors: readonly FieldError[]): StatusError {
  const causes = errors.map(({ reason, message, field }) => ({ reason, message, field }))
  const message = invalidMessage(qualified(subject), name, errors)
  return new StatusError(422, 'Invalid', message, detailsOf(subject, name, causes))
}

export function unsupportedMedia(accepted: readonly string[]): StatusError {
  const list = accepted.join(', ')
  const message = `the body of the request was in an unknown format - accepted media types include: ${list}`
  return new StatusError(415, 'UnsupportedMediaType', message)
}

export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message)
}
