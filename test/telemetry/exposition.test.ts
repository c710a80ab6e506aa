import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { findTool, toolMissing } from '../support/tools/tools.ts'

const promtool = await findTool('promtool')

describe.skipIf(promtool === undefined)(`the page, read by Prometheus (${toolMissing('promtool')})`, () => {
  it('is understood and breaks no rule of naming', async () => {
    const metrics = createMetrics({ version: '1', workers: 1 })
    const conditions = [{ type: 'Ready', status: 'False', reason: 'odd "\\\n' }]
    const page = await metrics.page({
      waiting: { change: 0, retry: 0, poll: 0 },
      working: [],
      isLeader: true,
      hasTrouble: false,
      observationAge: 1,
      loopLag: 0,
      objects: () => [{ metadata: { namespace: 'default', name: 'a' }, status: { conditions } }],
      process: { cpuSeconds: 0, residentBytes: 0, heapBytes: 0, startTime: 0 },
    })
    const lint = spawn(promtool ?? '', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] })
    lint.stdin.end([...page.text].join(''))
    const [said] = await Promise.all([text(lint.stderr), once(lint, 'close')])
    expect(said).toBe('')
    expect(lint.exitCode).toBe(0)
  })
})
