import { once } from 'node:events'
import { type Server, createServer } from 'node:http'
import { inject } from 'vitest'
import { z } from 'zod'
import { type ApiServerAccess, openAccess } from './access.ts'
import { type TestApiServer, startTestApiServer } from './api-server.ts'
import { type Environment, findBinaries, skipReason } from './binaries.ts'
import { expectStatus } from './request.ts'

/** What test files are given: where to ask for the shared server, or why there is none. */
export type Offer = { readonly broker: string } | { readonly missing: string }

declare module 'vitest' {
  export interface ProvidedContext {
    envtest: Offer | undefined
  }
}

/**
 * vitest's globalSetup: ONE kube-apiserver for all test files of a run, started when the first of them asks, so that a
 * run of pure tests pays nothing. Without binaries it says so in one line.
 */
export default async function globalSetup(
  project: { provide: (key: 'envtest', offer: Offer) => void },
  env: Environment = process.env,
): Promise<() => Promise<void>> {
  const binaries = await findBinaries(env)
  if (binaries === undefined) {
    console.log(`tests of the real API server are skipped: ${skipReason}`)
    project.provide('envtest', { missing: skipReason })
    return () => Promise.resolve()
  }
  let started: Promise<TestApiServer> | undefined
  const broker = createServer((_, response) => {
    started ??= startTestApiServer({ binaries })
    started.then(
      ({ url, directory }) => response.end(JSON.stringify({ url, directory })),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  project.provide('envtest', { broker: await listen(broker) })
  return async () => {
    broker.close()
    broker.closeAllConnections()
    // A start that failed was reported to the tests that asked.
    const server = await started?.catch(() => undefined)
    await server?.close()
  }
}

/** Why there is no shared server in this run, for `describe.skipIf(apiServerMissing())`. */
export function apiServerMissing(offer: Offer = offered()): string | undefined {
  return 'missing' in offer ? offer.missing : undefined
}

function offered(): Offer {
  const offer = inject('envtest')
  // A run that forgot the setup must not look like a machine without binaries.
  if (offer === undefined) throw new Error("test/support/envtest/shared.ts is not among vitest's globalSetup files")
  return offer
}

const location = z.object({ url: z.string(), directory: z.string() })

/**
 * The server that all test files share: nobody stops it, and each file keeps to a namespace of its own. The first call
 * of a run waits for the start.
 */
export async function sharedApiServer(offer: Offer = offered()): Promise<ApiServerAccess> {
  if ('missing' in offer) throw new Error(offer.missing)
  const answer = await fetch(offer.broker)
  if (!answer.ok) throw new Error(`the shared API server did not start: ${await answer.text()}`)
  return openAccess(location.parse(await answer.json()))
}

const created = z.looseObject({ metadata: z.looseObject({ name: z.string() }) })

/** Makes a new namespace and gives its name. There is no use in deleting it: nothing would finish the deletion. */
export async function testNamespace(server: Pick<ApiServerAccess, 'request'>): Promise<string> {
  const answer = server.request('POST', '/api/v1/namespaces', { metadata: { generateName: 'test-' } })
  return created.parse(await expectStatus(answer, 'a namespace for tests', 201)).metadata.name
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // Only tests keep the run going.
  server.unref()
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return `http://127.0.0.1:${address.port}`
}
