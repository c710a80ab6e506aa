import { readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { type Request, expectStatus } from './request.ts'
import { waitFor } from './wait.ts'

const definition = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    group: z.string(),
    names: z.looseObject({ plural: z.string() }),
    versions: z.array(z.looseObject({ name: z.string(), served: z.boolean() })),
  }),
})
type Definition = z.infer<typeof definition>

const established = z.object({
  status: z.object({ conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })) }),
})
const discovery = z.object({ resources: z.array(z.looseObject({ name: z.string() })) })

/**
 * Applies a CustomResourceDefinition, given as an object or as a YAML file of one or more, and returns when it is
 * established, listed in discovery and served in each served version. A changed schema of a definition applied before
 * takes the server a few milliseconds more.
 */
export async function applyCrd(request: Request, crd: unknown): Promise<void> {
  const documents = typeof crd === 'string' ? parseAllDocuments(await readFile(crd, 'utf8')) : undefined
  const objects = documents === undefined ? [crd] : documents.map((document) => document.toJS() as unknown)
  for (const object of objects) await applyOne(request, object, definition.parse(object))
}

async function applyOne(request: Request, object: unknown, { metadata, spec }: Definition): Promise<void> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${metadata.name}`
  const apply = `${path}?fieldManager=envtest&force=true`
  const sent = request('PATCH', apply, object, 'application/apply-patch+yaml')
  await expectStatus(sent, `apply of ${metadata.name}`, 200, 201)
  await waitFor(`${metadata.name} to be established`, async () => {
    const { data } = established.safeParse((await request('GET', path)).body)
    const isEstablished = data?.status.conditions.some(
      ({ type, status }) => type === 'Established' && status === 'True',
    )
    return isEstablished === true || undefined
  })
  for (const version of spec.versions.filter(({ served }) => served)) {
    await waitUntilServed(request, `/apis/${spec.group}/${version.name}`, spec.names.plural)
  }
}

async function waitUntilServed(request: Request, groupVersion: string, plural: string): Promise<void> {
  await waitFor(`${groupVersion}/${plural} to be served`, async () => {
    const { data } = discovery.safeParse((await request('GET', groupVersion)).body)
    if (data?.resources.some(({ name }) => name === plural) !== true) return undefined
    const { status } = await request('GET', `${groupVersion}/${plural}?limit=1`)
    return status === 200 || undefined
  })
}
