/** The check of the connection by itself: what the operator does at its start, as a command that ends. */
import type { Config } from './config.ts'
import { connectionStepOf } from './decide/failure.ts'
import { createDefaultConnection } from './default-connection.ts'
import type { ZStackDependencies } from './dependencies.ts'
import { connectionWorks } from './reconcile/connection-events.ts'

/** Whether the connection works, in one line for people. It logs in once, and out again. */
export async function checkConnection(
  config: Config,
  dependencies: ZStackDependencies,
): Promise<{ readonly ok: boolean; readonly line: string }> {
  const connection = createDefaultConnection(config, dependencies, {
    wrap: (send) => send,
    onShapeLearned: () => undefined,
  })
  try {
    const result = await connection.check(new AbortController().signal)
    if (result.ok) return { ok: true, line: `ok: ${config.endpoint}: ${connectionWorks}` }
    const { kind, message } = result.failure
    return { ok: false, line: `failed (${connectionStepOf(kind)}): ${message}` }
  } finally {
    await connection.close()
  }
}
