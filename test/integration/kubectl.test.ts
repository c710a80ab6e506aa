import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { startScenario, type Scenario } from '../support/scenario.ts'
import { modelService } from '../support/zstack/simulator.ts'

const run = promisify(execFile)
const hasKubectl = await run('kubectl', ['version', '--client']).then(
  () => true,
  () => false,
)
if (!hasKubectl) console.log('tests through kubectl are skipped: it is not on PATH')

const uuid = '6c1a5f6167944aa1886294842075279f'

async function kubectl({ server, namespace }: Scenario, ...args: string[]) {
  const environment = { ...process.env, KUBECONFIG: server.adminKubeconfig }
  return (await run('kubectl', ['-n', namespace, ...args], { env: environment })).stdout
}

const cells = (line: string | undefined) => (line ?? '').trim().split(/\s{2,}/)

describe.skipIf(!hasKubectl || apiServerMissing() !== undefined)('kubectl', () => {
  it('get shows what a person asks first, and wide the rest', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid, requestMemory: 8 * 2 ** 30 })] })
    await scenario.create({ name: 'a', spec: { uuid, policy: 'Observe', requestCpu: 8 } })
    await scenario.untilReady('a', 'True', 'DriftDetected')
    const [heading, row] = (await kubectl(scenario, 'get', 'zms')).split('\n')
    expect(cells(heading)).toEqual(['NAME', 'READY', 'SYNCED', 'REASON', 'POLICY', 'CPU', 'MEMORY', 'AGE'])
    expect(cells(row).slice(0, -1)).toEqual(['a', 'True', 'False', 'DriftDetected', 'Observe', '4', '8Gi'])
    const [wide, values] = (await kubectl(scenario, 'get', 'modelservices', '-o', 'wide')).split('\n')
    expect(cells(wide).slice(8)).toEqual(['UUID', 'CONNECTION', 'DRIFT', 'LAST UPDATE', 'MESSAGE'])
    expect(values).toMatch(
      new RegExp(`${uuid}\\s+default\\s+requestCpu\\s+requestCpu: want 8, is 4; policy Observe leaves it`),
    )
  })

  it('explain tells what a reference to a Secret is made of', async () => {
    const scenario = await startScenario()
    const explained = await kubectl(scenario, 'explain', 'zms.spec.environmentParametersFrom')
    expect(explained.replaceAll(/\s+/g, ' ')).toContain(
      'Later ones win, and environmentParameters itself wins over all.',
    )
    for (const key of ['secretRef', 'configMapKeyRef', 'prefix', 'optional']) expect(explained).toContain(key)
    const key = await kubectl(scenario, 'explain', 'zms.spec.yamlFrom.secretKeyRef')
    expect(key).toContain('Name of the object, in the namespace of the ModelService.')
  })

  it('describe shows the events, the category finds the kind, and wait waits for Ready', async () => {
    const scenario = await startScenario({ services: [modelService({ uuid })] })
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 8 } })
    await kubectl(scenario, 'wait', '--for=condition=Ready', 'zms/a', '--timeout=10s')
    await expect
      .poll(() => kubectl(scenario, 'describe', 'zms', 'a'), { timeout: 10_000 })
      .toMatch(/Normal\s+Updated\s+.*requestCpu 4 → 8 \(as the spec declares\)/)
    expect(await kubectl(scenario, 'get', 'zstack', '-o', 'name')).toContain('modelservice.ai.zstack.io/a')
  })
})
