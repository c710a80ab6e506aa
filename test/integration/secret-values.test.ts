/** Everything that the operator writes is searched for values that came from Secrets. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { freePort } from '../support/free-port.ts'
import { startScenario, type Scenario } from '../support/scenario.ts'
import { modelService } from '../support/zstack/simulator.ts'

const uuid = '6c1a5f6167944aa1886294842075279f'
const tokens = ['hf_<first>&"token"/0001', 'hf_<second>&"token"/0002', 'hf_<third>&"token"/0003'] as const
const yamlOf = (token: string) => `services:\n  - name: chat\n    token: '${token}'\n`

const html = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
const spellings = (text: string) => [
  text,
  JSON.stringify(text).slice(1, -1),
  html(text),
  encodeURIComponent(text),
  Buffer.from(text).toString('base64'),
]
const hashes = (text: string) =>
  (['hex', 'base64', 'base64url'] as const).map((encoding) =>
    createHash('sha256').update(text).digest(encoding).slice(0, 16),
  )
/** No text of ours may hold any of these. */
const forbidden = tokens.flatMap((token) => [
  ...spellings(token),
  ...spellings(token).map((text) => text.slice(0, 10)),
  ...hashes(token),
  ...hashes(yamlOf(token)),
  ...hashes(JSON.stringify({ HF_TOKEN: token })),
])

async function writeSecret({ server, namespace }: Scenario, token: string) {
  const secrets = `/api/v1/namespaces/${namespace}/secrets`
  const secret = { metadata: { name: 'hub' }, stringData: { token, yaml: yamlOf(token) } }
  const created = await server.request('POST', secrets, secret)
  if (created.status !== 201) await server.request('PATCH', `${secrets}/hub`, secret, 'application/merge-patch+json')
}

describe.skipIf(apiServerMissing())('of values that came from Secrets', () => {
  it('nothing is in status, events, log, metrics or probes, whatever ZStack says and shows of them', async () => {
    const [metrics, health] = [await freePort(), await freePort()]
    const scenario = await startScenario({
      services: [modelService({ uuid })],
      env: { LOG_LEVEL: 'trace', METRICS_PORT: String(metrics), HEALTH_PORT: String(health) },
    })
    const seen: string[] = []
    const look = async () => {
      const { namespace, server } = scenario
      const objects = `/apis/ai.zstack.io/v1alpha1/namespaces/${namespace}/modelservices`
      const events = `/api/v1/namespaces/${namespace}/events`
      const bodies = await Promise.all([objects, events].map((path) => server.request('GET', path)))
      const pages = [`${metrics}/metrics`, `${health}/healthz`, `${health}/readyz`].map(async (page) =>
        (await fetch(`http://127.0.0.1:${page}`)).text(),
      )
      seen.push(...bodies.map(({ body }) => JSON.stringify(body)), ...(await Promise.all(pages)))
    }

    await writeSecret(scenario, tokens[0])
    await scenario.create({
      name: 'a',
      spec: {
        uuid,
        environmentParametersFrom: [{ secretKeyRef: { name: 'hub', key: 'token' }, as: 'HF_TOKEN' }],
        yamlFrom: { secretKeyRef: { name: 'hub', key: 'yaml' } },
      },
    })
    await scenario.untilReady('a', 'True', 'InSync')
    await look()

    // ZStack refuses the next token and repeats it, and the one before it, in many spellings.
    const details = [tokens[1], tokens[0]].flatMap((token) => [...spellings(token).slice(0, 4), token.slice(0, 14)])
    for (const words of details)
      scenario.zstack.fault({
        operation: 'update',
        times: 1,
        fault: { kind: 'error', code: 'SYS.1006', details: words },
      })
    for (const [turn] of details.entries()) {
      if (turn === 0) await writeSecret(scenario, tokens[1])
      else await scenario.annotate('a', { 'ai.zstack.io/reconcile-requested-at': String(turn) })
      await scenario.until(
        'a',
        ({ status }) => status?.hold !== undefined && (turn === 0 || status.lastHandledReconcileAt === String(turn)),
      )
      await look()
    }
    expect(seen.join()).toContain('***')

    // Somebody else changes the yaml in ZStack, while the operator may only look; then the object takes its own.
    await scenario.annotate('a', { 'ai.zstack.io/reconcile-requested-at': 'again' })
    await scenario.untilReady('a', 'True', 'InSync')
    await scenario.edit('a', { policy: 'Observe' })
    scenario.zstack.drift(uuid, { yaml: yamlOf(tokens[2]) })
    await scenario.untilReady('a', 'True', 'DriftDetected')
    await look()
    await scenario.edit('a', { yamlFrom: null, yaml: 'a: 1' })
    await scenario.until('a', ({ status, metadata }) => status?.observedGeneration === metadata.generation)
    await look()

    seen.push(JSON.stringify(scenario.operator.log))
    const text = seen.join('\n')
    expect(forbidden.filter((value) => text.includes(value))).toEqual([])
  }, 60_000)
})
