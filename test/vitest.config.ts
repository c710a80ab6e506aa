import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/envtest/shared.ts'],
    // Most test files wait for servers and processes: one worker per core would leave the cores idle.
    maxWorkers: 2 * availableParallelism(),
    testTimeout: 30_000,
    // What is awaited may take its time on a busy machine.
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 60_000,
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/test-report.json' }]],
  },
})
