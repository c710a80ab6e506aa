import { createHmac } from 'node:crypto'
import { plain, Refused } from './answers.ts'

const MAX_SKEW_MILLIS = 15 * 60 * 1000
const DATE_FORMAT = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} \S+$/

export type SignedRequest = {
  readonly method: string
  /** Decoded, after the context path, without the query. */
  readonly path: string
  readonly date: string | undefined
  /** What follows `ZStack ` in the Authorization header. */
  readonly credential: string
}

/** True when a known key signed this request. Throws Refused for a skewed or missing date and a malformed header. */
export function isSignedBy(keys: ReadonlyMap<string, string>, request: SignedRequest, now: number): boolean {
  const { date } = request
  if (date === undefined) throw new Refused(plain(400, "'Date' must be included in request header"))
  const stamp = DATE_FORMAT.test(date) ? Date.parse(date) : Number.NaN
  if (Number.isNaN(stamp)) {
    throw new Refused(plain(400, "'Date' format error, correct format is 'EEE, dd MMM yyyy HH:mm:ss z'"))
  }
  if (Math.abs(now - stamp) > MAX_SKEW_MILLIS) throw new Refused(plain(403, 'requestTimeTooSkewed'))
  const [id, signature, ...more] = request.credential.split(':')
  if (!id || !signature || more.length > 0) {
    throw new Refused(plain(400, "accessKey format is 'ZStack AccessKeyId:Signature'"))
  }
  const secret = keys.get(id)
  if (secret === undefined) return false
  const text = `${request.method}\n${date}\n${request.path}`
  return createHmac('sha1', secret).update(text).digest('base64') === signature
}
