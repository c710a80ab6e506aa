import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startReaper } from './reaper.ts'

describe('startReaper', () => {
  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'reaper-test-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  it('keeps what a program writes in its log', async () => {
    const reaper = await startReaper(directory)
    const log = join(directory, 'log')
    const child = await reaper.spawn('/bin/sh', ['-c', 'echo out; echo err >&2'], log)
    await expect.poll(() => child.running).toBe(false)
    expect(await readFile(log, 'utf8')).toBe('out\nerr\n')
    await reaper.close()
  })

  it('refuses what cannot be executed', async () => {
    const reaper = await startReaper(directory)
    await expect(reaper.spawn(join(directory, 'nothing'), [], join(directory, 'log'))).rejects.toThrow('ENOENT')
    await reaper.close()
  })

  it('ends every program when it is closed, also one that ignores signals, and removes the directory', async () => {
    const reaper = await startReaper(directory)
    const log = join(directory, 'log')
    const obedient = await reaper.spawn('sleep', ['600'], log)
    const stubborn = await reaper.spawn('/bin/sh', ['-c', 'trap "" TERM INT; exec sleep 600'], log)
    await reaper.close()
    expect([obedient.running, stubborn.running, existsSync(directory)]).toEqual([false, false, false])
  })

  it('ends them also when the process that started them is killed', async () => {
    const module = JSON.stringify(new URL('reaper.ts', import.meta.url).href)
    const [dir, log] = [directory, join(directory, 'log')].map((path) => JSON.stringify(path))
    const parent = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `const reaper = await (await import(${module})).startReaper(${dir ?? ''})
         console.log((await reaper.spawn('sleep', ['600'], ${log ?? ''})).pid)
         setInterval(() => {}, 1000)`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
    const pid = Number(line)
    expect(isAlive(pid)).toBe(true)
    parent.kill('SIGKILL')
    await expect.poll(() => isAlive(pid), { timeout: 5000 }).toBe(false)
    await expect.poll(() => existsSync(directory), { timeout: 5000 }).toBe(false)
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
