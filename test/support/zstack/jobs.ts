import { apiError, plain, Refused, type Answer } from './answers.ts'
import { newUuid } from './model.ts'
import type { Moods } from './moods.ts'
import type { Timers } from './timers.ts'

// Addresses of TEST-NET-1 reach nobody, like the internal address a real node often gives.
const NODE = 'http://192.0.2.10:8080/zstack'
const REMEMBERED = 20_000

type Job = { readonly service: string; readonly state: 'running' | 'over' | 'expired'; readonly answer?: Answer }

export type JobOrder = {
  readonly uuid: string
  /** The model service the job works on. */
  readonly service: string
  readonly timeoutMillis?: number
  /** Carries the update out and says what a synchronous call would have answered. */
  readonly work: () => Answer
}

/** The asynchronous side of the node: jobs, their names and their ends. */
export interface Jobs {
  /** The caller's X-Job-UUID or a new one. Throws Refused when it is malformed or was used before. */
  name(wanted: string | undefined, service: string): string
  /** 202 with a location and, where the node tells it, the time limit; the job ends by itself. */
  start(order: JobOrder, moods: Moods): Answer
  /** What GET api-jobs/{uuid} answers. */
  ask(uuid: string): Answer
  serviceOf(uuid: string): string | undefined
}

export function createJobs(timers: Timers): Jobs {
  const jobs = new Map<string, Job>()

  function remember(uuid: string, job: Job): void {
    jobs.set(uuid, job)
    if (jobs.size > REMEMBERED) jobs.delete(jobs.keys().next().value!)
  }

  return {
    name(wanted, service) {
      if (wanted !== undefined && wanted.length !== 32) {
        throw new Refused(plain(400, "Invalid header[X-Job-UUID], it must be a UUID with '-' stripped"))
      }
      if (wanted !== undefined && jobs.has(wanted)) throw new Refused(plain(400, `Duplicate job uuid[${wanted}]`))
      // A call answered at once leaves a name that is taken but nothing to ask for.
      if (wanted !== undefined) remember(wanted, { service, state: 'expired' })
      return wanted ?? newUuid()
    },
    start({ uuid, service, timeoutMillis, work }, { jobMillis, jobOutcome, apiTimeoutMillis }) {
      const limit = timeoutMillis ?? apiTimeoutMillis ?? Infinity
      remember(uuid, { service, state: 'running' })
      const runs = jobOutcome === 'never' ? Infinity : jobMillis
      const end = (): Job => {
        if (runs > limit) return over(service, apiError('SYS.1001', `the job[uuid:${uuid}] timed out`))
        if (jobOutcome === 'failed') return over(service, apiError('SYS.1006', 'the update failed'))
        const answer = work()
        return jobOutcome === 'expired' ? { service, state: 'expired' } : over(service, answer)
      }
      const ends = Math.min(runs, limit)
      if (ends !== Infinity) timers.after(Math.max(ends, 1), () => remember(uuid, end()))
      const apiTimeout = apiTimeoutMillis === null ? {} : { apiTimeout: limit }
      return { status: 202, body: JSON.stringify({ location: `${NODE}/v1/api-jobs/${uuid}`, ...apiTimeout }) }
    },
    ask(uuid) {
      const job = jobs.get(uuid)
      if (job?.state === 'running') return { status: 202, body: '' }
      return job?.answer ?? plain(404, 'the job has been expired')
    },
    serviceOf: (uuid) => jobs.get(uuid)?.service,
  }
}

function over(service: string, answer: Answer): Job {
  return { service, state: 'over', answer }
}
