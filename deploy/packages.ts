/** The packages of others that are in the bundle: exactly those of which it holds code. */
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import type { Metafile } from 'esbuild'

export type BundledPackage = {
  /** Where it is installed, such as node_modules/pino; two versions of one name have two folders. */
  readonly folder: string
  readonly name: string
  readonly version: string
  /** An SPDX expression. */
  readonly license: string
  /** The licence as its authors wrote it, with the notices that go with it. */
  readonly licenseText: string
  /** SHA-512 of the package as it was published, in base64, from the lockfile. */
  readonly sha512: string
  /** Folders of the bundled packages that it asks for. */
  readonly uses: readonly string[]
}

type Manifest = {
  readonly name: string
  readonly version: string
  readonly license?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

type Lockfile = { readonly packages: Readonly<Record<string, { readonly integrity?: string }>> }

/** Sorted by folder. Throws where a package does not say its licence or has no text of it: it could not be shipped. */
export function bundledPackages(metafile: Metafile): BundledPackage[] {
  const folders = new Set(
    Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? (folderOf(file) ?? []) : [])),
    ),
  )
  const { packages } = readJson('package-lock.json') as Lockfile
  return [...folders].sort().map((folder) => {
    const manifest = readJson(`${folder}/package.json`) as Manifest
    const { name, version, license } = manifest
    const integrity = packages[folder]?.integrity ?? ''
    const licenseText = licenseTextOf(folder)
    if (license === undefined || licenseText === '') throw new Error(`${name}@${version} does not tell its licence`)
    if (!integrity.startsWith('sha512-')) throw new Error(`${name}@${version} has no SHA-512 in package-lock.json`)
    const asked = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies }
    const uses = Object.keys(asked).flatMap((other) => resolve(other, folder, folders) ?? [])
    return { folder, name, version, license, licenseText, sha512: integrity.slice('sha512-'.length), uses }
  })
}

/** The packages that the operator's own source asks for. */
export function directlyUsed(packages: readonly BundledPackage[]): BundledPackage[] {
  const { dependencies = {} } = readJson('package.json') as Manifest
  return packages.filter(({ folder, name }) => name in dependencies && folder === `node_modules/${name}`)
}

function folderOf(file: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]
}

/** As Node looks for a package: beside the one that asks, then further up. */
function resolve(name: string, from: string, folders: ReadonlySet<string>): string | undefined {
  const candidate = posix.join(from, 'node_modules', name)
  if (folders.has(candidate)) return candidate
  const parent = folderOf(from.replace(/\/?node_modules\/(?:@[^/]+\/)?[^/]+$/, ''))
  if (parent !== undefined) return resolve(name, parent, folders)
  return folders.has(`node_modules/${name}`) ? `node_modules/${name}` : undefined
}

function licenseTextOf(folder: string): string {
  return readdirSync(folder)
    .filter((file) => /^(?:licen[cs]e|copying|notice)(?:[.-]|$)/i.test(file))
    .sort()
    .map((file) => readFileSync(`${folder}/${file}`, 'utf8').trim())
    .join('\n\n')
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}
