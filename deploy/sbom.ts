/** Builds the bundle and says what it consists of: `npm run sbom`. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import packageJson from '../package.json' with { type: 'json' }
import { bundle, bundleFile } from './bundle.ts'
import { type BundledPackage, bundledPackages, directlyUsed } from './packages.ts'

export const sbomFile = 'dist/sbom.cdx.json'
export const noticesFile = 'dist/THIRD-PARTY-NOTICES.txt'

/** The parts of a CycloneDX document that are used here. */
export type Sbom = ReturnType<typeof sbom>

/** A CycloneDX document; the same bundle gives the same document, byte by byte, so it bears no time. */
export function sbom(packages: readonly BundledPackage[], bundled: Uint8Array) {
  const sha256 = createHash('sha256').update(bundled).digest('hex')
  const { name, version, description, license } = packageJson
  const root = purl(name, version)
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${asUuid(sha256)}`,
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': root,
        name,
        version,
        description,
        licenses: [{ expression: license }],
        purl: root,
        hashes: [{ alg: 'SHA-256', content: sha256 }],
      },
    },
    components: packages.map((each) => ({
      type: 'library',
      'bom-ref': refOf(each),
      ...named(each.name),
      version: each.version,
      licenses: [{ expression: each.license }],
      purl: refOf(each),
      hashes: [{ alg: 'SHA-512', content: Buffer.from(each.sha512, 'base64').toString('hex') }],
    })),
    dependencies: [
      { ref: root, dependsOn: directlyUsed(packages).map(refOf) },
      ...packages.map((each) => ({
        ref: refOf(each),
        dependsOn: packages.filter(({ folder }) => each.uses.includes(folder)).map(refOf),
      })),
    ],
  }
}

/** The licences of everything in the bundle, for those it is handed to; texts that are equal stand there once. */
export function notices(packages: readonly BundledPackage[]): string {
  const byText = Map.groupBy(packages, ({ licenseText }) => licenseText)
  const sections = Array.from(byText, ([text, those]) =>
    [...those.map(({ name, version, license }) => `${name} ${version} (${license})`), '', text].join('\n'),
  )
  const { name, version, license } = packageJson
  const head = `${name} ${version} (${license}) holds code of these packages.`
  return [head, ...sections].join(`\n\n${'-'.repeat(80)}\n\n`) + '\n'
}

function refOf({ name, version }: BundledPackage): string {
  return purl(name, version)
}

function purl(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}

function named(name: string) {
  const [group, short] = name.split('/')
  return group !== undefined && short !== undefined ? { group, name: short } : { name }
}

/** A UUID of the kind that is free to be made up (RFC 9562, version 8). */
function asUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

if (import.meta.main) {
  const packages = bundledPackages(await bundle())
  writeFileSync(sbomFile, `${JSON.stringify(sbom(packages, readFileSync(bundleFile)), null, 2)}\n`)
  writeFileSync(noticesFile, notices(packages))
  process.stdout.write(`${bundleFile} holds ${packages.length} packages: ${sbomFile}, ${noticesFile}\n`)
}
