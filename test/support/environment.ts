import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { parseConfig, type Config, type Environment } from '../../src/config.ts'

/** As little as will do. */
export const enough = {
  ZSTACK_ENDPOINT: 'http://zstack.example.com:8080/zstack',
  ZSTACK_ACCOUNT_NAME: 'admin',
  ZSTACK_ACCOUNT_PASSWORD: 'hunter2',
}

export function configOf(env: Environment, isTerminal = false): Config {
  const result = parseConfig({ ...enough, ...env }, isTerminal)
  if (!result.ok) throw new Error(result.problems.join('; '))
  return result.config
}

export function problemsOf(env: Environment): readonly string[] {
  const result = parseConfig(env, false)
  return result.ok ? [] : result.problems
}

export function fileWith(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'modelservice-config-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'ca.pem')
  writeFileSync(file, text)
  return file
}
