/** Whether a cluster is as the operator needs it, and whether one operator serves it. */
import { isDeepStrictEqual } from 'node:util'
import { customResourceDefinition } from '../../api/crd.ts'
import { isMap } from '../../api/json.ts'
import { statusOf, type StoredModelService } from '../../api/modelservice.ts'
import { group, kind, plural, version } from '../../api/names.ts'
import { conditionOf } from '../../decide/conditions.ts'
import { ApiError } from '../../kube/cluster.ts'
import { apiErrorText } from '../api-error-text.ts'
import { ageOf } from '../duration.ts'
import { keyOf, listModelServices, type KubernetesAccess } from '../kubernetes-access.ts'
import { plural as counted } from '../plan/text.ts'
import { ok, problem, unknown, type Finding } from './finding.ts'
import { operatorRights, type Right } from './rights.ts'

export type KubernetesChecks = {
  readonly kubernetes: KubernetesAccess
  /** Where the operator runs, and the name of its service account and of its lease. */
  readonly operatorNamespace: string
  readonly serviceAccount: string
  readonly leaseName: string
  /** Where the operator watches objects; everywhere when empty. */
  readonly watchNamespaces: readonly string[]
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly signal: AbortSignal
}

/** An object that is new may not have been looked at yet. */
const newMs = 60_000

export async function* checkKubernetes(checks: KubernetesChecks): AsyncGenerator<Finding> {
  const { kubernetes } = checks
  const answer = await get(checks, '/version')
  if (!answer.ok) {
    yield problem(`no API server at ${kubernetes.cluster.server}: ${answer.message}`, 'Check kubeconfig and context.')
    return
  }
  yield ok(`Kubernetes ${textAt(answer.body, 'gitVersion')} answers at ${kubernetes.cluster.server}`)
  yield await checkCrd(checks)
  yield* checkRights(checks)
  yield* checkLeader(checks)
  yield* checkObjects(checks)
}

async function checkCrd(checks: KubernetesChecks): Promise<Finding> {
  const install = 'Install the CRD of this version: kubectl apply --server-side -f crds/.'
  const answer = await get(checks, `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${group}`)
  if (!answer.ok && answer.status === 404) return problem(`the resource ${plural}.${group} is not installed`, install)
  if (!answer.ok) {
    const served = await get(checks, `/apis/${group}/${version}`)
    return served.ok
      ? unknown(`${kind} is installed; its version could not be compared: ${answer.message}`)
      : problem(`the resource ${plural}.${group} is not served: ${served.message}`, install)
  }
  return isDeepStrictEqual(schemaOf(answer.body), schemaOf(customResourceDefinition()))
    ? ok(`the CRD of ${kind} is that of this version`)
    : problem(`the CRD of ${kind} is that of another version`, install)
}

/** What tells versions apart: the API server fills in the rest. */
function schemaOf(crd: unknown): unknown {
  const spec = isMap(crd) && isMap(crd.spec) ? crd.spec : {}
  const versions: readonly unknown[] = Array.isArray(spec.versions) ? spec.versions : []
  return versions.map((one) => (isMap(one) ? [one.name, one.schema] : one))
}

async function* checkRights(checks: KubernetesChecks): AsyncGenerator<Finding> {
  const { operatorNamespace, serviceAccount, leaseName, watchNamespaces } = checks
  const user = `system:serviceaccount:${operatorNamespace}:${serviceAccount}`
  const missing: string[] = []
  const watched = watchNamespaces.length === 0 ? [undefined] : watchNamespaces
  const asked = operatorRights(leaseName).flatMap((right) => {
    const places = right.isOwnNamespace ? [operatorNamespace] : watched
    return places.flatMap((namespace) => right.verbs.map((verb) => ({ right, verb, namespace })))
  })
  for (const { right, verb, namespace } of asked) {
    const allowed = await mayDo(checks, user, right, verb, namespace)
    if (typeof allowed === 'string') {
      yield unknown(
        `the rights of ${user} could not be asked for: ${allowed}`,
        'Ask with the rights of an administrator.',
      )
      return
    }
    if (!allowed)
      missing.push(
        `${verb} ${right.resource}${right.subresource === undefined ? '' : `/${right.subresource}`}${namespace === undefined ? '' : ` in ${namespace}`}`,
      )
  }
  yield missing.length === 0
    ? ok(`${user} has the rights that the operator needs`)
    : problem(
        `${user} may not ${missing.join(', ')}`,
        'Apply deploy/base/rbac.yaml or the chart; --operator-namespace and --service-account name another account, --watch-namespaces the namespaces of one that watches these alone.',
      )
}

