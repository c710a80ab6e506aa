import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { crdFolder } from '../../deploy/paths.ts'
import { apiServerMissing, sharedApiServer, testNamespace } from '../support/envtest/shared.ts'
import { type Manifest, ofKind, parseManifests } from './manifest.ts'

const roles = ofKind(
  parseManifests(readFileSync(new URL('../../deploy/base/user-roles.yaml', import.meta.url), 'utf8')),
  'ClusterRole',
)

const kinds = readdirSync(crdFolder)
  .filter((name) => name.startsWith('ai.zstack.io_'))
  .map((name) => {
    const crd = parse(readFileSync(new URL(name, crdFolder), 'utf8')) as { spec: { names: { plural: string } } }
    return crd.spec.names.plural
  })

/** The roles that a default role of the cluster takes up. */
const takenUpBy = (role: 'view' | 'edit' | 'admin') =>
  roles.filter(({ metadata }) => metadata.labels?.[`rbac.authorization.k8s.io/aggregate-to-${role}`] === 'true')

const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'] as const
const looking: readonly string[] = ['get', 'list', 'watch']

describe.skipIf(apiServerMissing())('whoever has in a namespace the role', () => {
  /** What the API server lets somebody do to whom these roles are bound in a namespace. */
  async function allowed(bound: readonly Manifest[], resource: string, subresource = '') {
    const server = await sharedApiServer()
    const namespace = await testNamespace(server)
    const rbac = '/apis/rbac.authorization.k8s.io/v1'
    const subjects = [{ kind: 'User', name: `user-of-${namespace}`, apiGroup: 'rbac.authorization.k8s.io' }]
    for (const { metadata, rules } of bound) {
      const name = `${metadata.name}-${namespace}`
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name }
      const path = `${rbac}/namespaces/${namespace}`
      expect(await server.request('POST', `${path}/roles`, { metadata: { name }, rules })).toMatchObject({
        status: 201,
      })
      await server.request('POST', `${path}/rolebindings`, { metadata: { name }, roleRef, subjects })
    }
    const mayDo = async (verb: string) => {
      const resourceAttributes = { namespace, verb, group: 'ai.zstack.io', resource, subresource }
      const review = { spec: { user: `user-of-${namespace}`, resourceAttributes } }
      const { body } = await server.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review)
      return (body as { status: { allowed: boolean } }).status.allowed
    }
    const answers = await Promise.all(verbs.map(async (verb) => ((await mayDo(verb)) ? [verb] : [])))
    return answers.flat()
  }
  // The authorizer hears of a binding a moment later.
  const soon = { timeout: 10_000 }

  describe.each(kinds)('as for %s,', (kind) => {
    it('view may look, at the status too', async () => {
      await expect.poll(() => allowed(takenUpBy('view'), kind), soon).toEqual(looking)
      await expect.poll(() => allowed(takenUpBy('view'), kind, 'status'), soon).toEqual(looking)
    })

    it.each(['edit', 'admin'] as const)(
      '%s may do all, and look at the status, which the operator writes',
      async (role) => {
        await expect.poll(() => allowed(takenUpBy(role), kind), soon).toEqual(verbs)
        await expect.poll(() => allowed(takenUpBy(role), kind, 'status'), soon).toEqual(looking)
      },
    )
  })
})
