import { expect, it } from 'vitest'
import type { HttpRequest } from '../../src/zstack/http.ts'
import { createChance } from './chance.ts'
import { createServices, type Values } from './services.ts'
import { account, createSessions, digest } from './sessions.ts'
import { createTime } from './time.ts'
import { createZStack, type Mood } from './zstack.ts'

const uuid = 'a'.repeat(32)
const defaultMood: Mood = {
  ...{ bodyShape: 'envelope', answer: 'sync', hides: [], jobMs: 1_000, apiTimeoutMs: undefined, jobEnd: 'done' },
  ...{ ignores: false, alters: false, renamesFrameworks: false, refuses: undefined },
}

/** A node with one service, and one caller. */
function startNode(mood: Partial<Mood> = {}, isUnique = false) {
  const time = createTime()
  const services = createServices()
  services.place(uuid, { framework: 'vLLM' })
  const sessions = createSessions(time, { max: 5, lifeMs: 7_200_000, isUnique })
  const parts = { time, services, sessions, chance: createChance(1), epoch: 0, accessKeys: new Map<string, string>() }
  const zstack = createZStack({ ...parts, mood: { ...defaultMood, ...mood } })
  const ask = (request: Omit<HttpRequest, 'headers'>, session = '') => {
    const headers = { authorization: `OAuth ${session}` }
    const { status, body } = zstack.arrive({ ...request, headers }, time.now()).answer
    const json = body === '' ? {} : (JSON.parse(body.toString()) as Record<string, Record<string, unknown> | undefined>)
    return { status, json, code: json.error?.code }
  }
  const logIn = () => {
    const body = { logInByAccount: { accountName: account.name, password: digest } }
    return ask({ method: 'PUT', path: '/v1/accounts/login', body })
  }
  const sessionOf = ({ json }: ReturnType<typeof logIn>) => String(json.inventory?.uuid)
  const query = (session: string) => ask({ method: 'GET', path: `/v1/ai/model-services?q=uuid?=${uuid}` }, session)
  const update = (session: string, values: Values) =>
    ask({ method: 'PUT', path: `/v1/ai/model-services/${uuid}`, body: { updateModelService: values } }, session)
  const job = (session: string, location: unknown) =>
    ask({ method: 'GET', path: String(location).replace(/^.*(?=\/v1)/, '') }, session)
  return { time, sessions, zstack, logIn, sessionOf, query, update, job }
}

it('a node that renames frameworks shows the newer spelling of one', () => {
  const node = startNode({ renamesFrameworks: true })
  const session = node.sessionOf(node.logIn())
  expect(node.update(session, { framework: 'llama.cpp' }).json.inventory?.framework).toBe('LlamaCpp')
  node.zstack.mood = defaultMood
  expect(node.update(session, { framework: 'llama.cpp' }).json.inventory?.framework).toBe('llama.cpp')
})

it('a job without an end fails when the time limit that the answer named is over', async () => {
  const node = startNode({ answer: 'async', jobEnd: 'never', apiTimeoutMs: 60_000 })
  const session = node.sessionOf(node.logIn())
  const { status, json } = node.update(session, { framework: 'new' })
  expect([status, json.apiTimeout]).toEqual([202, 60_000])
  await node.time.runUntil(59_999)
  expect(node.job(session, json.location).status).toBe(202)
  await node.time.runUntil(60_001)
  expect(node.job(session, json.location).code).toBe('SYS.1001')
  node.zstack.endJobs()
  expect(JSON.stringify(node.query(session).json)).toContain('vLLM')
})

it('a node that tells no time limit says nothing of one', () => {
  const node = startNode({ answer: 'async' })
  const { json } = node.update(node.sessionOf(node.logIn()), { framework: 'new' })
  expect(Object.keys(json)).toEqual(['location'])
})

it('a disabled account loses its sessions and cannot log in until its time is over', async () => {
  const node = startNode()
  const session = node.sessionOf(node.logIn())
  node.sessions.disable(5_000)
  expect(node.query(session).code).toBe('ID.1001')
  expect(node.logIn().code).toBe('ID.1007')
  await node.time.runUntil(5_001)
  expect(node.logIn().status).toBe(200)
})

it.each([true, false])("somebody else's log-in ends a session where sessions are unique: %s", (isUnique) => {
  const node = startNode({}, isUnique)
  const session = node.sessionOf(node.logIn())
  node.sessions.logInElsewhere()
  expect(node.query(session).code).toBe(isUnique ? 'ID.1001' : undefined)
})