/** Whether the account may, or why nobody tells. Of itself, each account may ask. */
async function mayDo(
  checks: KubernetesChecks,
  user: string,
  right: Right,
  verb: string,
  namespace: string | undefined,
): Promise<boolean | string> {
  const { kubernetes, operatorNamespace, signal } = checks
  const { group: apiGroup, resource, subresource, name } = right
  const resourceAttributes = {
    ...{ group: apiGroup, resource, verb },
    ...(subresource !== undefined && { subresource }),
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
  }
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${operatorNamespace}`, 'system:authenticated'],
      resourceAttributes,
    },
  }
  const ask = async (reviews: string, review: object) => {
    const path = `/apis/authorization.k8s.io/v1/${reviews}`
    const answer = await kubernetes.cluster.send({ method: 'POST', path, body: review }, signal)
    return isMap(answer) && isMap(answer.status) && answer.status.allowed === true
  }
  try {
    return await ask('subjectaccessreviews', body)
  } catch (error) {
    if (!(error instanceof ApiError) || userIn(error.message) !== user) return apiErrorText(error)
  }
  try {
    return await ask('selfsubjectaccessreviews', {
      ...body,
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes },
    })
  } catch (error) {
    return apiErrorText(error)
  }
}

/** Whom the API server names in a refusal: who asks. */
const userIn = (message: string) => /User "([^"]*)" cannot /.exec(message)?.[1]

type Lease = {
  readonly metadata: { readonly namespace: string }
  readonly spec?: {
    readonly holderIdentity?: string
    readonly renewTime?: string
    readonly leaseDurationSeconds?: number
  }
}

async function* checkLeader(checks: KubernetesChecks): AsyncGenerator<Finding> {
  const { operatorNamespace, leaseName, now } = checks
  const query = new URLSearchParams({ fieldSelector: `metadata.name=${leaseName}` }).toString()
  const everywhere = await get(checks, `/apis/coordination.k8s.io/v1/leases?${query}`)
  const own = `/apis/coordination.k8s.io/v1/namespaces/${operatorNamespace}/leases`
  const here = everywhere.ok ? everywhere : await get(checks, `${own}?${query}`)
  // The operator itself may get its lease, and list none.
  const answer = here.ok ? here : await get(checks, `${own}/${leaseName}`)
  if (!answer.ok && answer.status !== 404) {
    yield unknown(`who leads could not be read: ${answer.message}`)
    return
  }
  const body: unknown = answer.ok ? answer.body : undefined
  const leases = (answer.ok ? (isMap(body) && Array.isArray(body.items) ? body.items : [body]) : []) as readonly Lease[]
  const held = leases.filter(({ spec }) => {
    const age = now - Date.parse(spec?.renewTime ?? '')
    return spec?.holderIdentity && age < 1000 * (spec.leaseDurationSeconds ?? 0)
  })
  const leader = held.find(({ metadata }) => metadata.namespace === operatorNamespace)
  if (leader) {
    const age = ageOf(now - Date.parse(leader.spec?.renewTime ?? ''))
    yield ok(`${leader.spec?.holderIdentity ?? ''} leads in ${operatorNamespace}; it renewed its lease ${age} ago`)
  } else
    yield problem(
      `no operator leads in ${operatorNamespace}`,
      'Look at its pods and their log. One that runs with LEADER_ELECTION=false has no lease.',
    )
  const others = held.filter((lease) => lease !== leader).map(({ metadata }) => metadata.namespace)
  if (others.length > 0)
    yield problem(
      `operators lead in ${others.join(', ')} too`,
      'Give each its own objects, with WATCH_NAMESPACES or WATCH_LABEL_SELECTOR, or remove one: two that watch the same objects write over each other.',
    )
}

async function* checkObjects(checks: KubernetesChecks): AsyncGenerator<Finding> {
  const { now } = checks
  let objects: readonly StoredModelService[]
  try {
    objects = await listWatched(checks)
  } catch (error) {
    yield unknown(`the ModelServices that the operator watches could not be listed: ${apiErrorText(error)}`)
    return
  }
  const isOld = ({ metadata }: StoredModelService) => now - Date.parse(metadata.creationTimestamp) > newMs
  const unserved = objects.filter((object) => isOld(object) && !conditionOf(statusOf(object), 'Ready'))
  yield unserved.length === 0
    ? ok(`an operator has looked at all ${counted(objects.length, 'object')}`)
    : problem(
        `nobody serves ${some(unserved.map(keyOf))}`,
        'See whether an operator runs, and whether WATCH_NAMESPACES and WATCH_LABEL_SELECTOR leave these out.',
      )
  const wrong = objects.filter((object) => conditionOf(statusOf(object), 'Stalled'))
  if (wrong.length > 0)
    yield problem(`${counted(wrong.length, 'object')} will not get well by themselves`, 'The command status says why.')
  const events = await get(
    checks,
    `/api/v1/events?${new URLSearchParams({ fieldSelector: 'reason=ForeignStatus' }).toString()}`,
  )
  if (!events.ok) return
  const told = (isMap(events.body) && Array.isArray(events.body.items) ? events.body.items : []) as readonly {
    readonly involvedObject?: { readonly namespace?: string; readonly name?: string }
  }[]
  const named = new Set(
    told.map(({ involvedObject }) => `${involvedObject?.namespace ?? ''}/${involvedObject?.name ?? ''}`),
  )
  if (named.size > 0)
    yield problem(
      `somebody else writes the status of ${some([...named])}`,
      'Look for a second operator that watches them; metadata.managedFields names who writes.',
    )
}

async function listWatched({
  kubernetes,
  watchNamespaces,
  signal,
}: KubernetesChecks): Promise<readonly StoredModelService[]> {
  if (watchNamespaces.length === 0) return listModelServices(kubernetes, { allNamespaces: true }, signal)
  const lists = watchNamespaces.map((namespace) => listModelServices({ ...kubernetes, namespace }, {}, signal))
  return (await Promise.all(lists)).flat()
}

const some = (names: readonly string[]) =>
  names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')

function textAt(body: unknown, key: string): string {
  const value = isMap(body) ? body[key] : undefined
  return typeof value === 'string' ? value : ''
}

type Answer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly status: number; readonly message: string }

async function get({ kubernetes, signal }: KubernetesChecks, path: string): Promise<Answer> {
  try {
    return { ok: true, body: await kubernetes.cluster.send({ method: 'GET', path }, signal) }
  } catch (error) {
    return { ok: false, status: error instanceof ApiError ? error.status : 0, message: apiErrorText(error) }
  }
}
