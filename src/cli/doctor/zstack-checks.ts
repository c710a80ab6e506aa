/** Whether a ZStack answers, and lets the operator do its work. No service is changed. */
import { reasons } from '../../api/reasons.ts'
import { failurePolicy, type Failure } from '../../decide/failure.ts'
import { anyTurn } from '../../priority.ts'
import { saysNoAction } from '../../zstack/bodyshape.ts'
import type { Call } from '../../zstack/call.ts'
import { createSession } from '../../zstack/session.ts'
import { queryPath, servicePath, unusedUuid, updateBody, type BodyShape } from '../../zstack/wire.ts'
import type { CommandContext } from '../context.ts'
import { ageOf } from '../duration.ts'
import type { ZStackAccess } from '../zstack-access.ts'
import { ok, problem, unknown, type Finding } from './finding.ts'

/** ZStack refuses what an access key signed with a time that is further away than this. */
const maxSkewMs = 15 * 60_000
/** From here on it is worth a word. */
const notableSkewMs = 60_000

/** Asks for nothing that is there. */
const anyQuery: Call = { method: 'GET', path: queryPath([unusedUuid]), kind: 'query', secrets: [], turn: anyTurn }

export async function* checkZStack(zstack: ZStackAccess, context: CommandContext): AsyncGenerator<Finding> {
  const { endpoint, client } = zstack
  const { signal } = context
  yield* checkReach(zstack, context)
  const read = await client.call(anyQuery, signal)
  if (!read.ok) {
    yield problem(read.failure.message, adviceOf(read.failure))
    return
  }
  yield ok(`${endpoint} takes the credentials, and lets the account query model services`)
  yield* checkUpdates(zstack, signal)
  yield* checkSessions(zstack, context)
}

/** Without credentials: of any answer, the date alone counts. */
async function* checkReach(
  { http, endpoint, usesAccessKey }: ZStackAccess,
  { clock, signal }: CommandContext,
): AsyncGenerator<Finding> {
  const answer = await http.send({ method: 'GET', path: queryPath([unusedUuid]), headers: {} }, signal)
  if (answer.kind === 'unanswered') return
  yield ok(`${endpoint} answers${endpoint.startsWith('https:') ? ', and its certificate is trusted' : ''}`)
  const date = Date.parse(answer.date ?? '')
  if (Number.isNaN(date)) {
    yield unknown('the clock of ZStack could not be read: its answers bear no date')
    return
  }
  const skew = Math.abs(clock.now() - date)
  if (skew < notableSkewMs) yield ok('the clocks agree')
  else if (usesAccessKey || skew > maxSkewMs)
    yield problem(
      `the clock here and that of ZStack are ${ageOf(skew)} apart`,
      `Set them by NTP: an access key is refused from ${ageOf(maxSkewMs)} on.`,
    )
  else yield unknown(`the clock here and that of ZStack are ${ageOf(skew)} apart, which only an access key would mind`)
}

/** Sends updates without fields for a service that cannot exist: what is wrong with them tells. */
async function* checkUpdates({ client }: ZStackAccess, signal: AbortSignal): AsyncGenerator<Finding> {
  const send = (shape: BodyShape) => {
    const call: Call = {
      method: 'PUT',
      path: servicePath(unusedUuid),
      body: updateBody({}, shape),
      kind: 'update',
      secrets: [],
      turn: anyTurn,
    }
    return client.call(call, signal)
  }
  const flat = await send('flat')
  const envelope = await send('envelope')
  const refusals = [flat, envelope].flatMap((answer) => (answer.ok ? [] : [answer.failure]))
  const forbidden = refusals.find(({ kind }) => kind === 'permission')
  if (forbidden) yield problem(forbidden.message, adviceOf(forbidden))
  else if (refusals.some(isNotFound))
    yield ok('the account may update model services, as far as one can tell without updating one')
  else yield unknown('whether the account may update model services could not be told without updating one')
  const shapes = { flat, envelope } as const
  const wrong = (['flat', 'envelope'] as const).filter((shape) => {
    const answer = shapes[shape]
    return !answer.ok && saysNoAction(answer.failure.message)
  })
  if (wrong.length === 1)
    yield ok(`updates are taken in the ${wrong[0] === 'flat' ? 'envelope' : 'flat'} body, and not in the other`)
  else yield unknown('which body of updates ZStack takes shows with the first update; the operator finds out')
}

const isNotFound = ({ code }: Failure) => code === 'SYS.1003'

/**
 * Logs in once more and asks again with the session of before: where each log-in ends the others, the client then logs in
 * anew, and that ends the session in between.
 */
async function* checkSessions(
  { http, client, endpoint, account }: ZStackAccess,
  { clock, signal }: CommandContext,
): AsyncGenerator<Finding> {
  if (!account) return
  const guard = { refuse: () => undefined, onFailure: () => undefined }
  const other = createSession({ http, endpoint, account, clock, guard })
  try {
    const opened = await other.current(signal)
    const again = opened.ok ? await client.call(anyQuery, signal) : opened
    if (!opened.ok || !again.ok) {
      const failed = opened.ok ? again : opened
      if (!failed.ok) yield problem(failed.failure.message, adviceOf(failed.failure))
      return
    }
    const headers = { authorization: `OAuth ${opened.value}` }
    const answer = await http.send({ method: 'GET', path: queryPath([unusedUuid]), headers }, signal)
    yield answer.kind === 'answered' && answer.status === 200
      ? ok('several sessions of the account live side by side')
      : problem(
          'each log-in of the account ends its other sessions, that of the operator too',
          'Use an access key, or an account of its own for the operator, or set enable.unique.session to false in ZStack.',
        )
  } finally {
    await other.logOut(signal)
  }
}

function adviceOf({ kind }: Failure): string {
  return reasons[failurePolicy[kind].reason].advice
}
