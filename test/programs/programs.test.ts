import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

type Ended = { readonly code: number; readonly out: string; readonly err: string; readonly left: readonly string[] }

/** A program as a person runs it, with a folder for temporary files of its own; what it left there counts too. */
async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const temporary = await mkdtemp(join(tmpdir(), 'program-'))
  onTestFinished(() => rm(temporary, { recursive: true }))
  const file = new URL(program, import.meta.url).pathname
  const { code, out, err } = await new Promise<Omit<Ended, 'left'>>((resolve) => {
    execFile(
      process.execPath,
      [file, ...args],
      { env: { ...process.env, TMPDIR: temporary, ...env } },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
  return { code, out, err, left: await readdir(temporary) }
}

it.each(['bench/bench.ts', 'cluster/e2e.ts', 'zstack-sim/zstack-sim.ts', 'demo/demo.ts', 'simulate.ts'])(
  '%s --help prints what it takes, and ends in 0',
  async (program) => {
    const { code, out, err } = await run(program, ['--help'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('npm run ')
  },
)

it('the bench refuses what it does not know, and measures nothing', async () => {
  const { code, out, err } = await run('bench/bench.ts', ['--only', 'nothing'])
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toMatch(/^there is no section nothing; there are /)
})

it('the picture without a Prometheus server says so in one line, and leaves nothing behind', async () => {
  const ended = await run('picture/picture.ts', [], { PROMETHEUS: '/nowhere/prometheus' })
  expect(ended).toEqual({
    code: 1,
    out: '',
    err: expect.stringMatching(
      /^no Prometheus server answers as "\/nowhere\/prometheus": .*PROMETHEUS.*\n$/,
    ) as unknown,
    left: [],
  })
})
