import { readFileSync, readdirSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../../deploy/bundle.ts'
import { type BundledPackage, bundledPackages, directlyUsed } from '../../deploy/packages.ts'
import { type Sbom, notices, sbom } from '../../deploy/sbom.ts'
import packageJson from '../../package.json' with { type: 'json' }

let packages: BundledPackage[]
let document: Sbom
/** The installed packages whose code is in the bundle, as the bundler names their files. */
let inBundle: Set<string>

beforeAll(async () => {
  const metafile = await bundle({ write: false })
  packages = bundledPackages(metafile)
  document = sbom(packages, Buffer.from('bundle'))
  const files = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  )
  inBundle = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []))
})

describe('the bill of materials', () => {
  it('names each package whose code is in the bundle, with version and licence, and no other', () => {
    const installed = [...inBundle].map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as BundledPackage
      return { name, version, licenses: [{ expression: license }] }
    })
    const named = document.components.map(({ group, name, version, licenses }) => ({
      name: group === undefined ? name : `${group}/${name}`,
      version,
      licenses,
    }))
    expect(installed.length).toBeGreaterThan(20)
    expect(named).toHaveLength(installed.length)
    expect(named).toEqual(expect.arrayContaining(installed))
  })

  it('leaves out what only builds and tests the operator', () => {
    const names = document.components.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['pino', 'undici', 'zod']))
    expect(names).not.toEqual(expect.arrayContaining(['vitest']))
    expect(names).not.toEqual(expect.arrayContaining(['esbuild']))
  })

  it('allows only licences that ask for nothing but their text', () => {
    const licences = new Set(packages.map(({ license }) => license))
    expect([...licences].sort()).toEqual(['Apache-2.0', 'BSD-3-Clause', 'ISC', 'MIT'])
  })

  it('lets every package be reached from the operator through what it depends on', () => {
    const uses = new Map(document.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]))
    expect(uses.size).toBe(document.components.length + 1)
    const reached = new Set<string>()
    const visit = (ref: string) => {
      if (reached.has(ref)) return
      reached.add(ref)
      uses.get(ref)?.forEach(visit)
    }
    visit(document.metadata.component['bom-ref'])
    expect(reached).toEqual(new Set(uses.keys()))
  })

  it('says which bundle it is of, and is the same for the same bundle', () => {
    const { component } = document.metadata
    expect(component).toMatchObject({ name: packageJson.name, version: packageJson.version })
    expect(sbom(packages, Buffer.from('bundle'))).toEqual(document)
    expect(sbom(packages, Buffer.from('other')).serialNumber).not.toBe(document.serialNumber)
  })

  it('gives a hash of each package as it was published', () => {
    for (const { hashes } of document.components)
      expect(hashes).toEqual([{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) as string }])
  })
})

describe('the dependencies of package.json', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const imported = sources.flatMap((file) =>
    Array.from(
      readFileSync(`src/${file}`, 'utf8').matchAll(/from '((?:@[^/']+\/)?[^./@'][^/':]*)'/g),
      ([, name]) => name,
    ),
  )

  it('are what the source imports, and no more', () => {
    expect([...new Set(imported)].sort()).toEqual(Object.keys(packageJson.dependencies).sort())
  })

  it('are what the bill of materials says the operator asks for', () => {
    expect(directlyUsed(packages).map(({ name }) => name)).toEqual(Object.keys(packageJson.dependencies).sort())
  })

  it('are pinned to one version, as the tools are', () => {
    const ranges = { ...packageJson.dependencies, ...packageJson.devDependencies }
    expect(Object.entries(ranges).filter(([, range]) => !/^\d+\.\d+\.\d+$/.test(range))).toEqual([])
  })
})

describe('the notices that go with the bundle', () => {
  it('name each package with its version, and hold its licence word for word', () => {
    const text = notices(packages)
    for (const { name, version, license, licenseText } of packages) {
      expect(text).toContain(`${name} ${version} (${license})`)
      expect(text).toContain(licenseText)
    }
  })
})
