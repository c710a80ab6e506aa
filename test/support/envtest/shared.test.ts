import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { findBinaries, skipReason } from './binaries.ts'
import globalSetup, { type Offer, apiServerMissing, sharedApiServer, testNamespace } from './shared.ts'

const binaries = await findBinaries(process.env)

/** Runs the setup as vitest does and returns what test files would be given. */
async function setUp(
  env: Record<string, string | undefined>,
): Promise<{ offer: Offer; tearDown: () => Promise<void> }> {
  const offers: Offer[] = []
  const tearDown = await globalSetup({ provide: (_, offer) => offers.push(offer) }, env)
  return { offer: offers[0]!, tearDown }
}

describe('globalSetup', () => {
  it('says in one line why tests are skipped when there are no binaries', async () => {
    const home = await mkdtemp(join(tmpdir(), 'shared-test-'))
    onTestFinished(() => rm(home, { recursive: true }))
    const log = vi.spyOn(console, 'log').mockReturnValue()
    onTestFinished(() => log.mockRestore())

    const { offer, tearDown } = await setUp({ XDG_CACHE_HOME: home })
    expect(log.mock.calls).toEqual([[`tests of the real API server are skipped: ${skipReason}`]])
    expect(apiServerMissing(offer)).toBe(skipReason)
    await expect(sharedApiServer(offer)).rejects.toThrow(skipReason)
    await tearDown()
  })

  it.skipIf(binaries === undefined)('gives one server to all who ask, and ends it with the run', async () => {
    const { offer, tearDown } = await setUp(process.env)
    expect(apiServerMissing(offer)).toBeUndefined()

    const [one, other] = await Promise.all([sharedApiServer(offer), sharedApiServer(offer)])
    expect(other.url).toBe(one.url)
    const namespace = await testNamespace(one)
    expect(await testNamespace(other)).not.toBe(namespace)
    expect(await other.request('GET', `/api/v1/namespaces/${namespace}`)).toMatchObject({ status: 200 })

    await tearDown()
    await expect(one.request('GET', '/readyz')).rejects.toThrow()
    expect(existsSync(dirname(one.adminKubeconfig))).toBe(false)
  })

  it('starts nothing before somebody asks, and tells who asks why a start failed', async () => {
    const assets = await mkdtemp(join(tmpdir(), 'shared-test-'))
    onTestFinished(() => rm(assets, { recursive: true }))
    const program = '#!/bin/sh\ntouch "$0.started"\necho cannot go on\n'
    for (const name of ['etcd', 'kube-apiserver']) await writeFile(join(assets, name), program, { mode: 0o755 })

    const { offer, tearDown } = await setUp({ KUBEBUILDER_ASSETS: assets })
    expect(await readdir(assets)).toEqual(['etcd', 'kube-apiserver'])
    await expect(sharedApiServer(offer)).rejects.toThrow(/did not start: .* ended; the end of its log:\ncannot go on/)
    expect(await readdir(assets)).toContain('etcd.started')
    await tearDown()
  })
})
