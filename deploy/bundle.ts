/** Bundles the operator into the one file that ships: `npm run build`. */
import { build, type Plugin } from 'esbuild'

/**
 * Of client-node only configuration and authentication are used, but it does not say that its modules are free of side
 * effects. Saying so for it keeps thousands of generated API models out of the bundle, and out of memory.
 */
const prunedClient: Plugin = {
  name: 'pruned-client',
  setup(bundle) {
    bundle.onResolve({ filter: /^@kubernetes\/client-node$/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === prunedClient.name) return undefined
      const resolved = await bundle.resolve(path, { ...from, pluginData: prunedClient.name })
      return { ...resolved, sideEffects: false }
    })
  },
}

await build({
  entryPoints: ['src/main.ts'],
  outfile: 'dist/main.js',
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  // Names stay: a stack trace in somebody's log shall be readable.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // CommonJS packages call require, which an ES module has to make for them.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
  plugins: [prunedClient],
  logLevel: 'warning',
})
