import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Tests of parts in memory: nothing in src keeps state at import, so their files may share what is loaded. */
const parts = ['api', 'decide', 'kube', 'zstack', 'reconcile', 'telemetry', 'simulation'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
)

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    globalSetup: ['test/support/envtest/shared.ts'],
    // Most test files wait for servers and processes: one worker per core would leave the cores idle.
    maxWorkers: 2 * availableParallelism(),
    testTimeout: 30_000,
    // What is awaited may take its time on a busy machine.
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 60_000,
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/test-report.json' }]],
    projects: [
      { extends: true, test: { name: 'parts', include: parts, isolate: false } },
      { extends: true, test: { name: 'whole', include: ['test/**/*.test.ts'], exclude: parts, isolate: false } },
    ],
  },
})
