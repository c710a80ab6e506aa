import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { loadKubeConfig } from '../../src/kube/cluster.ts'
import { kubeconfigText, testDirectory, writeKubeconfig } from '../support/kubeconfig.ts'

const serverOf = (env: Record<string, string>) => loadKubeConfig(env).getCurrentCluster()?.server

async function homeWith(text: string): Promise<string> {
  const home = await testDirectory()
  await mkdir(join(home, '.kube'))
  await writeFile(join(home, '.kube', 'config'), text)
  return home
}

/** client-node reads these of the process itself. */
function inPod(): Record<string, string> {
  const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' }
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
  return env
}

describe('the Kubernetes configuration', () => {
  it('is that of KUBECONFIG before all others', async () => {
    const HOME = await homeWith(kubeconfigText({ server: 'https://home' }))
    const KUBECONFIG = await writeKubeconfig({ server: 'https://named' })
    expect(serverOf({ ...inPod(), HOME, KUBECONFIG })).toBe('https://named')
  })

  it("is the pod's where KUBECONFIG is not set", async () => {
    const HOME = await homeWith(kubeconfigText({ server: 'https://home' }))
    expect(serverOf({ ...inPod(), HOME })).toBe('https://10.0.0.1:443')
    expect(serverOf({ ...inPod(), HOME, KUBECONFIG: '' })).toBe('https://10.0.0.1:443')
  })

  it("is the user's where there is no other", async () => {
    expect(serverOf({ HOME: await homeWith(kubeconfigText({ server: 'https://home' })) })).toBe('https://home')
  })

  it('is taken from the environment it is given, not from that of the process', async () => {
    vi.stubEnv('KUBECONFIG', await writeKubeconfig({ server: 'https://process' }))
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(serverOf({ KUBECONFIG: await writeKubeconfig({ server: 'https://given' }) })).toBe('https://given')
  })

  it('joins several files, of which some may be missing; the first to name a context decides', async () => {
    const first = await writeKubeconfig({ name: 'one', server: 'https://one', currentContext: undefined })
    const second = await writeKubeconfig({ name: 'two', server: 'https://two', currentContext: 'one' })
    const third = await writeKubeconfig({ name: 'three', server: 'https://three' })
    expect(serverOf({ KUBECONFIG: ['/not/there', first, second, third].join(':') })).toBe('https://one')
  })

  it('names what was looked for where there is none', async () => {
    const HOME = await testDirectory()
    expect(() => loadKubeConfig({ HOME })).toThrow(`KUBECONFIG is not set, this is no pod, and ${HOME}/.kube/config`)
    expect(() => loadKubeConfig({ HOME, KUBECONFIG: '/not/there:/nor/there' })).toThrow('/not/there, /nor/there')
  })

  it('says that no context was chosen', async () => {
    const KUBECONFIG = await writeKubeconfig({ currentContext: undefined })
    expect(() => loadKubeConfig({ KUBECONFIG })).toThrow('set current-context')
  })

  it.each(['not a url', 'example.com:6443', 'ftp://example.com'])('says that %j is no server', async (server) => {
    const KUBECONFIG = await writeKubeconfig({ server })
    expect(() => loadKubeConfig({ KUBECONFIG })).toThrow('is no URL; it looks like https://host:6443')
  })

  it('names a file that it cannot read as YAML, and shows nothing of what stands there', async () => {
    const file = join(await testDirectory(), 'config')
    await writeFile(file, 'users:\n- name: a\n  user:\n    token: s3cret\n   wrong: [\n')
    const error = failureOf(() => loadKubeConfig({ KUBECONFIG: file }))
    expect(error.message).toContain(file)
    expect(`${error.stack} ${JSON.stringify(error, Object.getOwnPropertyNames(error))}`).not.toContain('s3cret')
  })
})

function failureOf(act: () => unknown): Error {
  try {
    act()
  } catch (error) {
    return error as Error
  }
  throw new Error('it worked')
}
