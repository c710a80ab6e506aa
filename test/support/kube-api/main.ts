import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { startStandInApi } from './server.ts'

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, host: { type: 'string' }, kubeconfig: { type: 'string' } },
})

const folder = join(import.meta.dirname, '../../../crds')
const crds = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => parse(readFileSync(join(folder, name), 'utf8')) as object)

const api = await startStandInApi({
  port: Number(values.port),
  crds,
  ...(values.host === undefined ? {} : { host: values.host }),
})
if (values.kubeconfig !== undefined) writeFileSync(values.kubeconfig, api.kubeconfig, { mode: 0o600 })
console.log(`stand-in Kubernetes API at ${api.url}`)
if (values.kubeconfig !== undefined) console.log(`export KUBECONFIG=${values.kubeconfig}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void api.close())
