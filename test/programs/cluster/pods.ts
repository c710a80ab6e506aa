/** The operator's pods: when they became ready, and what they are from inside. */
import type { Kubernetes, KubeObject } from './kubernetes.ts'
import { operatorNamespace, paths } from './names.ts'
import { inSeconds, waitFor } from './wait.ts'

type Pod = KubeObject & {
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses?: readonly { readonly restartCount: number }[]
  }
}

/** When a pod's /readyz first said yes, and when Kubernetes called the pod Ready; by Date.now(). */
export type PodStart = { readonly pod: string; readonly readyz: number; readonly ready: number }

export async function pods(kubernetes: Kubernetes): Promise<Pod[]> {
  const { items = [] } = (await kubernetes.get<{ items: Pod[] }>(paths.pods)) ?? {}
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
}

export const restartsOf = (those: readonly Pod[]) =>
  those.flatMap(({ status }) => status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0)

/** Looks from now on until so many pods are Ready. */
export async function watchPodStarts(kubernetes: Kubernetes, count: number): Promise<PodStart[]> {
  const readyz = new Map<string, number>()
  const ready = new Map<string, number>()
  const note = (times: Map<string, number>, pod: string) => times.has(pod) || times.set(pod, Date.now())
  const look = async () => {
    const seen = await pods(kubernetes).catch(() => [])
    await Promise.all(
      seen.map(async ({ metadata: { name }, status }) => {
        if (isReady(status)) note(ready, name)
        if (readyz.has(name)) return
        // A pod without an address yet, or a process that does not listen yet, is an error of the API.
        const answer = await kubernetes.page(operatorNamespace, name, 8081, '/readyz').catch(() => 0)
        if (answer === 200) note(readyz, name)
      }),
    )
    return ready.size >= count && readyz.size >= count ? true : undefined
  }
  await waitFor(`${count} pods to be Ready`, look, { seconds: 180, everyMs: 40 })
  return Array.from(ready, ([pod, at]) => ({ pod, ready: at, readyz: readyz.get(pod) ?? at }))
}

function isReady({ conditions = [] }: Pod['status']): boolean {
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

/** What the process of a pod is; `startedAt` by the clock of its node. */
export type ContainerState = {
  readonly startedAt: number
  readonly uid: number
  readonly canWrite: boolean
  readonly programs: readonly string[]
}

/** How long a pod took from the start of its process, in words. */
export async function startOf(kubernetes: Kubernetes, { pod, readyz, ready }: PodStart): Promise<string> {
  const { startedAt } = await inspectContainer(kubernetes, pod)
  return `/readyz after ${inSeconds(readyz - startedAt)}, pod Ready after ${inSeconds(ready - startedAt)}`
}

/** Runs in the container, with the Node that is there. */
const look = `
const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const words = (file) => readFileSync(file, 'utf8').replace(/.*[)] /s, '').split(' ')
const ageMs = (Number(words('/proc/uptime')[0]) - Number(words('/proc/1/stat')[19]) / 100) * 1000
let canWrite = true
try { writeFileSync('/app/probe', '') } catch { canWrite = false }
const programs = ['/bin/sh', '/bin/bash', '/bin/busybox', '/usr/bin/npm', '/usr/local/bin/npm', '/usr/bin/apt'].filter(existsSync)
console.log(JSON.stringify({ startedAt: Date.now() - ageMs, uid: process.getuid(), canWrite, programs }))`

export async function inspectContainer(kubernetes: Kubernetes, pod: string): Promise<ContainerState> {
  return JSON.parse(
    await kubernetes.kubectl(['-n', operatorNamespace, 'exec', pod, '--', '/nodejs/bin/node', '-e', look]),
  ) as ContainerState
}
