import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Result } from '../../src/decide/failure.ts'
import { failurePolicy } from '../../src/decide/failure.ts'
import {
  credentialsDirectory,
  credentialNames,
  fixedCredentials,
  type VersionedCredentials,
} from '../../src/zstack/credentials.ts'
import { redacted } from '../../src/redacted.ts'
import { withPlainSecrets } from '../support/plain-secrets.ts'
import { held } from '../support/scripted-http.ts'

describe('credentialsDirectory', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'credentials-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  const write = (files: Record<string, string>, into = directory) =>
    Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(into, name), text)))

  it('reads an account', async () => {
    await write({ ZSTACK_ACCOUNT_NAME: 'admin', ZSTACK_ACCOUNT_PASSWORD: 'p' })
    expect(withPlainSecrets(valueOf(await credentialsDirectory(directory).read()).credentials)).toEqual({
      kind: 'account',
      name: 'admin',
      password: 'p',
    })
  })

  it('reads an access key, and prefers it to an account', async () => {
    await write({
      ZSTACK_ACCESS_KEY_ID: 'id',
      ZSTACK_ACCESS_KEY_SECRET: 's',
      ZSTACK_ACCOUNT_NAME: 'admin',
      ZSTACK_ACCOUNT_PASSWORD: 'p',
    })
    expect(withPlainSecrets(valueOf(await credentialsDirectory(directory).read()).credentials)).toEqual({
      kind: 'accessKey',
      id: 'id',
      secret: 's',
    })
  })

  it.each(['\n', '\r\n'])('a closing line end %j is none of the password, other white space is', async (end) => {
    await write({ ZSTACK_ACCOUNT_NAME: `admin${end}`, ZSTACK_ACCOUNT_PASSWORD: ` p \n${end}` })
    const { credentials } = valueOf(await credentialsDirectory(directory).read())
    expect(withPlainSecrets(credentials)).toEqual({ kind: 'account', name: 'admin', password: ' p \n' })
  })

  it.each([
    ['no files', {}],
    ['half an account', { ZSTACK_ACCOUNT_NAME: 'admin' }],
    ['half an access key', { ZSTACK_ACCESS_KEY_SECRET: 's' }],
    ['empty files', { ZSTACK_ACCOUNT_NAME: '', ZSTACK_ACCOUNT_PASSWORD: '\n' }],
  ])('%s is a missing Secret, and the message names the keys it needs', async (_, files) => {
    await write(files)
    const answer = await credentialsDirectory(directory).read()
    if (answer.ok) throw new Error('credentials out of nothing')
    expect(answer.failure.kind).toBe('noCredentials')
    expect(failurePolicy[answer.failure.kind].reason).toBe('SecretNotFound')
    expect(answer.failure.message).toContain(directory)
    expect(answer.failure.message).toMatch(/ZSTACK_ACCESS_KEY_ID and ZSTACK_ACCESS_KEY_SECRET/)
    expect(answer.failure.message).toMatch(/ZSTACK_ACCOUNT_NAME and ZSTACK_ACCOUNT_PASSWORD/)
  })

  const secret = 'Secret zstack in namespace models'
  it.each<[string, Record<string, string>, string]>([
    ['no files', {}, `${secret} does not exist, or is empty`],
    ['other keys', { username: 'a', password: 'hunter2' }, `keys are missing: ${secret} has password, username`],
    ['half a pair', { ZSTACK_ACCOUNT_NAME: 'a' }, `${secret} has ZSTACK_ACCOUNT_NAME and no ZSTACK_ACCOUNT_PASSWORD`],
    [
      'an empty value',
      { ZSTACK_ACCOUNT_NAME: 'a', ZSTACK_ACCOUNT_PASSWORD: '' },
      `${secret} has ZSTACK_ACCOUNT_NAME and ZSTACK_ACCOUNT_PASSWORD, and one of them is empty`,
    ],
  ])('%s are told apart, by the name of the Secret, and no value is told', async (_, files, words) => {
    await write(files)
    const answer = await credentialsDirectory(directory, undefined, secret).read()
    const message = answer.ok ? '' : answer.failure.message
    expect(message.startsWith(`no ZStack credentials in ${directory}: ${words}; needed are the keys `)).toBe(true)
    expect(message).not.toContain('hunter2')
  })

  it('a Secret that is not mounted is called so', async () => {
    expect(await credentialsDirectory(join(directory, 'nowhere'), undefined, secret).read()).toMatchObject({
      failure: { message: expect.stringContaining(`nothing is mounted there; mount ${secret}`) as string },
    })
  })

  it('a directory that is not there is a missing Secret', async () => {
    expect(await credentialsDirectory(join(directory, 'nowhere')).read()).toMatchObject({
      failure: { kind: 'noCredentials' },
    })
  })

  /** Mounts a version of a Secret as the kubelet does: in a directory of its own, to which `..data` then points. */
  const mount = async (version: string, files: Record<string, string>) => {
    await mkdir(join(directory, version))
    await write(files, join(directory, version))
    await symlink(version, join(directory, '..tmp'))
    await rename(join(directory, '..tmp'), join(directory, '..data'))
  }
  const linkFiles = () =>
    Promise.all(Object.values(credentialNames).map((name) => symlink(join('..data', name), join(directory, name))))

  it('shows a Secret that the kubelet replaced, under another version', async () => {
    await mount('..1', { ZSTACK_ACCOUNT_NAME: 'admin', ZSTACK_ACCOUNT_PASSWORD: 'old' })
    await linkFiles()
    const source = credentialsDirectory(directory)
    const before = valueOf(await source.read())
    expect(valueOf(await source.read()).version).toBe(before.version)
    await mount('..2', { ZSTACK_ACCOUNT_NAME: 'admin', ZSTACK_ACCOUNT_PASSWORD: 'new' })
    const after = valueOf(await source.read())
    expect(withPlainSecrets(after.credentials)).toMatchObject({ password: 'new' })
    expect(after.version).not.toBe(before.version)
  })

  it.each([
    ['has removed the old version', (old: string) => rm(old, { recursive: true })],
    ['has not removed the old version yet', () => Promise.resolve()],
  ])(
    'pairs no id of one version with the secret of the next when the kubelet replaces the Secret between the two, and %s',
    async (_, remove) => {
      await mount('..1', { ZSTACK_ACCESS_KEY_ID: 'old-id', ZSTACK_ACCESS_KEY_SECRET: 'old-secret' })
      await linkFiles()
      const replaced = held<undefined>()
      let isIdRead = false
      const source = credentialsDirectory(directory, async (path) => {
        if (isIdRead || !path.endsWith('ZSTACK_ACCESS_KEY_ID')) {
          await replaced.promise
          return readFile(path, 'utf8')
        }
        isIdRead = true
        const id = await readFile(path, 'utf8')
        await mount('..2', { ZSTACK_ACCESS_KEY_ID: 'new-id', ZSTACK_ACCESS_KEY_SECRET: 'new-secret' })
        await remove(join(directory, '..1'))
        replaced.release(undefined)
        return id
      })
      const { credentials } = valueOf(await source.read())
      expect(withPlainSecrets(credentials)).toEqual({ kind: 'accessKey', id: 'new-id', secret: 'new-secret' })
    },
  )

  it('reads a Secret whole when its old version vanishes before any file of it is read', async () => {
    await mount('..1', { ZSTACK_ACCESS_KEY_ID: 'old-id', ZSTACK_ACCESS_KEY_SECRET: 'old-secret' })
    let replaced: Promise<void> | undefined
    const replace = async () => {
      await mount('..2', { ZSTACK_ACCOUNT_NAME: 'admin', ZSTACK_ACCOUNT_PASSWORD: 'new' })
      await rm(join(directory, '..1'), { recursive: true })
    }
    const source = credentialsDirectory(directory, async (path) => {
      await (replaced ??= replace())
      return readFile(path, 'utf8')
    })
    expect(withPlainSecrets(valueOf(await source.read()).credentials)).toMatchObject({ name: 'admin', password: 'new' })
  })

  it('does not reveal a secret in its version', async () => {
    await write({ ZSTACK_ACCOUNT_NAME: 'admin', ZSTACK_ACCOUNT_PASSWORD: 'sesame' })
    expect(valueOf(await credentialsDirectory(directory).read()).version).not.toContain('sesame')
  })
})

it('fixed credentials never change', async () => {
  const source = fixedCredentials({ kind: 'accessKey', id: 'id', secret: redacted('s') })
  expect(source.canChange).toBe(false)
  expect(await source.read()).toEqual(await source.read())
})

function valueOf(answer: Result<VersionedCredentials>): VersionedCredentials {
  if (!answer.ok) throw new Error(answer.failure.message)
  return answer.value
}
