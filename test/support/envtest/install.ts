import { stat } from 'node:fs/promises'
import { type Environment, binariesIn, cacheDirectory, findBinaries, missingIn } from './binaries.ts'
import { buildBinaries } from './build.ts'
import { InstallError, otherWays } from './go-command.ts'
import { runInstaller } from './install-program.ts'
import { startProgress } from './progress.ts'
import { etcdVersion, goVersion, kubernetesVersion } from './versions.ts'

const help = `npm run envtest

Provides kube-apiserver ${kubernetesVersion} and etcd ${etcdVersion} for the tests that need a real API server.
The first of these that has both is used:
  1. the folder named by KUBEBUILDER_ASSETS (setup-envtest use 1.36.x -p path names one)
  2. the cache, \${XDG_CACHE_HOME:-~/.cache}/modelservice-operator/envtest
  3. a build from Go modules into that cache: needs Go ${goVersion} or newer, a Go module proxy,
     5 to 10 minutes on two cores, and 3 GB for Go's own caches
Where there is nothing, those tests are skipped; everything else runs without.
`

/** Makes both binaries available and says where they are. Resolves with the exit code. */
async function install(args: readonly string[], env: Environment, signal: AbortSignal): Promise<number> {
  if (args.length > 0) {
    const isHelp = args.every((arg) => arg === '--help' || arg === '-h')
    process[isHelp ? 'stdout' : 'stderr'].write(
      isHelp ? help : `unknown: ${args.join(' ')} (--help tells what it does)\n`,
    )
    return isHelp ? 0 : 1
  }
  const assets = env.KUBEBUILDER_ASSETS ?? ''
  const missing = assets === '' ? [] : await missingIn(assets)
  if (missing.length > 0) {
    const what = `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not there or not executable`
    throw new InstallError(`KUBEBUILDER_ASSETS names ${assets}, but ${what}: unset it, ${otherWays}`)
  }
  const found = await findBinaries(env)
  if (found !== undefined) {
    console.log(`ready (${found.source}): ${found.apiserver} ${found.etcd}`)
    return 0
  }
  const directory = cacheDirectory(env)
  const started = performance.now()
  const progress = startProgress(process.stdout)
  try {
    await buildBinaries({ directory, env, signal, progress })
    progress.end('done')
  } catch (error) {
    progress.end('failed')
    throw error
  }
  for (const file of Object.values(binariesIn(directory))) {
    console.log(`${file} (${Math.round((await stat(file)).size / 1e6)} MB)`)
  }
  console.log(`built in ${Math.round((performance.now() - started) / 1000)} s`)
  return 0
}

await runInstaller(install)
