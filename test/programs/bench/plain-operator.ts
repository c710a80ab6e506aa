/** Builds the plain controller-runtime operator in `plain-operator/`, which others are held against in the same run. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { go, InstallError } from '../../support/envtest/go-command.ts'

const source = new URL('plain-operator/', import.meta.url).pathname

export type PlainOperator = { readonly executable: string; remove(): Promise<void> }

/** The built operator, or a sentence that says why there is none. */
export async function buildPlainOperator(env: NodeJS.ProcessEnv): Promise<PlainOperator | string> {
  const folder = await mkdtemp(join(tmpdir(), 'plain-operator-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    await cp(source, folder, { recursive: true })
    const { signal } = new AbortController()
    const executable = join(folder, 'plain-operator')
    await go(['build', '-ldflags', '-s -w', '-o', executable, '.'], { cwd: folder, env, signal, instead })
    return { executable, remove }
  } catch (error) {
    await remove()
    if (error instanceof InstallError) return error.message
    throw error
  }
}

const instead = 'or measure without the plain operator in Go, as is done now'
