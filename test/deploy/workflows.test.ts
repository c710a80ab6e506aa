import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

type Step = { readonly uses?: string; readonly run?: string; readonly with?: Readonly<Record<string, unknown>> }
type Job = {
  readonly uses?: string
  readonly steps?: readonly Step[]
  readonly permissions?: Readonly<Record<string, string>>
  readonly 'timeout-minutes'?: number
}
type Workflow = {
  readonly permissions?: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

const folder = new URL('../../.github/workflows/', import.meta.url)
const workflows = readdirSync(folder).map((file): [string, string, Workflow] => {
  const text = readFileSync(new URL(file, folder), 'utf8')
  return [file, text, parse(text) as Workflow]
})

describe.each(workflows)('%s', (_, text, { permissions, jobs }) => {
  it('names each action of others by commit, with its version beside it', () => {
    const lines = text.split('\n').filter((line) => /\buses: (?!\.\/)/.test(line))
    expect(lines.filter((line) => !/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([])
  })

  it('may do nothing but read, where a job does not say more', () => {
    expect(permissions).toEqual({ contents: 'read' })
  })

  it('puts no text from outside into a shell', () => {
    const scripts = Object.values(jobs).flatMap(({ steps = [] }) => steps.flatMap(({ run }) => run ?? []))
    expect(scripts.filter((script) => script.includes('${{'))).toEqual([])
  })

  it('ends each job in bounded time', () => {
    const unbounded = Object.entries(jobs).filter(([, job]) => !job.uses && job['timeout-minutes'] === undefined)
    expect(unbounded.map(([name]) => name)).toEqual([])
  })
})

describe('a release', () => {
  const { jobs } = workflows.find(([file]) => file === 'release.yml')![2]

  it('publishes only what passed .ci/run and the cluster', () => {
    const ci = workflows.find(([file]) => file === 'ci.yml')![2]
    const commands = Object.values(ci.jobs).flatMap(({ steps = [] }) => steps.map(({ run }) => run ?? ''))
    expect(commands).toContainEqual('.ci/run')
    expect(commands).toContainEqual(expect.stringMatching(/^npm run e2e:cluster /))
    expect(jobs.check?.uses).toBe('./.github/workflows/ci.yml')
    expect(jobs).toMatchObject({ image: { needs: ['version', 'check'] }, chart: { needs: ['version', 'image'] } })
  })

  it.each(['image', 'chart'])('attests the %s that it has pushed, by its digest, in the registry', (name) => {
    const { steps = [], permissions } = jobs[name]!
    const attested = steps.filter(({ uses }) => uses?.startsWith('actions/attest@') === true)
    const subject = name === 'image' ? /\}\/modelservice-operator$/ : /\}\/charts\/modelservice-operator$/
    expect(attested).not.toEqual([])
    for (const step of attested)
      expect(step.with).toMatchObject({
        'subject-name': expect.stringMatching(subject) as unknown,
        'subject-digest': '${{ steps.push.outputs.digest }}',
        'push-to-registry': true,
      })
    expect(permissions).toMatchObject({ 'id-token': 'write', attestations: 'write', packages: 'write' })
  })

  it('lets no job write to the repository', () => {
    const writers = Object.entries(jobs).filter(([, job]) => job.permissions?.contents === 'write')
    expect(writers).toEqual([])
  })
})
