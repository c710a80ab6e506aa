/** Bundles the operator into the one file that ships: `npm run build`. */
import { build, type Metafile, type Plugin } from 'esbuild'

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

/** The dispatchers of undici without its fetch, WebSocket, cache and mocks: half of its code, none of them used. */
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
        export { Agent, ProxyAgent }
        export function request(url, { dispatcher, ...options }) {
          const { origin, pathname, search } = new URL(url)
          return dispatcher.request({ ...options, origin, path: pathname + search })
        }`,
    }))
  },
}

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
    legalComments: 'none',
    // CommonJS packages call require, which an ES module has to make for them.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    plugins: [slimClient, lazyPackages, slimUndici],
    logLevel: 'warning',
    metafile: true,
    write,
  })
  return metafile
}

if (import.meta.main) await bundle()
