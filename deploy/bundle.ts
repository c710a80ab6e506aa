/** Bundles the operator into the file that ships, and its commands into another: `npm run build`. */
import { build, type Metafile, type Plugin } from 'esbuild'
import { sep } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }

const nodeMajor = packageJson.engines.node

/**
 * Says of client-node's modules that loading them has no effect beyond themselves, which the package does not declare.
 * esbuild then leaves out those of which nothing is used, above all the generated API: 470 KB of code, and 11 MB of
 * memory and 18 ms at every start. Modules are left out whole and only where no kept module names anything of them, so
 * nothing that is left out can be reached. test/deploy/bundle.test.ts reads what is left out, and fails where it does
 * more at load time than to define.
 */
const clientNodeHasNoSideEffects: Plugin = {
  name: 'client-node-has-no-side-effects',
  setup(bundler) {
    const name = '@kubernetes/client-node'
    const folder = `${sep}node_modules${sep}${name.replace('/', sep)}${sep}`
    bundler.onResolve({ filter: /^(?:@kubernetes\/client-node$|\.)/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === name || !(path === name || from.importer.includes(folder))) return undefined
      return { ...(await bundler.resolve(path, { ...from, pluginData: name })), sideEffects: false }
    })
  },
}

/** Leaves the commands out of the operator's bundle, which loads theirs only when one is asked for. */
const commandsApart: Plugin = {
  name: 'commands-apart',
  setup(bundler) {
    bundler.onResolve({ filter: /^\.\/cli\/cli\.ts$/ }, () => ({ path: `./${commandBundle}`, external: true }))
  },
}

/**
 * An older Node would fail somewhere in the code of a package, with a stack trace that tells nobody why. What stands
 * before esbuild's directive takes its effect away, so the directive comes first here.
 */
const nodeCheck = `"use strict";if(parseInt(process.versions.node)<${nodeMajor}){console.error("modelservice-operator needs Node ${nodeMajor} or newer; this is "+process.version+" ("+process.execPath+")");process.exit(1)}`

const folder = 'dist'
const commandBundle = 'cli.cjs'

export const bundleFile = `${folder}/main.cjs`
export const commandBundleFile = `${folder}/${commandBundle}`

/** Writes {@link bundleFile} and {@link commandBundleFile}, unless `write` is false. Returns what went into them. */
export async function bundle({ write = true } = {}): Promise<Metafile> {
  const { metafile, warnings } = await build({
    entryPoints: { main: 'src/main.ts', cli: 'src/cli/cli.ts' },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: `node${nodeMajor}`,
    banner: { js: nodeCheck },
    // Half of the packages are CommonJS, and an import of node:http loads the whole of Node's fetch where require does not.
    format: 'cjs',
    // Node keeps the source in memory: without indentation it is a third smaller. Names stay, for readable stack traces.
    minifyWhitespace: true,
    // An error of the engine quotes its line.
    lineLimit: 240,
    legalComments: 'none',
    plugins: [clientNodeHasNoSideEffects, commandsApart],
    logLevel: 'warning',
    metafile: true,
    write,
  })
  if (warnings.length > 0) throw new Error('the bundle has warnings, and what they say may fail at run time alone')
  return metafile
}

if (import.meta.main) await bundle()
