import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cachedTool, findTool, toolMissing } from './tools.ts'

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'tools-test-'))
})
afterEach(() => rm(home, { recursive: true }))

async function program(file: string, text = '#!/bin/sh\n'): Promise<string> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text, { mode: 0o755 })
  return file
}

describe('findTool', () => {
  it('finds nothing where there is nothing', async () => {
    expect(await findTool('helm', { HOME: home, PATH: home })).toBeUndefined()
  })

  it('takes the variable before the cache, and the cache before PATH', async () => {
    const onPath = await program(join(home, 'bin/helm'))
    const env = { HOME: home, PATH: join(home, 'bin') }
    expect(await findTool('helm', env)).toBe(onPath)
    const cached = await program(await cachedTool('helm', env))
    expect(await findTool('helm', env)).toBe(cached)
    const mine = await program(join(home, 'mine'))
    expect(await findTool('helm', { ...env, HELM: mine })).toBe(mine)
  })

  it('does not replace a variable that names nothing by another place', async () => {
    await program(join(home, 'bin/promtool'))
    const env = { HOME: home, PATH: join(home, 'bin'), PROMTOOL: join(home, 'gone') }
    expect(await findTool('promtool', env)).toBeUndefined()
  })

  it('does not take just any lua from PATH: it is a program of this repository', async () => {
    await program(join(home, 'bin/lua'))
    expect(await findTool('lua', { HOME: home, PATH: join(home, 'bin') })).toBeUndefined()
    const mine = await program(join(home, 'mine'))
    expect(await findTool('lua', { HOME: home, LUA_RUNNER: mine })).toBe(mine)
  })

  it('names the cure where a tool is missing', () => {
    expect(toolMissing('lua')).toBe('no lua found: run "npm run tools" once, or set LUA_RUNNER')
  })
})

describe('npm run tools', () => {
  const install = (env: Record<string, string>, ...args: string[]) => {
    const script = fileURLToPath(new URL('install.ts', import.meta.url))
    // PATH names an empty folder: whatever happens, no build starts.
    const clean = { HOME: home, PATH: home, ...env }
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { env: clean, encoding: 'utf8' })
    return { status, stdout, stderr }
  }

  it('says in one line where a tool is that is there already', async () => {
    const mine = await program(join(home, 'mine'))
    expect(install({ HELM: mine }, 'helm')).toEqual({ status: 0, stdout: `ready: ${mine}\n`, stderr: '' })
  })

  it('says in one sentence that a variable names nothing', () => {
    expect(install({ HELM: '/gone/helm' }, 'helm')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'HELM names /gone/helm, which is not there or not executable\n',
    })
  })

  it('says without Go what to install, and leaves nothing half-built', async () => {
    const { status, stderr } = install({}, 'promtool')
    expect(status).toBe(1)
    expect(stderr).toMatch(/^go is not installed: install Go [\d.]+ or newer, or set PROMTOOL to the path of one\n$/)
    expect(await readdir(join(home, '.cache/modelservice-operator/tools'))).toEqual([])
  })

  it('quotes a go that fails', async () => {
    await program(join(home, 'bin/go'), '#!/bin/sh\necho "go: x@v1: no route to the proxy" >&2\nexit 1\n')
    const { status, stderr } = install({ PATH: join(home, 'bin') }, 'helm')
    expect(status).toBe(1)
    expect(stderr).toMatch(/^the build failed \(go: x@v1: no route to the proxy\): .* set HELM to the path of one\n$/)
  })

  it('keeps what go built, and does not build it again', async () => {
    // Stands in for go: "list" prints a package, "build" writes the program behind -o.
    const find = 'while [ "$1" != -o ]; do shift; done'
    await program(
      join(home, 'bin/go'),
      `#!/bin/sh\n[ "$1" = list ] && exit\n${find}\necho built > "$2"\nchmod +x "$2"\n`,
    )
    const env = { PATH: `${join(home, 'bin')}:/usr/bin:/bin` }
    expect(install(env, 'helm')).toMatchObject({ status: 0, stdout: expect.stringContaining('built in') as string })
    const cached = await cachedTool('helm', { HOME: home })
    expect(install({}, 'helm')).toMatchObject({ status: 0, stdout: `ready: ${cached}\n` })
  })

  it('explains itself, and refuses what it does not know', () => {
    expect(install({}, '--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('PROMTOOL') as string })
    expect(install({}, 'kubectl')).toMatchObject({ status: 1, stderr: expect.stringContaining('kubectl') as string })
  })
})
