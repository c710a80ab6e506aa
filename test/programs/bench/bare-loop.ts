/**
 * The lower bound: what must be sent, and nothing else. It lists the objects once, and sends for each one PUT with what is
 * declared and one status write. It compares nothing, keeps nothing, and follows nothing.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Agent } from 'undici'
import { z } from 'zod'
import { collectionPath } from './watch.ts'

const { WATCH_NAMESPACES: namespace = '', ZSTACK_ENDPOINT: endpoint = '', KUBECONFIG = '' } = process.env
const workers = 32
const kubeconfig = z.object({
  clusters: z.tuple([
    z.object({ cluster: z.object({ server: z.string(), 'certificate-authority-data': z.string() }) }),
  ]),
  users: z.tuple([z.object({ user: z.object({ token: z.string() }) })]),
})
const objects = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), generation: z.int() }),
      spec: z.looseObject({ uuid: z.string(), requestMemory: z.unknown() }),
    }),
  ),
})

const { clusters, users } = kubeconfig.parse(JSON.parse(await readFile(KUBECONFIG, 'utf8')))
const { server, 'certificate-authority-data': ca } = clusters[0].cluster
const agent = new Agent({ connect: { ca: Buffer.from(ca, 'base64') }, connections: workers, bodyTimeout: 0 })

async function send(url: string, method: 'GET' | 'PUT' | 'PATCH', headers: Record<string, string>, body?: object) {
  const { origin, pathname } = new URL(url)
  const content = body && { body: JSON.stringify(body) }
  const answer = await agent.request({ origin, path: pathname, method, headers, ...content })
  const text = await answer.body.text()
  if (answer.statusCode !== 200) throw new Error(`${method} ${pathname}: ${answer.statusCode} ${text}`)
  return JSON.parse(text) as unknown
}

const json = { 'content-type': 'application/json' }
const password = createHash('sha512')
  .update(process.env.ZSTACK_ACCOUNT_PASSWORD ?? '')
  .digest('hex')
const logIn = { logInByAccount: { accountName: process.env.ZSTACK_ACCOUNT_NAME, password } }
const session = z
  .object({ inventory: z.object({ uuid: z.string() }) })
  .parse(await send(`${endpoint}/v1/accounts/login`, 'PUT', json, logIn)).inventory.uuid
const zstack = { ...json, authorization: `OAuth ${session}` }
const kubernetes = { authorization: `Bearer ${users[0].user.token}` }
const collection = `${server}${collectionPath(namespace)}`
const { items } = objects.parse(await send(collection, 'GET', kubernetes))

async function work() {
  for (let object = items.pop(); object; object = items.pop()) {
    const { uuid, ...declared } = object.spec
    // The bench declares one amount of memory, in several spellings.
    const fields = { ...declared, requestMemory: 16 * 2 ** 30 }
    await send(`${endpoint}/v1/ai/model-services/${uuid}`, 'PUT', zstack, { updateModelService: fields })
    const { name, generation } = object.metadata
    const conditions = ['Ready', 'Connected', 'Synced'].map((type) => ({
      ...{ type, status: 'True', reason: 'InSync', message: '', observedGeneration: generation },
      lastTransitionTime: new Date().toISOString(),
    }))
    const patch = { ...kubernetes, 'content-type': 'application/merge-patch+json' }
    await send(`${collection}/${name}/status`, 'PATCH', patch, {
      status: { observedGeneration: generation, conditions },
    })
  }
}

await Promise.all(Array.from({ length: workers }, work))
// It stays until it is ended, so that its memory can be read.
process.stdin.resume()
setInterval(() => undefined, 60_000)
