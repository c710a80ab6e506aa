import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { objectNames } from '../../src/cli/import/names.ts'
import { quantityOf } from '../../src/cli/import/quantity.ts'
import { environmentOf, runCommand } from '../support/cli.ts'
import { startZStackSimulator, type ModelServiceInventory, type ZStackSimulator } from '../support/zstack/simulator.ts'

const [one, two, three] = ['a1'.repeat(16), 'a2'.repeat(16), 'a3'.repeat(16)]

let zstack: ZStackSimulator
let directory: string
beforeEach(async () => {
  zstack = await startZStackSimulator()
  directory = await mkdtemp(join(tmpdir(), 'import-'))
})
afterEach(async () => {
  await zstack.close()
  await rm(directory, { recursive: true })
})

function importing(services: readonly ModelServiceInventory[], ...args: string[]) {
  zstack.add(...services)
  return runCommand(['import', ...args], { env: environmentOf(zstack) })
}

describe('import', () => {
  it('writes what is shown and not empty, as a person would', async () => {
    const yaml = 'services:\n  - name: chat\n'
    const service = { uuid: one, name: 'Chat', requestCpu: 0, requestMemory: 16 * 1024 ** 3, yaml, description: '' }
    const { code, out } = await importing([{ ...service, pythonVersion: '3.10' }], '--all', '--observe', '-n', 'ml')
    expect(code).toBe(0)
    expect(out).toBe(`apiVersion: ai.zstack.io/v1alpha1
kind: ModelService
metadata:
  name: chat
  namespace: ml
spec:
  uuid: ${one}
  policy: Observe
  name: Chat
  yaml: |
    services:
      - name: chat
  requestCpu: 0
  requestMemory: 16Gi
  pythonVersion: '3.10'
`)
  })

  it('leaves out what cannot be declared, and says so in the manifest and beside it', async () => {
    const { code, out, err } = await importing([{ uuid: one, name: 'chat', description: 'x'.repeat(3000) }], '--all')
    expect(code).toBe(0)
    expect(out).toMatch(/^# description is left out: must be at most 2048 characters$/m)
    expect(err).toContain('passed over in chat: description: must be at most 2048 characters')
    expect(err).toContain('ZStack does not show, so that no manifest tells: environmentParameters')
  })

  it('passes over services of ZStack itself, unless they are asked for', async () => {
    const services = [
      { uuid: one, name: 'mine' },
      { uuid: two, name: 'builtin', system: true },
    ]
    const { out, err } = await importing(services, '--all')
    expect(out).not.toContain(two)
    expect(err).toContain('passed over: 1 service of ZStack itself (builtin)')
    expect((await importing([], '--all', '--include-system')).out).toContain(two)
    expect((await importing([], '--uuid', two)).out).toContain(two)
  })

  it('goes on where a uuid is unknown, and ends in 1', async () => {
    const { code, out, err } = await importing([{ uuid: one, name: 'mine' }], '--uuid', two, one)
    expect(code).toBe(1)
    expect(out).toContain(one)
    expect(err).toContain(`shows this account no model service ${two}`)
    expect(err).toContain('proven:')
  })

  it('takes the conditions of ZStack', async () => {
    const services = [
      { uuid: one, name: 'chat-a' },
      { uuid: two, name: 'chat-b' },
      { uuid: three, name: 'other' },
    ]
    const { out } = await importing(services, '--query', 'name~=chat%', '--query', 'name!=chat-b')
    expect(out).toContain(one)
    expect(out).not.toContain(two)
    expect(out).not.toContain(three)
  })

  it('asks for all services in pages', async () => {
    const services = Array.from({ length: 250 }, (_, i) => ({ uuid: String(i).padStart(32, '0'), name: `s${i}` }))
    const { code, out } = await importing(services, '--all')
    expect(code).toBe(0)
    expect(out.match(/^kind: ModelService$/gm)).toHaveLength(250)
  })

  it('goes on where an answer is cut short, until it has all', async () => {
    const services = Array.from({ length: 250 }, (_, i) => ({ uuid: String(i).padStart(32, '0'), name: `s${i}` }))
    zstack.fault({ operation: 'query', times: 3, fault: { kind: 'cut', services: 40 } })
    const { code, out } = await importing(services, '--all')
    expect(code).toBe(0)
    expect(out.match(/^kind: ModelService$/gm)).toHaveLength(250)
  })

  it('reads as few times as a poll does: a query for a hundred services, and as many again for the proof', async () => {
    const services = Array.from({ length: 1000 }, (_, i) => ({
      uuid: `a${String(i).padStart(31, '0')}`,
      name: `s${i}`,
    }))
    expect(await importing(services, '--all', '--out', directory)).toMatchObject({ code: 0 })
    expect(zstack.counters.query).toBeLessThanOrEqual(21)
    zstack.resetCounters()
    expect(await runCommand(['plan', '-f', directory], { env: environmentOf(zstack) })).toMatchObject({ code: 0 })
    expect(zstack.counters).toMatchObject({ query: 10, login: 1, logout: 1 })
  })

  it('replaces no file that holds something else, writes the others, and ends in 1', async () => {
    await writeFile(join(directory, 'a.yaml'), 'mine')
    const services = [
      { uuid: one, name: 'a' },
      { uuid: two, name: 'b' },
    ]
    const { code, err } = await importing(services, '--all', '--out', directory)
    expect(code).toBe(1)
    expect(err).toContain('a.yaml was not written: it is there and holds something else; --overwrite replaces it')
    expect(await readdir(directory)).toEqual(['a.yaml', 'b.yaml'])
    expect(await readFile(join(directory, 'a.yaml'), 'utf8')).toBe('mine')
    expect((await importing([], '--all', '--out', directory, '--overwrite')).code).toBe(0)
    expect((await importing([], '--all', '--out', directory)).code).toBe(0)
  })

  it('proves nothing where ZStack changes meanwhile, and says so', async () => {
    zstack.add({ uuid: one, name: 'a', requestCpu: 4 })
    let queries = 0
    zstack.onRequest(({ operation }) => {
      if (operation === 'query' && ++queries === 1) zstack.drift(one, { requestCpu: 9 })
    })
    const { code, err } = await runCommand(['import', '--all'], { env: environmentOf(zstack) })
    expect(code).toBe(1)
    expect(err).toMatch(/not proven:[^]*requestCpu +9 → 4/)
  })

  it.each([[[]], [['--all', '--uuid', one]], [['--uuid', 'x']]])('refuses %j with one sentence', async (args) => {
    const { code, out, err } = await importing([], ...args)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^error: .+\n$/)
  })
})

