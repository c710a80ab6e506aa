import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import { limits, spellMs } from '../src/limits.ts'

const root = new URL('..', import.meta.url).pathname
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const generatedFolders = ['node_modules', 'dist', 'coverage', '.git']
const files = readdirSync(root)
  .filter((name) => !generatedFolders.includes(name))
  .flatMap((name) => filesIn(name))
const byName = new Set(files.map((file) => basename(file)))
const documents = files.filter((file) => file.endsWith('.md'))

function filesIn(path: string): readonly string[] {
  if (!statSync(join(root, path)).isDirectory()) return [path]
  return readdirSync(join(root, path)).flatMap((name) => filesIn(join(path, name)))
}

/** As GitHub makes the anchor of a heading. */
function anchorsOf(markdown: string): readonly string[] {
  const headings = markdown.matchAll(/^#+ (.*)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe('the documents', () => {
  it.each(documents)('%s links to files and headings that exist', (document) => {
    const links = [...read(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
    const broken = links
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#')
        const file = path === '' ? document : join(dirname(document), path)
        if (!existsSync(join(root, file))) return true
        return anchor !== undefined && !anchorsOf(read(file)).includes(anchor)
      })
    expect(broken).toEqual([])
  })

  it.each(documents)('%s names source files that exist', (document) => {
    const named = [...read(document).matchAll(/`([\w./-]+\.ts)`/g)].map(([, name = '']) => name)
    const folders = [dirname(document), '.', ...(document === 'test/README.md' ? ['src'] : [])]
    // The part of a path alone is enough where the text says of which folder it speaks.
    const isThere = (name: string) =>
      folders.some((folder) => existsSync(join(root, folder, name))) || (!name.includes('/') && byName.has(name))
    expect(named.filter((name) => !isThere(name))).toEqual([])
  })

  it('name the tests of each fault by files that exist', () => {
    const folders = readdirSync(join(root, 'test')).filter((name) => !name.includes('.'))
    const named = [...read('test/README.md').matchAll(/`([a-z-]+)(\/[a-z-/]*)`/g)]
      .filter(([, folder = '']) => folders.includes(folder))
      .map(([, folder = '', rest = '']) => `test/${folder}${rest}`)
    expect(named.length).toBeGreaterThan(50)
    const endings = ['', '.ts', '.test.ts', '.contract.ts']
    expect(named.filter((path) => !endings.some((ending) => existsSync(join(root, path + ending))))).toEqual([])
  })

  it.each(documents)('%s names commands that exist', (document) => {
    const scripts = [...read(document).matchAll(/npm run (?:--silent )?([a-z][a-z0-9:-]*)/g)].map(([, name]) => name)
    expect(scripts.filter((name) => name !== undefined && !(name in packageJson.scripts))).toEqual([])
  })

  it('are the only ones that sources, manifests and programs name', () => {
    const isText = (file: string) => /\.(?:ts|js|ya?ml|lua|tpl|txt|json)$|^Dockerfile$/.test(file)
    const named = files
      .filter((file) => isText(file) && file !== 'package-lock.json')
      .flatMap((file) => [...read(file).matchAll(/[\w./-]*\w\.md\b/g)].map(([name]) => ({ file, name })))
    const unknown = named.filter(
      ({ file, name }) => !existsSync(join(root, name)) && !existsSync(join(root, dirname(file), name)),
    )
    expect(unknown).toEqual([])
  })

  it('name every variable of the configuration in one table', () => {
    const variables = [...read('src/config.ts').matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(([, name]) => name)
    const rows = [...read('deploy/README.md').matchAll(/^\| (`[A-Z_`, ]+`) \|/gm)].flatMap(([, names = '']) =>
      names.replaceAll('`', '').split(', '),
    )
    expect(variables.length).toBeGreaterThan(20)
    expect(rows.sort()).toEqual([...variables, 'KUBECONFIG'].sort())
  })

  it('leave the numbers of src/limits.ts to the generated tables', () => {
    const times = [...timesIn(limits)].map(spellMs)
    expect(times).toContain('30 minutes')
    const byHand = ['README.md', 'deploy/README.md', 'src/README.md', 'src/zstack/README.md'].flatMap((document) => {
      const text = read(document).replaceAll(/<!-- (\w+) -->[^]*?<!-- \/\1 -->/g, '')
      return times.filter((time) => new RegExp(`(?<![\\d.])${time}`).test(text)).map((time) => `${document}: ${time}`)
    })
    expect(byHand).toEqual([])
  })

  it('begin with a page that is read in a few minutes, and whose first screen holds the whole set-up', () => {
    const readme = read('README.md')
    expect(Buffer.byteLength(readme)).toBeLessThan(9 * 1024)
    const firstScreen = readme.split('\n').slice(0, 25).join('\n')
    for (const command of ['npm ci && npm run demo', 'npm ci && npm test']) expect(firstScreen).toContain(command)
  })
})

function* timesIn(value: object): Generator<number> {
  for (const [name, part] of Object.entries(value) as [string, unknown][])
    if (typeof part === 'object' && part !== null) yield* timesIn(part)
    else if (name.endsWith('Ms')) yield Number(part)
}
