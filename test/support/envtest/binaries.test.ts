import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cacheDirectory, findBinaries } from './binaries.ts'

describe('findBinaries', () => {
  let home: string
  let assets: string
  let env: { HOME: string; XDG_CACHE_HOME: string; KUBEBUILDER_ASSETS?: string }

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'binaries-test-'))
    assets = join(home, 'assets')
    env = { HOME: home, XDG_CACHE_HOME: join(home, 'xdg') }
  })
  afterEach(() => rm(home, { recursive: true }))

  it('finds nothing where there is nothing', async () => {
    expect(await findBinaries(env)).toBeUndefined()
  })

  it('takes KUBEBUILDER_ASSETS before the cache', async () => {
    await fill(cacheDirectory(env))
    await fill(assets)
    expect(await findBinaries({ ...env, KUBEBUILDER_ASSETS: assets })).toEqual({
      etcd: join(assets, 'etcd'),
      apiserver: join(assets, 'kube-apiserver'),
      source: 'KUBEBUILDER_ASSETS',
    })
  })

  it('takes the cache when KUBEBUILDER_ASSETS is unset or empty', async () => {
    await fill(cacheDirectory(env))
    expect(await findBinaries(env)).toMatchObject({ source: 'cache' })
    expect(await findBinaries({ ...env, KUBEBUILDER_ASSETS: '' })).toMatchObject({ source: 'cache' })
  })

  it('does not replace a wrong KUBEBUILDER_ASSETS by the cache', async () => {
    await fill(cacheDirectory(env))
    await mkdir(assets)
    expect(await findBinaries({ ...env, KUBEBUILDER_ASSETS: assets })).toBeUndefined()
  })

  it('wants both, and both executable', async () => {
    await fill(assets)
    await chmod(join(assets, 'etcd'), 0o644)
    expect(await findBinaries({ ...env, KUBEBUILDER_ASSETS: assets })).toBeUndefined()
    await rm(join(assets, 'etcd'))
    expect(await findBinaries({ ...env, KUBEBUILDER_ASSETS: assets })).toBeUndefined()
  })

  it('keeps the cache below XDG_CACHE_HOME, else below the home directory', () => {
    expect(cacheDirectory({ HOME: '/h', XDG_CACHE_HOME: '/x' })).toMatch(/^\/x\/modelservice-operator\/envtest\/[^/]+$/)
    expect(cacheDirectory({ HOME: '/h' })).toMatch(/^\/h\/\.cache\/modelservice-operator\/envtest\/[^/]+$/)
  })
})

async function fill(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const name of ['etcd', 'kube-apiserver']) await writeFile(join(directory, name), '#!/bin/sh\n', { mode: 0o755 })
}
