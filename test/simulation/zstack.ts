/** The management node of a simulated world: sessions, queries, updates, jobs. */
import type { FieldName } from '../../src/api/modelservice.ts'
import { fields } from '../../src/api/fields.ts'
import { isEmpty, type Json } from '../../src/api/json.ts'
import type { HttpRequest } from '../../src/zstack/http.ts'
import { apiError, ok, plain, Refused, type Answer } from '../support/zstack/answers.ts'
import { isSignedBy } from '../support/zstack/signature.ts'
import { renamedFramework } from '../support/zstack/storing.ts'
import { actionOf, argumentsOf } from '../support/zstack/updates.ts'
import type { Chance } from './chance.ts'
import { inventoryOf, type Services, type Values } from './services.ts'
import type { ServiceFaults } from './service-faults.ts'
import type { Sessions } from './sessions.ts'
import type { Time } from './time.ts'

/** How this node behaves while nothing is wrong with it, and what it may be made to do. */
export type Mood = {
  readonly bodyShape: 'envelope' | 'flat' | 'single-api'
  readonly answer: 'sync' | 'async' | 'bare'
  /** Fields that an older node does not show. */
  readonly hides: readonly FieldName[]
  readonly jobMs: number
  /** How long a job may run, as the answer to its update says; undefined where it says nothing and nothing ends a job. */
  readonly apiTimeoutMs: number | undefined
  readonly jobEnd: 'done' | 'failed' | 'expired' | 'forgotten' | 'never'
  /** Accepts every update and does nothing. */
  readonly ignores: boolean
  /** What it stores instead of what it was sent. */
  readonly alters: boolean
  /** It stores the newer spelling of a framework where it is sent the older. */
  readonly renamesFrameworks: boolean
  /** Repeats in its refusal what it was sent. */
  readonly refuses: string | undefined
}

/** An update that a node has taken, sooner or later carried out. */
export type Order = {
  readonly uuid: string
  readonly values: Values
  readonly sentAt: number
  /** Of the service, when the update came. */
  readonly revision: number | undefined
  /** Set when it is carried out: whether it changed anything. */
  hadEffect?: boolean
  refused?: string
}

export interface ZStack {
  mood: Mood
  /** Some process has come to believe in the wrong body: where nobody can read what comes, or came, in it, that is lost. */
  mislead(): void
  /** What a request gets that arrives now. `order` comes with updates, and with the jobs they became. */
  arrive(request: HttpRequest, sentAt: number): { readonly answer: Answer; readonly order?: Order }
  /** When a job began that is still running. */
  runningSince(job: string): number | undefined
  /** Whether a job of that service is running. */
  runningFor(service: string): boolean
  /** Ends jobs that would run on for ever. */
  endJobs(): void
}

type Job =
  | { readonly state: 'running'; readonly order: Order; readonly since: number; readonly end: () => void }
  | { readonly state: 'gone'; readonly order: Order }
  | { readonly state: 'over'; readonly order: Order; readonly answer: Answer }

export type ZStackOptions = {
  readonly time: Time
  readonly chance: Chance
  readonly epoch: number
  readonly mood: Mood
  readonly services: Services
  readonly sessions: Sessions
  readonly accessKeys: ReadonlyMap<string, string>
  /** What is wrong with single services, for good. */
  readonly faults?: ServiceFaults
}

const node = 'http://192.0.2.10:8080/zstack'

