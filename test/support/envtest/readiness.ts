import { readFile } from 'node:fs/promises'
import type { Child } from './reaper.ts'
import { createRequest } from './request.ts'
import { waitFor } from './wait.ts'

/** A program that was started, and where it writes what it has to say. */
export interface Program {
  readonly child: Child
  readonly log: string
}

export interface Probe {
  readonly url: string
  /** Need not exist yet: kube-apiserver writes it before it listens. */
  readonly caFile: string
  readonly token: string
}

const startLimit = 60_000

/** Waits until kube-apiserver can be used. If that fails it is ended, and the error quotes the log that tells why. */
export async function waitUntilReady(apiserver: Program, etcd: Program, probe: Probe): Promise<void> {
  const ask = async () => {
    if (!etcd.child.running) throw new Error('etcd ended')
    if (!apiserver.child.running) throw new Error('kube-apiserver ended')
    return (await isReady(probe)) || undefined
  }
  try {
    await waitFor('kube-apiserver to be ready', ask, { limit: startLimit })
  } catch (error) {
    await apiserver.child.kill()
    const reason = error instanceof Error ? error.message : String(error)
    const { log } = etcd.child.running ? apiserver : etcd
    throw new Error(`${reason}; the end of its log:\n${await tail(log)}`, { cause: error })
  }
}

/** Ready means more than /readyz: the namespace "default" is made a moment later, and tests count on it. */
async function isReady({ url, caFile, token }: Probe): Promise<boolean> {
  try {
    const { request, close } = createRequest({ url, ca: await readFile(caFile, 'utf8') }, { token })
    try {
      if ((await request('GET', '/readyz')).status !== 200) return false
      return (await request('GET', '/api/v1/namespaces/default')).status === 200
    } finally {
      close()
    }
  } catch {
    return false
  }
}

async function tail(log: string): Promise<string> {
  return (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-15).join('\n')
}
