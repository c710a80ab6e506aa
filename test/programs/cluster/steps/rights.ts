import { deployment, modelsNamespace, operatorNamespace } from '../names.ts'
import type { Kubernetes } from '../kubernetes.ts'
import type { Report } from '../report.ts'
import { waitFor } from '../wait.ts'
import type { Environment } from '../environment.ts'

const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'] as const
const looking = verbs.slice(0, 3)
const expected = { view: looking, edit: verbs, admin: verbs } as const

/** `kubectl auth can-i` for each verb. */
async function allowed(kubernetes: Kubernetes, who: string, ...what: readonly string[]): Promise<string[]> {
  const answers = verbs.map(async (verb) => {
    const question = ['auth', 'can-i', verb, 'modelservices', ...what, '-n', modelsNamespace, '--as', who]
    // It answers "no" by ending in 1.
    const answer = await kubernetes.kubectl(question).catch(() => 'no')
    return answer.trim() === 'yes' ? [verb] : []
  })
  return (await Promise.all(answers)).flat()
}

/** Whoever has a default role of the cluster in a namespace has the rights on ModelServices that go with it. */
export async function testRights({ kubernetes }: Environment, report: Report): Promise<void> {
  await report.step('view, edit and admin of a namespace hold for ModelServices', async () => {
    for (const [role, rights] of Object.entries(expected)) {
      const who = `somebody-with-${role}`
      await kubernetes.kubectl([
        '-n',
        modelsNamespace,
        'create',
        'rolebinding',
        who,
        `--clusterrole=${role}`,
        `--user=${who}`,
      ])
      // The cluster's controller adds new rights to these roles a moment later.
      await waitFor(`the rights of ${role}`, async () => {
        const found = await allowed(kubernetes, who)
        if (found.join() !== rights.join()) throw new Error(found.join(' ') || 'none')
        return true
      })
      const onStatus = await allowed(kubernetes, who, '--subresource=status')
      if (onStatus.join() !== looking.join()) throw new Error(`${role} may ${onStatus.join(' ')} the status`)
    }
    return undefined
  })
}

/** The operator of one namespace may look nowhere else. */
export async function testNamespacedRights({ kubernetes }: Environment, report: Report): Promise<void> {
  await report.step('the operator may list ModelServices there, and in no other namespace', async () => {
    const mayList = async (...where: readonly string[]) => {
      const who = `system:serviceaccount:${operatorNamespace}:${deployment}`
      const question = ['auth', 'can-i', 'list', 'modelservices', ...where, '--as', who]
      return (await kubernetes.kubectl(question).catch(() => 'no')).trim() === 'yes'
    }
    if (!(await mayList('-n', modelsNamespace))) throw new Error('not even there')
    if (await mayList('--all-namespaces')) throw new Error('it may do so everywhere')
    return undefined
  })
}
