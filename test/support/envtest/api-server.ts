import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { type ApiServerAccess, openAccess } from './access.ts'
import { type Binaries, findBinaries, skipReason } from './binaries.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { apiServerArgs, etcdArgs } from './programs.ts'
import { type Reaper, startReaper } from './reaper.ts'
import { type Program, waitUntilReady } from './readiness.ts'
import { createRunDirectory, runFiles } from './run-directory.ts'

export interface TestApiServer extends ApiServerAccess {
  /** Holds all files of the run, logs included; goes with close(). */
  readonly directory: string
  readonly pids: { readonly etcd: number; readonly apiserver: number }
  /**
   * An outage: kube-apiserver goes at once, as by SIGKILL, and its connections break; etcd keeps the data. (After a
   * SIGTERM it refuses new connections but lingers for a minute while a watch is open: `kill('SIGTERM')`.)
   */
  stop(): Promise<void>
  /** Ends the outage: resolves when it is ready at the same URL with the same data. A running one is waited for only. */
  start(): Promise<void>
  /** Sends kube-apiserver a signal and waits for nothing; SIGSTOP makes a server that hangs, until SIGCONT. */
  kill(signal: NodeJS.Signals): void
  /** Ends both programs and removes the directory. They end with this process in any case. */
  close(): Promise<void>
}

export interface TestApiServerOptions {
  /** By default those that findBinaries finds. */
  readonly binaries?: Pick<Binaries, 'etcd' | 'apiserver'>
  /** Further flags of kube-apiserver; a repeated one overrides. */
  readonly extraArgs?: readonly string[]
  /** By default a free one. */
  readonly port?: number
}

const portTries = 5

/** Starts a kube-apiserver with an etcd of its own, ready to use: about 4 s, about 300 MB of memory. */
export async function startTestApiServer(options: TestApiServerOptions = {}): Promise<TestApiServer> {
  const binaries = options.binaries ?? (await findBinaries(process.env))
  if (binaries === undefined) throw new Error(skipReason)
  const directory = await createRunDirectory()
  const reaper = await startReaper(directory)
  try {
    return await startIn(directory, reaper, binaries, options)
  } catch (error) {
    await reaper.close()
    throw error
  }
}

async function startIn(
  directory: string,
  reaper: Reaper,
  binaries: Pick<Binaries, 'etcd' | 'apiserver'>,
  options: TestApiServerOptions,
): Promise<TestApiServer> {
  const files = runFiles(directory)
  const token = await readFile(files.adminToken, 'utf8')
  const etcd = { child: await reaper.spawn(binaries.etcd, etcdArgs(files), files.etcdLog), log: files.etcdLog }
  let starts = 0

  const launch = async (port: number): Promise<Program> => {
    const log = files.apiServerLog((starts += 1))
    const args = [...apiServerArgs(files, port), ...(options.extraArgs ?? [])]
    return { child: await reaper.spawn(binaries.apiserver, args, log), log }
  }
  const probeAt = (port: number) => ({ url: urlOf(port), caFile: files.serverCertificate, token })

  const launchSomewhere = async (): Promise<{ launched: Program; port: number }> => {
    for (let tries = 1; ; tries += 1) {
      const port = options.port ?? (await freePort())
      const launched = await launch(port)
      try {
        await waitUntilReady(launched, etcd, probeAt(port))
        return { launched, port }
      } catch (error) {
        const isClash = error instanceof Error && error.message.includes('address already in use')
        if (!isClash || options.port !== undefined || tries === portTries) throw error
      }
    }
  }

  const { launched, port } = await launchSomewhere()
  let apiserver = launched
  const url = urlOf(port)
  const ca = await readFile(files.serverCertificate, 'utf8')
  await writeKubeconfig(files.adminKubeconfig, { url, ca }, { name: 'admin', credentials: { token } })
  const { closeConnections, ...access } = await openAccess({ url, directory })

  return {
    ...access,
    directory,
    get pids() {
      return { etcd: etcd.child.pid, apiserver: apiserver.child.pid }
    },
    stop: () => apiserver.child.kill(),
    async start() {
      if (!apiserver.child.running) apiserver = await launch(port)
      await waitUntilReady(apiserver, etcd, probeAt(port))
    },
    kill: (signal) => apiserver.child.signal(signal),
    async close() {
      closeConnections()
      await reaper.close()
    },
  }
}

/** Free at the moment of asking; somebody else may take it before kube-apiserver does. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return address.port
}

function urlOf(port: number): string {
  return `https://127.0.0.1:${port}`
}
