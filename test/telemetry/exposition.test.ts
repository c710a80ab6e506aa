import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { promtoolMissing, runPromtool } from '../support/promtool.ts'

describe.skipIf(promtoolMissing !== undefined)('the page, read by Prometheus', () => {
  it('is understood and breaks no rule of naming', async () => {
    const metrics = createMetrics({ version: '1', workers: 1, staleAfterMs: 300_000 })
    const conditions = [{ type: 'Ready', status: 'False', reason: 'odd "\\\n' }]
    const page = await metrics.page({
      waiting: { change: 0, retry: 0, poll: 0 },
      working: [],
      isLeader: true,
      connections: [{ name: 'default', isDown: false, observationAge: 1 }],
      scopes: [],
      loopLag: 0,
      objects: () => [{ metadata: { namespace: 'default', name: 'a' }, status: { conditions } }],
      process: { cpuSeconds: 0, residentBytes: 0, heapBytes: 0, startTime: 0 },
    })
    const input = [...page.text].join('')
    expect(await runPromtool(['check', 'metrics'], { input })).toEqual({ ok: true, output: '' })
  })
})
