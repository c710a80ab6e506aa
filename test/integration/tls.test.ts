import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { apiServerMissing } from '../support/envtest/shared.ts'
import { conditionIn, startScenario } from '../support/scenario.ts'
import { selfSignedCertificate, signedCertificate } from '../support/zstack/certificate.ts'
import { modelService } from '../support/zstack/simulator.ts'

const uuid = '6c1a5f6167944aa1886294842075279f'
const day = 24 * 60 * 60 * 1000
const trusted = selfSignedCertificate('trusted')
const stranger = selfSignedCertificate('stranger')

const presented: readonly (readonly [string, { key: string; cert: string }, string, RegExp])[] = [
  ['of another name', signedCertificate(trusted), '127.0.0.2', /the TLS certificate is for another name/],
  [
    'that has expired',
    signedCertificate(trusted, Date.now() - 400 * day),
    '127.0.0.1',
    /the TLS certificate has expired/,
  ],
  [
    'that is not valid yet',
    signedCertificate(trusted, Date.now() + 400 * day),
    '127.0.0.1',
    /the TLS certificate is not valid yet; compare the clocks/,
  ],
  ['that is self-signed', stranger, '127.0.0.1', /the TLS certificate is self-signed; set ZSTACK_CA_FILE/],
  [
    'of an authority that is not the given one',
    signedCertificate(stranger),
    '127.0.0.1',
    /the TLS certificate is of an unknown authority; set ZSTACK_CA_FILE/,
  ],
]

describe.skipIf(apiServerMissing())('a ZStack that shows a certificate', () => {
  const operate = async (tls: { key: string; cert: string }, host = '127.0.0.1') =>
    startScenario({
      services: [modelService({ uuid })],
      simulator: { tls, host },
      env: { ZSTACK_CA_FILE: await fileWith(trusted.cert) },
    })

  it('of the given authority is believed', async () => {
    const scenario = await operate(signedCertificate(trusted))
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 8 } })
    await scenario.untilReady('a', 'True', 'InSync')
    expect(scenario.zstack.read(uuid)?.requestCpu).toBe(8)
  })

  it.each(presented)('%s is Unreachable for that reason, and is sent nothing', async (_, tls, host, reason) => {
    const scenario = await operate(tls, host)
    await scenario.create({ name: 'a', spec: { uuid, requestCpu: 8 } })
    const object = await scenario.untilReady('a', 'False', 'Unreachable')
    expect(conditionIn(object, 'Ready')?.message).toMatch(reason)
    expect(conditionIn(object, 'Connected')).toMatchObject({ status: 'False', reason: 'Unreachable' })
    expect(conditionIn(object, 'Connected')?.message).toMatch(reason)
    expect(scenario.zstack.counters.total).toBe(0)
  })
})

async function fileWith(text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'modelservice-tls-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'ca.pem'), text)
  return join(directory, 'ca.pem')
}
