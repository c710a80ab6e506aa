/** Bundles the operator into the one file that ships: `npm run build`. */
import { build, type Metafile, type Plugin } from 'esbuild'
import { builtinModules } from 'node:module'
import { basename } from 'node:path'

/**
 * Of client-node only configuration and authentication are used. They name the generated API once, in a method that
 * nothing here calls: without it, thousands of models stay out of the bundle and of memory.
 */
const slimClient: Plugin = {
  name: 'slim-client',
  setup(bundle) {
    bundle.onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ path, resolveDir }) =>
      bundle.resolve(`${path}/dist/config.js`, { resolveDir, kind: 'import-statement' }),
    )
    bundle.onResolve({ filter: /^\.\/gen\/index\.js$/ }, ({ path }) => ({ path, namespace: slimClient.name }))
    bundle.onLoad({ filter: /.*/, namespace: slimClient.name }, () => ({
      contents: 'export const createConfiguration = undefined, ServerConfiguration = undefined',
    }))
  },
}

/**
 * What few installations ever use (OIDC log-in, SOCKS and HTTP proxies, exemplars of metrics) is in the bundle, but runs
 * only when something of it is first touched: at start it would cost a third of the operator's memory.
 */
const lazyPackages: Plugin = {
  name: 'lazy-packages',
  setup(bundle) {
    const names = [
      'openid-client',
      'socks',
      'socks-proxy-agent',
      'hpagent',
      'js-yaml',
      'jsonpath-plus',
      '@opentelemetry/api',
      'tdigest',
    ]
    const filter = new RegExp(`^(?:${names.join('|')})$`)
    bundle.onResolve({ filter }, ({ path, resolveDir, pluginData }) =>
      pluginData === lazyPackages.name ? undefined : { path, namespace: lazyPackages.name, pluginData: resolveDir },
    )
    bundle.onLoad({ filter: /.*/, namespace: lazyPackages.name }, ({ path, pluginData }) => ({
      resolveDir: String(pluginData),
      pluginData: lazyPackages.name,
      // The exports are inherited from a proxy: whoever copies own properties copies nothing and loads nothing.
      contents: `
        let real
        const load = () => (real ??= require(${JSON.stringify(path)}))
        const get = (_, name) => (name === '__esModule' ? undefined : load()[name])
        module.exports = Object.create(new Proxy({}, { get }))`,
    }))
  },
}

/**
 * The dispatchers of undici over HTTP/1.1, without its fetch, WebSocket, cache, mocks and second parser: three quarters
 * of its code, none of it used.
 */
const slimUndici: Plugin = {
  name: 'slim-undici',
  setup(bundle) {
    bundle.onResolve({ filter: /^undici$/ }, ({ path, resolveDir }) => ({
      path,
      namespace: slimUndici.name,
      pluginData: resolveDir,
    }))
    bundle.onLoad({ filter: /.*/, namespace: slimUndici.name }, ({ pluginData }) => ({
      resolveDir: String(pluginData),
      contents: `
        import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'
        import api from 'undici/lib/api/index.js'
        import Agent from 'undici/lib/dispatcher/agent.js'
        import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js'
        Object.assign(Dispatcher.prototype, api)
        export { Agent, ProxyAgent }`,
    }))
    bundle.onLoad({ filter: /\/undici\/lib\/(?:milo\/|web\/|dispatcher\/client-h2\.js$)/ }, ({ path }) => ({
      contents: `module.exports = () => { throw new Error(${JSON.stringify(`${basename(path)} is not in the bundle`)}) }`,
    }))
  },
}

/**
 * Node's own modules by require: import would read every property of theirs to make an export of it, and one of
 * node:http's loads the whole of fetch, for 10 MB of memory and a quarter of the time to start.
 */
const requiredBuiltins: Plugin = {
  name: 'required-builtins',
  setup(bundle) {
    const filter = new RegExp(`^(?:node:.*|${builtinModules.join('|')})$`)
    bundle.onResolve({ filter }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: requiredBuiltins.name } : undefined,
    )
    bundle.onLoad({ filter: /.*/, namespace: requiredBuiltins.name }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
    }))
  },
}

/**
 * V8's settings, made before the first module runs: afterwards the heap has grown. They are those of a process that waits
 * for two servers most of its time. The heap stays close to what is in use, and nothing is compiled by the optimizing
 * compilers, whose threads, code and working memory cost more than they give back. For 200 objects that is 97 MB instead
 * of 118, and 107 instead of 160 for 1,000, at the same CPU time for the former and a seventh more for the latter.
 */
const engine = [
  '--semi-space-growth-factor=1',
  '--heap-growing-percent=20',
  '--no-opt',
  '--no-maglev',
  '--liftoff-only',
]

/** CommonJS packages call require, which an ES module has to make for them. */
const prologue = `
import { createRequire as __createRequire } from 'node:module'
const require = __createRequire(import.meta.url)
require('node:v8').setFlagsFromString('${engine.join(' ')}')`

export const bundleFile = 'dist/main.js'

/** Writes {@link bundleFile}, unless told otherwise; what went into it is in the answer. */
export async function bundle({ write = true } = {}): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: ['src/main.ts'],
    outfile: bundleFile,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    // Names stay: a stack trace in somebody's log shall be readable.
    minifySyntax: true,
    minifyWhitespace: true,
    // An error of the engine quotes its line.
    lineLimit: 240,
    legalComments: 'none',
    banner: { js: prologue },
    plugins: [slimClient, lazyPackages, slimUndici, requiredBuiltins],
    logLevel: 'warning',
    metafile: true,
    write,
  })
  return metafile
}

if (import.meta.main) await bundle()