describe('names', () => {
  const named = (...names: (string | undefined)[]) => {
    const services = names.map((name, index) => ({ uuid: String(index + 1).repeat(32), name }))
    return [...objectNames(services).values()]
  }

  it.each([
    ['Qwen2.5 7B_Chat', 'qwen2-5-7b-chat'],
    ['--Élan vital--', 'elan-vital'],
    ['聊天服务', 'model-service-11111111'],
    ['', 'model-service-11111111'],
    [undefined, 'model-service-11111111'],
    ['x'.repeat(80), 'x'.repeat(63)],
  ])('of %j are such as Kubernetes takes', (name, expected) => {
    expect(named(name)).toEqual([expected])
  })

  it('that come to the same all get a piece of the uuid, in whatever order', () => {
    const names = named('Chat', 'chat', 'other')
    expect(names.sort()).toEqual(['chat-11111111', 'chat-22222222', 'other'])
  })

  it('that were made up leave alone those that somebody gave', () => {
    const names = named('a', 'A', 'a-11111111')
    expect(new Set(names).size).toBe(3)
    expect(names).toContain('a-11111111')
    expect(names).toContain(`a-${'1'.repeat(32)}`)
  })
})

describe('memory', () => {
  it.each([
    [0, 0],
    [1, 1],
    [1000, '1k'],
    [1024, '1Ki'],
    [8192, '8Ki'],
    [17179869184, '16Gi'],
    [1610612736, '1536Mi'],
    [5_000_000_000, '5G'],
    [17179869185, 17179869185],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ])('of %d bytes is written as %s', (bytes, written) => {
    expect(quantityOf(bytes)).toBe(written)
  })
})