export function createZStack(options: ZStackOptions): ZStack {
  const { time, epoch, services, sessions, accessKeys, faults } = options
  const jobs = new Map<string, Job>()
  /** When the update that a service last saw was sent: an older one that arrives later undoes it unseen. */
  const lastSent = new Map<string, number>()
  let hasMisled = false

  function authenticate({ method, path, headers }: HttpRequest) {
    const { authorization, date } = headers
    if (authorization === undefined) throw new Refused(plain(400, "missing header 'Authorization'"))
    const [scheme, credential = ''] = authorization.split(' ', 2)
    if (scheme === 'OAuth') {
      if (!sessions.isOpen(credential)) throw new Refused(apiError('ID.1001', 'Session expired'))
    } else if (!isSignedBy(accessKeys, { method, path: path.split('?', 1)[0]!, date, credential }, epoch + time.now()))
      throw new Refused(apiError('ID.1000', 'wrong access key'))
    else if (sessions.isDisabled()) throw new Refused(apiError('ID.1007', 'the account is disabled'))
  }

  function query(path: string): Answer {
    const [, list = ''] = /q=uuid\?=([0-9a-f,]*)/.exec(path) ?? []
    const found = list.split(',').flatMap((uuid) => {
      const service = services.get(uuid)
      return service ? [inventoryOf(uuid, service, zstack.mood.hides)] : []
    })
    return ok({ inventories: faults?.shown(found) ?? found, schema: {} })
  }

  function carryOut(order: Order): Answer {
    const { uuid, values } = order
    const service = services.get(uuid)
    if (!service) {
      order.refused = 'SYS.1003'
      return apiError('SYS.1003', `resource[uuid: ${uuid}, type: ModelServiceVO] not found`)
    }
    const isLate = order.sentAt < (lastSent.get(uuid) ?? 0)
    lastSent.set(uuid, Math.max(order.sentAt, lastSent.get(uuid) ?? 0))
    if (zstack.mood.ignores) ignore(order)
    else order.hadEffect = services.write(uuid, stored(values, zstack.mood))
    if (isLate || zstack.mood.alters) for (const field of namesOf(values)) service.unsure.add(field)
    return zstack.mood.answer === 'bare'
      ? ok({ success: true })
      : ok({ inventory: inventoryOf(uuid, service, zstack.mood.hides) })
  }

  /** That nothing was done shows if anything was to be done that shows. */
  function ignore(order: Order) {
    order.hadEffect = false
    const service = services.get(order.uuid)
    if (!service) return
    const shows = namesOf(order.values).some((field) => {
      const [sent, held] = [order.values[field], service.values[field]]
      if (fields[field].visibility !== 'shown' || sent === undefined) return false
      return isEmpty(sent) || held === undefined ? !isEmpty(sent) || !isEmpty(held) : !fields[field].equal(sent, held)
    })
    const isClear = shows && service.revision === order.revision
    for (const field of namesOf(order.values)) (isClear ? service.ignored : service.unsure).add(field)
  }

  function update({ path, body }: HttpRequest, sentAt: number): { answer: Answer; order?: Order } {
    const { bodyShape, answer, refuses } = zstack.mood
    const action = actionOf(body, bodyShape, path)
    const uuid = path.slice(path.lastIndexOf('/') + 1)
    const values = argumentsOf(action) as Values
    const order: Order = { uuid, values, sentAt, revision: services.get(uuid)?.revision }
    for (const field of namesIn(body)) services.get(uuid)?.[hasMisled ? 'unsure' : 'unwritten'].add(field)
    if (refuses !== undefined) {
      order.refused = refuses
      return { order, answer: apiError(refuses, `cannot take [${JSON.stringify(body)}]`) }
    }
    const failedJob = faults?.failedJob(uuid)
    if (!services.get(uuid) || (answer !== 'async' && !failedJob)) return { order, answer: carryOut(order) }
    return { order, answer: start(order, failedJob) }
  }

  /** @param failure what the job ends in, whatever the mood says */
  function start(order: Order, failure: Answer | undefined): Answer {
    const { jobMs, jobEnd, apiTimeoutMs } = zstack.mood
    const job = `j0b${String(jobs.size).padStart(29, '0')}`
    const end = () => {
      if (jobs.get(job)?.state !== 'running') return
      if (failure) {
        order.refused = 'SYS.1000'
        jobs.set(job, { state: 'over', order, answer: failure })
        return
      }
      if (jobEnd === 'failed') {
        order.refused = 'SYS.1006'
        jobs.set(job, { state: 'over', order, answer: apiError('SYS.1006', 'the update failed') })
        return
      }
      if (jobEnd === 'forgotten') ignore(order)
      const answer = jobEnd === 'forgotten' ? undefined : carryOut(order)
      // That it failed for want of its service, such a job does not tell.
      if (jobEnd !== 'done' && order.refused !== undefined) services.doubt(order.uuid, namesOf(order.values))
      jobs.set(job, jobEnd === 'done' && answer ? { state: 'over', order, answer } : { state: 'gone', order })
    }
    jobs.set(job, { state: 'running', order, since: time.now(), end })
    if (jobEnd !== 'never') time.after(jobMs, end)
    if (apiTimeoutMs !== undefined) time.after(apiTimeoutMs, () => timeOut(job))
    const location = `${node}/v1/api-jobs/${job}`
    return { status: 202, body: JSON.stringify({ location, apiTimeout: apiTimeoutMs }) }
  }

  function timeOut(uuid: string) {
    const job = jobs.get(uuid)
    if (job?.state !== 'running') return
    const { order } = job
    order.refused = 'SYS.1001'
    jobs.set(uuid, { state: 'over', order, answer: apiError('SYS.1001', 'the job timed out') })
  }

  function ask(uuid: string): { answer: Answer; order?: Order } {
    const job = jobs.get(uuid)
    if (!job) return { answer: plain(404, 'the job has been expired') }
    const { order } = job
    if (job.state === 'over') return { answer: job.answer, order }
    return job.state === 'running'
      ? { answer: { status: 202, body: '' } }
      : { answer: plain(404, 'the job has been expired'), order }
  }

  function dispatch(request: HttpRequest, sentAt: number): { answer: Answer; order?: Order } {
    const { method, path, body } = request
    if (path === '/v1/accounts/login') return { answer: sessions.logIn(body) }
    if (method === 'DELETE') return { answer: sessions.logOut(path.slice(path.lastIndexOf('/') + 1)) }
    authenticate(request)
    if (path.startsWith('/v1/api-jobs/')) return ask(path.slice('/v1/api-jobs/'.length))
    return method === 'GET' ? { answer: query(path) } : update(request, sentAt)
  }

  const zstack: ZStack = {
    mood: options.mood,
    mislead() {
      hasMisled = true
      for (const { unwritten, unsure } of services.all()) for (const field of unwritten) unsure.add(field)
    },
    arrive(request, sentAt) {
      try {
        return dispatch(request, sentAt)
      } catch (error) {
        if (error instanceof Refused) return { answer: error.answer }
        throw error
      }
    },
    runningFor: (uuid) => [...jobs.values()].some(({ state, order }) => state === 'running' && order.uuid === uuid),
    runningSince(uuid) {
      const job = jobs.get(uuid)
      return job?.state === 'running' ? job.since : undefined
    },
    endJobs() {
      for (const job of [...jobs.values()]) if (job.state === 'running') job.end()
    },
  }
  return zstack
}

/** Fields in a body of whatever shape. */
function namesIn(body: unknown): FieldName[] {
  return namesOf({ ...(body as { updateModelService?: Values }).updateModelService, ...(body as Values) }).filter(
    (field) => field in fields,
  )
}

const namesOf = (values: Values) => Object.keys(values) as FieldName[]

/** What a node in this mood stores of what it was sent. */
function stored(values: Values, { alters, renamesFrameworks }: Mood): Values {
  const spelled =
    renamesFrameworks && values.framework !== undefined
      ? { ...values, framework: renamedFramework(values.framework) as Json }
      : values
  return alters ? altered(spelled) : spelled
}

/** What a node may make of values: bounds, another spelling of the same, another case. */
function altered(values: Values): Values {
  const change = ([field, value]: [string, Json]): [string, Json] => {
    if (field === 'requestCpu') return [field, Math.min(value as number, 6)]
    if (field === 'description') return [field, (value as string).toUpperCase()]
    if (field === 'yaml') return [field, `${(value as string).trimEnd()}\n# stored\n`]
    return [field, value]
  }
  return Object.fromEntries(Object.entries(values).map(([field, value]) => change([field, value])))
}
