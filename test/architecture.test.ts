import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = new URL('..', import.meta.url).pathname
const src = join(root, 'src')

/** Who may import whom. `types` are folders or files of which only types may be imported. */
const rules: Readonly<
  Record<string, { code: readonly string[]; types: readonly string[]; packages: readonly string[] }>
> = {
  clock: { code: [], types: [], packages: [] },
  limits: { code: [], types: [], packages: [] },
  requeue: { code: [], types: [], packages: [] },
  send: { code: [], types: [], packages: [] },
  backoff: { code: [], types: [], packages: [] },
  priority: { code: [], types: [], packages: [] },
  'fair-queue': { code: [], types: [], packages: [] },
  overflow: { code: ['limits', 'priority'], types: ['clock'], packages: [] },
  semaphore: { code: ['fair-queue', 'overflow', 'priority'], types: ['clock'], packages: [] },
  redacted: { code: [], types: [], packages: [] },
  'referenced-object': { code: [], types: [], packages: [] },
  'leader-guard': { code: [], types: ['undici', 'send'], packages: [] },
  api: { code: ['api', 'limits'], types: [], packages: ['zod', 'js-yaml', 'yaml'] },
  decide: { code: ['decide', 'api', 'limits'], types: ['requeue', 'referenced-object'], packages: [] },
  reconcile: {
    code: ['reconcile', 'decide', 'api', 'clock', 'backoff', 'limits', 'priority'],
    types: ['pino', 'requeue', 'referenced-object'],
    packages: [],
  },
  zstack: {
    code: [
      'zstack',
      'decide',
      'api',
      'clock',
      'backoff',
      'semaphore',
      'priority',
      'redacted',
      'leader-guard',
      'limits',
    ],
    types: ['reconcile/ports', 'send'],
    packages: ['undici', 'zod', 'dataloader'],
  },
  kube: {
    code: ['kube', 'clock', 'backoff', 'overflow', 'priority', 'fair-queue', 'leader-guard', 'limits', 'semaphore'],
    types: ['pino', 'requeue', 'referenced-object'],
    packages: ['@kubernetes/client-node', 'undici'],
  },
  telemetry: {
    code: ['telemetry', 'clock', 'limits'],
    types: ['reconcile/ports', 'send'],
    packages: ['pino', 'pino-pretty', 'prom-client'],
  },
  'unknown-variables': { code: [], types: [], packages: [] },
  config: { code: ['redacted', 'limits', 'unknown-variables'], types: [], packages: ['zod'] },
  'default-connection': { code: ['zstack', 'api'], types: ['config', 'dependencies', 'reconcile/ports'], packages: [] },
  check: {
    code: ['default-connection', 'decide', 'reconcile/connection-events'],
    types: ['config', 'dependencies'],
    packages: [],
  },
  dependencies: {
    code: ['clock', 'kube/cluster', 'zstack/http'],
    types: ['config', '@kubernetes/client-node'],
    packages: [],
  },
  operator: {
    code: [
      'api',
      'decide',
      'reconcile',
      'zstack',
      'kube',
      'telemetry',
      'config',
      'clock',
      'backoff',
      'leader-guard',
      'limits',
      'default-connection',
    ],
    types: ['pino', 'dependencies'],
    packages: [],
  },
  cli: {
    code: [
      'cli',
      'api',
      'decide',
      'reconcile/claims',
      'reconcile/context',
      'zstack',
      'kube',
      'config',
      'clock',
      'limits',
      'priority',
      'redacted',
    ],
    types: ['reconcile/ports', 'referenced-object'],
    packages: ['@marcbachmann/cel-js', 'commander', 'diff', 'string-width', 'yaml', 'zod'],
  },
  main: {
    code: ['operator', 'check', 'dependencies', 'config', 'telemetry', 'kube/cluster', 'cli/cli', 'package.json'],
    types: [],
    packages: [],
  },
}

type Import = { readonly file: string; readonly target: string; readonly isType: boolean; readonly isOwn: boolean }

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const text = (file: string) => readFileSync(join(src, file), 'utf8')
const imports = files.flatMap((file) => importsOf(file))

function importsOf(file: string): Import[] {
  const statements = text(file).matchAll(/^(?:import|export)\s(type\s)?[^'"]*?from '([^']+)'/gm)
  const bare = text(file).matchAll(/(?:^import|import\() ?'([^']+)'/gm)
  return [
    ...[...statements].map(([, type, target = '']) => toImport(file, target, type !== undefined)),
    ...[...bare].map(([, target = '']) => toImport(file, target, false)),
  ].filter(({ target }) => !target.startsWith('node:'))
}

function toImport(file: string, target: string, isType: boolean): Import {
  const isOwn = target.startsWith('.')
  const path = isOwn ? relative(src, join(src, dirname(file), target)).replace(/^\.\.\//, '') : target
  return { file, target: path, isType, isOwn }
}

function folderOf(path: string): string {
  return path.replace(/\.ts$/, '').split('/')[0] ?? ''
}

function isAllowed({ file, target, isType, isOwn }: Import): boolean {
  const rule = rules[folderOf(file)]
  if (!rule) return false
  const named = target.replace(/\.ts$/, '')
  const fits = (allowed: string) => named === allowed || named.startsWith(`${allowed}/`)
  if (isType && rule.types.some(fits)) return true
  return isOwn ? rule.code.some(fits) : rule.packages.some(fits)
}

describe('the source', () => {
  it('imports only what its layer may', () => {
    expect(imports.filter((one) => !isAllowed(one)).map(({ file, target }) => `${file} imports ${target}`)).toEqual([])
  })

  it('has no import cycle', () => {
    const edges = new Map(files.map((file) => [file, imports.filter((one) => one.file === file && one.isOwn)]))
    const cycles: string[] = []
    const done = new Set<string>()
    const visit = (file: string, path: readonly string[]) => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      if (done.has(file) || path.includes(file)) return
      for (const { target } of edges.get(file) ?? []) visit(target, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
    expect(cycles).toEqual([])
  })

  it('loads the commands from main alone, and not at its start', () => {
    const others = imports.filter(({ file, target }) => folderOf(target) === 'cli' && folderOf(file) !== 'cli')
    expect(others.map(({ file, target }) => `${file} imports ${target}`)).toEqual(['main.ts imports cli/cli.ts'])
    expect(text('main.ts')).toContain("await import('./cli/cli.ts')")
  })

  it('has no re-exporting index, no drawer of leftovers, and touches the process in main alone', () => {
    expect(files.filter((file) => /(?:^|\/)(?:index|utils?|helpers?|common|misc)\.ts$/.test(file))).toEqual([])
    expect(files.filter((file) => file !== 'main.ts' && /\bprocess\.(?:env|exit|on|argv)\b/.test(text(file)))).toEqual(
      [],
    )
  })

  it('keeps its core pure: no clock, no randomness, no waiting in api and decide', () => {
    const impure = /\b(?:async|await|setTimeout|Date\.now|new Date\(\)|Math\.random|console)\b/
    const core = files.filter((file) => ['api', 'decide'].includes(folderOf(file)))
    const code = (file: string) => text(file).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'/g, '')
    expect(core.filter((file) => impure.test(code(file)))).toEqual([])
  })
})
