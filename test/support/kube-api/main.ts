import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readCrds } from './crd-files.ts'
import { startStandInApi } from './server.ts'

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, host: { type: 'string' }, kubeconfig: { type: 'string' } },
})

const api = await startStandInApi({
  port: Number(values.port),
  crds: readCrds(),
  ...(values.host === undefined ? {} : { host: values.host }),
})
if (values.kubeconfig !== undefined) writeFileSync(values.kubeconfig, api.kubeconfig, { mode: 0o600 })
console.log(`stand-in Kubernetes API at ${api.url}`)
if (values.kubeconfig !== undefined) console.log(`export KUBECONFIG=${values.kubeconfig}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void api.close())
