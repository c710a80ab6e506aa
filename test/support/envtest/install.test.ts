import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { explain } from './go-command.ts'
import { goModFor, linkerFlags, programs } from './go-module.ts'

describe('npm run envtest', () => {
  let home: string

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'install-test-'))
  })
  afterEach(() => rm(home, { recursive: true }))

  const install = (env: Record<string, string>, ...args: string[]) => {
    const script = fileURLToPath(new URL('install.ts', import.meta.url))
    // PATH names an empty folder: whatever happens, no build starts.
    const clean = { HOME: home, PATH: home, ...env }
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { env: clean, encoding: 'utf8' })
    return { status, stdout, stderr }
  }

  it('says in one sentence what an empty KUBEBUILDER_ASSETS lacks', () => {
    const { status, stdout, stderr } = install({ KUBEBUILDER_ASSETS: home })
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(/^KUBEBUILDER_ASSETS names .*kube-apiserver and etcd are not there.*setup-envtest use.*\n$/)
  })

  it('says in one line where binaries are that are there already', async () => {
    for (const name of ['etcd', 'kube-apiserver']) await writeFile(join(home, name), '', { mode: 0o755 })
    const { status, stdout, stderr } = install({ KUBEBUILDER_ASSETS: home })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^ready \(KUBEBUILDER_ASSETS\): .*\n$/)
  })

  it('says without Go what to install, and leaves nothing half-built', async () => {
    const { status, stderr } = install({})
    expect(status).toBe(1)
    expect(stderr).toMatch(/^go is not installed: install Go [\d.]+ or newer, or set KUBEBUILDER_ASSETS.*\n$/)
    expect(await readdir(join(home, '.cache/modelservice-operator/envtest'))).toEqual([])
  })

  it('quotes a go that fails', async () => {
    const go = '#!/bin/sh\necho "go: downloading x v1" >&2\necho "go: x@v1: no route to the proxy" >&2\nexit 1\n'
    await mkdir(join(home, 'bin'))
    await writeFile(join(home, 'bin/go'), go, { mode: 0o755 })
    const { status, stderr } = install({ PATH: join(home, 'bin') })
    expect(status).toBe(1)
    expect(stderr).toMatch(/^the build failed \(go: x@v1: no route to the proxy\): .*\n$/)
  })

  it('explains itself, and refuses what it does not know', () => {
    expect(install({}, '--help')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('KUBEBUILDER_ASSETS') as string,
    })
    expect(install({}, '--force')).toMatchObject({ status: 1, stderr: expect.stringContaining('--force') as string })
  })
})

describe('explain', () => {
  it('names the Go version a build asks for', () => {
    const lines = ['go: go.mod requires go >= 1.26.0 (running go 1.24.1; GOTOOLCHAIN=local)']
    expect(explain(lines, '')).toMatch(/^this Go is too old: install Go 1\.26\.0 or newer/)
  })

  it('passes over progress and takes the first line with a reason', () => {
    const lines = ['go: downloading a v1', 'fmt', '# k8s.io/x', 'x/y.go:3:1: undefined: z', 'too many errors']
    expect(explain(lines, '')).toContain('(x/y.go:3:1: undefined: z)')
  })
})

describe('goModFor', () => {
  const published = {
    Go: '1.26.0',
    Require: [
      { Path: 'k8s.io/api', Version: 'v0.0.0' },
      { Path: 'k8s.io/klog/v2', Version: 'v2.140.0' },
    ],
  }

  it('gives staging modules the published version that belongs to the release', () => {
    const apiserver = programs.find(({ name }) => name === 'kube-apiserver')!
    const staging = apiserver.version.replace('v1.', 'v0.')
    expect(goModFor(apiserver, published)).toBe(
      `module envtest/kube-apiserver\n\ngo 1.26.0\n\nrequire k8s.io/kubernetes ${apiserver.version}\n\n` +
        `replace (\n\tk8s.io/api => k8s.io/api ${staging}\n)\n`,
    )
    expect(linkerFlags(apiserver)).toContain(`version.gitVersion=${apiserver.version}`)
  })

  it('replaces nothing in a module that requires published versions only', () => {
    const etcd = programs.find(({ name }) => name === 'etcd')!
    expect(goModFor(etcd, { ...published, Require: published.Require.slice(1) })).not.toContain('replace')
  })
})
