/** One HTTP answer, not yet sent. */
export type Answer = {
  readonly status: number
  readonly body: string | Buffer
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Thrown where a request turns out to be unacceptable; carries the answer to give. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly answer: Answer
  constructor(answer: Answer) {
    super(`refused with ${answer.status}`)
    this.answer = answer
  }
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  'SYS.1000': 'An internal error happened in system',
  'SYS.1001': 'Operation timeout',
  'SYS.1002': 'Unable to create resource',
  'SYS.1003': 'Unable to find requested resource',
  'SYS.1004': 'Unable to delete resource',
  'SYS.1005': 'Unable to change the state of a resource',
  'SYS.1006': 'Operation failed',
  'SYS.1007': 'One or more API argument is invalid',
  'SYS.1008': 'Unknown message',
  'SYS.1009': 'No route to the service',
  'SYS.1010': 'System is not ready',
  'SYS.1011': 'Unable to deliver the message',
  'SYS.1012': 'Management node is unavailable',
  'SYS.1013': 'No capability for the operation',
  'SYS.1014': 'Not implemented',
  'SYS.1015': 'HTTP error',
  'SYS.1016': 'I/O error',
  'SYS.1017': 'Operation cancelled',
  'ID.1000': 'Wrong account or password',
  'ID.1001': 'Session is invalid',
  'ID.1002': 'Permission denied',
  'ID.1003': 'Quota exceeded',
  'ID.1004': 'Invalid quota operation',
  'ID.1005': 'The password must be changed',
  'ID.1006': 'Too many concurrent sessions',
  'ID.1007': 'The account is disabled',
  'ID.2000': 'A captcha is needed',
  'ID.2001': 'A second factor is needed',
  'ID.2002': 'The second factor is wrong',
  'ID.2003': 'The log-in is refused for now',
}

/** 200 with JSON; a string is taken as JSON already written. */
export function ok(body: object | string): Answer {
  return { status: 200, body: typeof body === 'string' ? body : JSON.stringify(body) }
}

/** A failure of the REST layer: plain text. */
export function plain(status: number, text: string): Answer {
  return { status, body: text, contentType: 'text/plain;charset=UTF-8' }
}

/** A failure of an API: 503, the code in the body, or in the `cause` when `nestedCode` is given. */
export function apiError(code: string, details?: string, nestedCode?: string): Answer {
  const describe = (of: string) => ({ code: of, description: DESCRIPTIONS[of] ?? 'Simulated failure' })
  const text = details ?? DESCRIPTIONS[nestedCode ?? code] ?? 'Simulated failure'
  const cause = nestedCode === undefined ? {} : { cause: { ...describe(nestedCode), details: text } }
  return { status: 503, body: JSON.stringify({ error: { ...describe(code), details: text, ...cause } }) }
}
